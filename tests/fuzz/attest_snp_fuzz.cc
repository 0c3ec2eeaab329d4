// SEV-SNP evidence of any bytes, as a set, a report with its table, or JSON: read or refused; what isn't what the
// simulated machine wrote is never sound.
#include <vector>

#include "attest/verifier.h"
#include "tests/support/coco_snp_json.h"

using namespace cloister;

namespace {

struct Machine {
  testing::SimulatedAmd amd;
  std::unique_ptr<testing::SnpQuestion> asked = testing::snp_question(amd);
  attest::Evidence evidence = amd.snp();
  attest::Evidence of_provider = amd.snp({.signer = attest::SnpSigningKey::kVlek});

  bool wrote(ByteView report) const {
    return equal(report, evidence.part("report")) || equal(report, of_provider.part("report"));
  }
};

Machine& machine() {
  static Machine machine;
  return machine;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto set = attest::recognise({data, size});
  if (!set.ok() || set->primary.kind != attest::Kind::kSnp) return 0;
  const attest::Evidence& evidence = set->primary;
  ignore_result(attest::needs(evidence));
  const attest::Verdict verdict = attest::verify(evidence, machine().asked->question);
  CLOISTER_CHECK(!verdict.checks.empty());
  CLOISTER_CHECK(!verdict.sound() || machine().wrote(evidence.part("report")));
  CLOISTER_CHECK(verdict.claims.empty() == (verdict.assurance == attest::Assurance::kNone));
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const attest::Evidence& evidence = machine().evidence;
  seeds->push_back(attest::encode({evidence, {}}));
  seeds->push_back(attest::encode({machine().of_provider, {}}));
  seeds->push_back(to_bytes(as_bytes(testing::coco_snp_json(evidence).serialize())));
  Bytes extended = to_bytes(evidence.part("report"));
  extended.resize(extended.size() + 24);
  seeds->push_back(extended);
}
