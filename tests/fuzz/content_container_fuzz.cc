// Headers of other programs' encryption, of any bytes: parsed or refused, and a payload lies within its file.
#include <vector>

#include "posture/collect/content/containers.h"
#include "tests/support/content_estate.h"

using namespace cloister;
using namespace cloister::posture::content;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  const auto check = [&](const Result<Container>& parsed) {
    if (!parsed.ok() || !parsed->payload) return;
    CLOISTER_CHECK(parsed->payload->begin <= parsed->payload->end && parsed->payload->end <= size);
  };
  check(parse_age(bytes, size));
  check(parse_openpgp(bytes, size));
  check(parse_luks(bytes, size));
  check(parse_jwe(as_text(bytes)));
  const auto any = parse_container(sample_of(bytes));
  if (any.ok() && *any) CLOISTER_CHECK(!(*any)->type.empty());
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  *seeds = {testing::age_file(testing::noise(1, 100)), testing::openpgp_file(testing::noise(2, 100)),
            testing::luks1_file(testing::noise(3, 4096))};
  const std::string jwe = testing::jwe_text(testing::noise(4, 200));
  seeds->push_back(to_bytes(as_bytes(jwe)));
}
