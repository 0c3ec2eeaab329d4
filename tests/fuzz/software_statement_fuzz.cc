// An insecure_software statement of any bytes: never sound unless it is the one that was signed, never more than
// insecure_software.
#include <vector>

#include "tests/support/simulated_software.h"

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(cloister::testing::SimulatedSoftware().evidence().parts.at("statement"));
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  static const testing::SimulatedSoftware worker;
  static const attest::Evidence genuine = worker.evidence();
  const attest::Evidence evidence{attest::Kind::kInsecureSoftware, {{"statement", Bytes(data, data + size)}}};
  const attest::Verdict verdict = attest::verify(evidence, worker.question());
  CLOISTER_CHECK(!verdict.checks.empty() && verdict.assurance != attest::Assurance::kHardware);
  CLOISTER_CHECK(!verdict.sound() || evidence == genuine);
  CLOISTER_CHECK(attest::needs(evidence).empty());
  return 0;
}
