#include "posture/collect/cloud/sample.h"

#include <algorithm>
#include <cmath>

namespace cloister::posture {

std::vector<std::size_t> stratified_sample(std::size_t count, std::size_t want, const std::function<double()>& random) {
  std::vector<std::size_t> chosen;
  const std::size_t size = std::min(count, want);
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t from = count * i / size;
    const std::size_t to = count * (i + 1) / size;
    const auto within = static_cast<std::size_t>(random() * static_cast<double>(to - from));
    chosen.push_back(std::min(from + within, to - 1));
  }
  return chosen;
}

std::int64_t sample_bound_permille(std::size_t count, std::size_t sampled) {
  static constexpr double kMissed = 0.05;
  if (sampled >= count) return 0;
  if (sampled == 0) return 1000;
  const double share = 1 - std::pow(kMissed, 1 / static_cast<double>(sampled));
  return std::min<std::int64_t>(1000, std::llround(std::ceil(share * 1000)));
}

}  // namespace cloister::posture
