// A TPM's evidence of any bytes, with Azure's blob and without, is verified or refused: only what was quoted is sound.
#include <vector>

#include "attest/tpm/coco_quote.h"
#include "tests/support/certificates.h"
#include "tests/support/simulated_tpm.h"

using namespace cloister;

namespace {

struct Machine {
  testing::SimulatedTpm tpm;
  testing::SimulatedTpm rsa{{.key = testing::TpmParts::Key::kRsa}};
  attest::Evidence evidence = tpm.evidence();
  attest::Collateral collateral = tpm.collateral();

  attest::Evidence azure() const {
    attest::Evidence layered = rsa.evidence();
    layered.kind = attest::Kind::kAzureSnpVtpm;
    layered.parts.erase("ak");
    layered.parts["hcl"] =
        testing::hcl_report({.hardware_report = Bytes(1184, 2), .json = testing::hcl_json(rsa.key())});
    return layered;
  }
};

const Machine& machine() {
  static const Machine machine;
  return machine;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ignore_result(attest::read_coco_quote({data, size}));
  const auto set = attest::decode_evidence({data, size});
  if (!set.ok()) return 0;
  const attest::Evidence& evidence = set->primary;
  const bool covered = evidence.kind == attest::Kind::kTpm || evidence.kind == attest::Kind::kAzureSnpVtpm ||
                       evidence.kind == attest::Kind::kAzureTdxVtpm;
  if (!covered) return 0;
  const attest::Verdict verdict = attest::verify(
      evidence, {.now = testing::kNow, .report_data = Bytes(64, 0x5A), .collateral = &machine().collateral});
  for (const char* part : {"quote", "pcrs"}) {
    CLOISTER_CHECK(!verdict.sound() || equal(evidence.part(part), machine().evidence.part(part)));
  }
  ignore_result(attest::needs(evidence));
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(attest::encode({machine().evidence, {}}));
  seeds->push_back(attest::encode({machine().azure(), {}}));
  const std::string json = R"({"tpm_quote":{"message":"00","signature":"00","pcrs":["00"]},"hcl_report":"AA"})";
  seeds->push_back(to_bytes(as_bytes(json)));
}
