// A chain and a report of SEV before SNP, of any bytes: read or refused; never sound.
#include <vector>

#include "attest/verifier.h"
#include "tests/support/certificates.h"
#include "tests/support/simulated_sev.h"

using namespace cloister;

namespace {

struct Machine {
  testing::SimulatedSev sev;
  attest::Anchors anchors = sev.anchors();
  attest::Evidence evidence = sev.chain();
};

Machine& machine() {
  static Machine machine;
  return machine;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto set = attest::decode_evidence({data, size});
  if (!set.ok() || set->primary.kind != attest::Kind::kSev) return 0;
  const attest::Question question{testing::kNow, Bytes(16, 0x5A), nullptr, &machine().anchors, nullptr};
  const attest::Verdict verdict = attest::verify(set->primary, question);
  CLOISTER_CHECK(!verdict.checks.empty() && !verdict.sound());
  CLOISTER_CHECK(verdict.claims.empty() == (verdict.assurance == attest::Assurance::kNone));
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(attest::encode({machine().evidence, {}}));
}
