// A device's evidence of any bytes: a verdict comes back, and a sound one only for a report that was signed.
#include <vector>

#include "attest/nvidia/report.h"
#include "attest/verifier.h"
#include "tests/support/simulated_nvidia.h"

using namespace cloister;

namespace {

testing::SimulatedGpu small_gpu() {
  testing::SimulatedGpu gpu;
  gpu.report.blocks = 40;
  return gpu;
}

const testing::SimulatedGpu& gpu() {
  static const testing::SimulatedGpu gpu = small_gpu();
  return gpu;
}

const testing::SimulatedSwitch& nvswitch() {
  static const testing::SimulatedSwitch nvswitch;
  return nvswitch;
}

void check(const attest::Evidence& evidence, const attest::Question& question,
           const testing::SimulatedReport& signed_one) {
  const attest::Verdict verdict = attest::verify(evidence, question);
  CLOISTER_CHECK(!verdict.checks.empty());
  const bool claims = !verdict.claims.empty();
  const auto report = attest::nvidia::parse_report(evidence.part("report"));
  CLOISTER_CHECK(!claims || (report.ok() && equal(report->signed_part, testing::report_to_sign(signed_one))));
  CLOISTER_CHECK(!verdict.sound() || claims);
  ignore_result(attest::needs(evidence));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ignore_result(attest::nvidia::parse_report({data, size}));
  const auto set = attest::decode_evidence({data, size});
  if (!set.ok()) return 0;
  if (set->primary.kind == attest::Kind::kNvidiaGpu) check(set->primary, gpu().question(), gpu().report);
  if (set->primary.kind == attest::Kind::kNvidiaSwitch) check(set->primary, nvswitch().question(), nvswitch().report);
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(attest::encode({gpu().evidence(), {}}));
  seeds->push_back(attest::encode({nvswitch().evidence(), {}}));
  seeds->push_back(testing::signed_report(gpu().report, gpu().device.keys.front()));
}
