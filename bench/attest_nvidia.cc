// Verdicts on a GPU a second, its report alone and with both manifests and every OCSP answer, beside the signatures in
// them, which can't be saved. NVIDIA's own verifier is beside them in attest_nvidia.py.
#include "attest/nvidia/raw_signature.h"
#include "attest/nvidia/report.h"
#include "attest/verifier.h"
#include "bench.h"
#include "tests/support/simulated_nvidia.h"

namespace {

using namespace cloister;

constexpr int kBatch = 100;

void show(const char* name, const std::function<void()>& work) {
  work();
  std::vector<double> rates;
  for (int round = 0; round < bench::rounds(); ++round) {
    const double cpu = bench::cpu_seconds();
    for (int i = 0; i < kBatch; ++i) work();
    rates.push_back(kBatch / (bench::cpu_seconds() - cpu));
  }
  std::printf("%-60s %8.0f a second a core\n", name, bench::median(rates));
}

}  // namespace

int main() {
  const testing::SimulatedGpu gpu;
  const attest::Evidence evidence = gpu.evidence();
  attest::Question whole = gpu.question();
  attest::Question alone = whole;
  alone.collateral = nullptr;
  if (!attest::verify(evidence, whole).sound()) bench::fail("the simulated GPU isn't sound");
  const auto report = bench::must(attest::nvidia::parse_report(evidence.part("report")));
  const auto& firmware = gpu.device.certificates.front();
  show("one ECDSA P-384 signature, of the report",
       [&] { bench::must(attest::nvidia::verify_raw_p384(firmware, report.signed_part, report.signature)); });
  show("report and chain: 6 signatures", [&] { static_cast<void>(attest::verify(evidence, alone)); });
  show("report, two manifests, nine OCSP answers: 25 signatures",
       [&] { static_cast<void>(attest::verify(evidence, whole)); });
  return 0;
}
