// A CCA token of any bytes is verified or refused, and only what was signed is sound.
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/simulated_cca.h"

using namespace cloister;

namespace {

struct Platform {
  testing::SimulatedCca made;
  testing::SimulatedCca legacy{.platform_profile = testing::SimulatedCca::Profile::kLegacy,
                               .realm_profile = testing::SimulatedCca::Profile::kLegacy};
  attest::Evidence evidence = made.evidence();
  attest::Collateral collateral = made.collateral();
};

const Platform& platform() {
  static const Platform platform;
  return platform;
}

attest::Verdict judged(const attest::Evidence& evidence) {
  return attest::verify(
      evidence, {.now = testing::kNow, .report_data = platform().made.challenge, .collateral = &platform().collateral});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const attest::Evidence evidence{attest::Kind::kCca, {{"token", Bytes(data, data + size)}}};
  const attest::Verdict verdict = judged(evidence);
  static const attest::Claims claims = judged(platform().evidence).claims;
  static const attest::Claims older = judged(platform().legacy.evidence()).claims;
  CLOISTER_CHECK(!verdict.sound() || verdict.claims == claims || verdict.claims == older);
  CLOISTER_CHECK(!verdict.checks.empty());
  ignore_result(attest::needs(evidence));
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(platform().made.token());
  seeds->push_back(platform().legacy.token());
}
