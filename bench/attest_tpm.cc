// Verdicts on an Arm CCA token, on a TPM's quote and on Azure's layers a second, beside the signatures in them, which
// can't be saved.
#include "attest/verifier.h"
#include "bench.h"
#include "tests/support/simulated_cca.h"
#include "tests/support/simulated_snp.h"
#include "tests/support/simulated_tpm.h"

namespace {

using namespace cloister;

constexpr int kBatch = 200;

void judge(const char* name, const attest::Evidence& evidence, const attest::Question& question) {
  if (!attest::verify(evidence, question).sound()) bench::fail(std::string(name) + ": the evidence isn't sound");
  bench::show_rate(kBatch, name, [&] { static_cast<void>(attest::verify(evidence, question)); });
}

void signatures() {
  const Bytes message(300, 7);
  const crypto::PrivateKey p256 = testing::key_of_seed(1), p384 = testing::key_of_seed(1, crypto::KeyType::kEcP384);
  const Bytes by_p256 = p256.sign(message), by_p384 = p384.sign(message);
  bench::show_rate(kBatch, "one ECDSA P-256 signature", [&] {
    bench::must(p256.public_key().verify(crypto::SignatureAlgorithm::kEcdsaSha256, message, by_p256));
  });
  bench::show_rate(kBatch, "one ECDSA P-384 signature", [&] {
    bench::must(p384.public_key().verify(crypto::SignatureAlgorithm::kEcdsaSha384, message, by_p384));
  });
}

}  // namespace

int main() {
  signatures();
  const testing::SimulatedCca cca;
  const attest::Collateral cca_keys = cca.collateral();
  judge("Arm CCA token: 2 signatures, P-384", cca.evidence(),
        {.now = testing::kNow, .report_data = cca.challenge, .collateral = &cca_keys});
  const testing::SimulatedTpm tpm;
  const attest::Collateral tpm_keys = tpm.collateral();
  judge("TPM quote: 1 signature, P-256", tpm.evidence(),
        {.now = testing::kNow, .report_data = Bytes(64, 0x5A), .collateral = &tpm_keys});

  testing::SimulatedAmd amd;
  const testing::SimulatedTpm rsa({.key = testing::TpmParts::Key::kRsa});
  const std::string json = testing::hcl_json(rsa.key());
  Bytes digest = to_bytes(crypto::sha256(as_bytes(json)));
  digest.resize(64);
  attest::Evidence azure = amd.snp({.report_data = digest});
  azure.kind = attest::Kind::kAzureSnpVtpm;
  azure.parts["hcl"] = testing::hcl_report({.hardware_report = azure.parts.at("report"), .json = json});
  azure.parts.erase("report");
  attest::Evidence quoted = rsa.evidence();
  quoted.parts.erase("ak");
  azure.parts.merge(quoted.parts);
  const auto known = testing::snp_question(amd);
  judge("Azure on SNP: report, chain, list, and a quote by RSA", azure, known->question);
  return 0;
}
