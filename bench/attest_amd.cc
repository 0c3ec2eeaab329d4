// Verdicts on AMD's machines and on Nitro enclaves a second, beside the signatures in them; and with the cache of a
// service, which has seen the certificates and the list before.
// Google's go-sev-guest is beside them in attest_amd.py.
#include "attest/amd/little_endian_signature.h"
#include "attest/amd/snp_certificate.h"
#include "bench.h"
#include "crypto/pem.h"
#include "tests/support/simulated_nitro.h"
#include "tests/support/simulated_sev.h"
#include "tests/support/simulated_snp.h"
#include "tests/support/vector_folder.h"
#include "tests/support/vectors.h"

namespace {

using namespace cloister;

constexpr int kBatch = 100;

attest::Evidence milan(const Path& folder) {
  const auto chain =
      bench::must(crypto::parse_pem(cloister::testing::text_of_file(folder / "ask_ark_asvk.pem"), "CERTIFICATE", 3));
  return {attest::Kind::kSnp,
          {{"report", cloister::testing::bytes_of_file(folder / "report.bin")},
           {"vcek", cloister::testing::bytes_of_file(folder / "vek.der")},
           {"ask", chain[0]},
           {"ark", chain[1]}}};
}

void show_real(const Path& folder) {
  const attest::Evidence evidence = milan(folder);
  attest::Question question;
  question.now = bench::must(parse_rfc3339("2025-06-01T00:00:00Z"));
  bench::show_rate(kBatch, "SNP report and chain of a real Milan: 4 signatures",
                   [&] { ignore_result(attest::verify(evidence, question)); });
  crypto::VerificationCache cache;
  question.cache = &cache;
  bench::show_rate(kBatch, "the same with a cache: 1 signature left",
                   [&] { ignore_result(attest::verify(evidence, question)); });
}

}  // namespace

int main() {
  cloister::testing::SimulatedAmd amd;
  const auto asked = cloister::testing::snp_question(amd);
  const attest::Evidence snp = amd.snp();
  if (!attest::verify(snp, asked->question).sound()) bench::fail("the simulated machine isn't sound");
  const auto report = bench::must(attest::SnpReport::parse(snp.part("report")));
  const auto key = bench::must(bench::must(attest::read_snp_endorsement(snp.part("vcek"))).certificate.public_key());
  const Bytes signature =
      bench::must(attest::der_of_little_endian_signature(report.signature_r(), report.signature_s(), 48));
  bench::show_rate(kBatch, "one ECDSA P-384 signature, of the report", [&] {
    bench::must(key.verify(crypto::SignatureAlgorithm::kEcdsaSha384, report.signed_part(), signature));
  });
  if (const auto folder = cloister::testing::find_vectors("snp/milan-v3-oak")) show_real(*folder);
  bench::show_rate(kBatch, "SNP report, chain and list of revocations: 5 P-384",
                   [&] { ignore_result(attest::verify(snp, asked->question)); });
  crypto::VerificationCache cache;
  asked->question.cache = &cache;
  bench::show_rate(kBatch, "the same with a cache: 1 P-384 left",
                   [&] { ignore_result(attest::verify(snp, asked->question)); });
  cloister::testing::SimulatedNitro nitro;
  const attest::Anchors aws = nitro.anchors();
  const attest::Evidence document = nitro.document();
  const attest::Question of_enclave{cloister::testing::kNow, Bytes(64, 0x5A), nullptr, &aws, nullptr};
  if (!attest::verify(document, of_enclave).sound()) bench::fail("the simulated enclave isn't sound");
  bench::show_rate(kBatch, "Nitro document: 4 P-384", [&] { ignore_result(attest::verify(document, of_enclave)); });
  cloister::testing::SimulatedSev sev;
  const attest::Anchors naples = sev.anchors();
  const attest::Evidence chain = sev.chain();
  const attest::Question of_guest{cloister::testing::kNow, Bytes(16, 0x5A), nullptr, &naples, nullptr};
  bench::show_rate(kBatch, "legacy SEV chain and report: 3 RSA-2048, 5 P-384",
                   [&] { ignore_result(attest::verify(chain, of_guest)); });
  return 0;
}
