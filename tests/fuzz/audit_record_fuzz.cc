// A record of any bytes: parsed or refused, and what was parsed is encoded as it was.
#include <vector>

#include "tests/unit/audit/log_fixture.h"

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const auto& record : cloister::audit::example_records()) seeds->push_back(record.encode());
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  const ByteView input(data, size);
  const auto record = audit::LogRecord::parse(input);
  if (record.ok()) CLOISTER_CHECK(equal(record->encode(), input));
  return 0;
}
