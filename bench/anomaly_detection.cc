// What the anomaly detectors find in simulated weeks of key usage, per attack, and how often they cry for nothing.
//   bench_anomaly_detection [FIRST_SEED [SEEDS [normal|placebo|verbose]]]
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/clock.h"
#include "tests/support/detection_score.h"

int main(int count, char** arguments) {
  using namespace cloister;
  const std::uint64_t first = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 2001;
  const std::uint64_t seeds = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 40;
  const std::string_view mode = count > 3 ? arguments[3] : "normal";
  testing::WorldOptions options;
  options.inject = mode != "placebo";
  testing::DetectionScore score;
  const double start = monotonic_seconds();
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) score.add(testing::score_world(seed, options));
  if (mode == "verbose") {
    for (const auto& line : score.missed) std::printf("missed: %s\n", line.c_str());
    for (const auto& line : score.cried) std::printf("cried: %s\n", line.c_str());
  }
  std::printf("seeds %llu to %llu, %d weeks of four tenants each, %llu events, %.1f s%s\n\n",
              static_cast<unsigned long long>(first), static_cast<unsigned long long>(first + seeds - 1), options.weeks,
              static_cast<unsigned long long>(score.events), monotonic_seconds() - start,
              options.inject ? "" : "; the attacks were only scheduled: what is \"found\" is luck");
  testing::print(score);
}
