// A posture bundle of any bytes: read or refused, and none but the one that was signed here verifies.
#include <vector>

#include "tests/unit/posture/evidence/run_fixture.h"

namespace {

using namespace cloister;
using namespace cloister::posture;

struct Made {
  Signer signer;
  audit::VerifierKey key = signer.note.verifier();
  std::string bundle = signer.bundle(contents_of(example_materials()));
};

Made& made() {
  static Made made;
  return made;
}

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  // Without the catalogue, which is most of it, so that mutations meet the rest.
  std::string small = made().bundle;
  const std::size_t begin = small.find("\n{\"catalogue\""), end = small.find("\n{\"exceptions\"");
  small.replace(begin, end - begin, "\n{\"catalogue\":\"\"}");
  seeds->emplace_back(small.begin(), small.end());
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = as_text({data, size});
  const auto bundle = read_bundle(input);
  if (!bundle.ok()) return 0;
  CLOISTER_CHECK(!root_of(bundle->text).empty());
  const auto verified = verify_signed(input, {&made().key, 1});
  CLOISTER_CHECK(!verified.ok() || input == made().bundle);
  return 0;
}
