// Verdicts on a GPU a second, its report alone and with both manifests and every OCSP answer, beside the signatures in
// them; and with the cache of a service, which has seen all but the report before. NVIDIA's own verifier is beside them
// in attest_nvidia.py.
#include "attest/nvidia/raw_signature.h"
#include "attest/nvidia/report.h"
#include "attest/verifier.h"
#include "bench.h"
#include "tests/support/simulated_nvidia.h"

namespace {

using namespace cloister;

constexpr int kBatch = 100;

// A real report and its chain, without collateral; the time is one at which the chain is valid.
void show_real(const char* report, const char* chain) {
  const attest::Evidence evidence{
      attest::Kind::kNvidiaGpu,
      {{"report", bench::must(read_file(report, 1 << 20))}, {"chain", bench::must(read_file(chain, 1 << 20))}}};
  attest::Question question;
  question.now = bench::must(parse_rfc3339("2025-06-01T00:00:00Z"));
  const attest::Verdict verdict = attest::verify(evidence, question);
  if (verdict.any_failed() || verdict.assurance != attest::Assurance::kHardware)
    bench::fail("a real report is refused");
  bench::show_rate(kBatch, "a real report and its chain",
                   [&] { static_cast<void>(attest::verify(evidence, question)); });
}

}  // namespace

int main(int argc, char** argv) {
  const testing::SimulatedGpu gpu(crypto::KeyType::kEcP384);
  const attest::Evidence evidence = gpu.evidence();
  attest::Question whole = gpu.question();
  attest::Question alone = whole;
  alone.collateral = nullptr;
  if (!attest::verify(evidence, whole).sound()) bench::fail("the simulated GPU isn't sound");
  const auto report = bench::must(attest::nvidia::parse_report(evidence.part("report")));
  const auto& firmware = gpu.device.certificates.front();
  bench::show_rate(kBatch, "one ECDSA P-384 signature, of the report", [&] {
    bench::must(attest::nvidia::verify_raw_p384(firmware, report.signed_part, report.signature));
  });
  bench::show_rate(kBatch, "report and chain: 6 signatures",
                   [&] { static_cast<void>(attest::verify(evidence, alone)); });
  bench::show_rate(kBatch, "report, two manifests, six OCSP answers: 22 signatures",
                   [&] { static_cast<void>(attest::verify(evidence, whole)); });
  crypto::VerificationCache cache;
  whole.cache = &cache;
  bench::show_rate(kBatch, "the same with a cache: 1 signature left",
                   [&] { static_cast<void>(attest::verify(evidence, whole)); });
  if (argc == 3) show_real(argv[1], argv[2]);
  return 0;
}
