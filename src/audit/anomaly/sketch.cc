#include "audit/anomaly/sketch.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace cloister::audit::anomaly {
namespace {

constexpr double kLow = -4, kStep = 0.25;
constexpr unsigned kRegisterBits = 7;
// Below 2^45 the sum of the registers is exact, whatever the order of adding. 2^47 distinct values are enough.
constexpr int kRankMax = 40;

}  // namespace

bool DistinctCounter::add(std::uint64_t hash) {
  std::uint8_t& kept = registers_[hash >> (64 - kRegisterBits)];
  const auto rank = static_cast<std::uint8_t>(std::min(std::countl_zero(hash << kRegisterBits) + 1, kRankMax));
  if (rank <= kept) return false;
  if (kept == 0) --zeros_;
  sum_ += std::ldexp(1.0, -rank) - std::ldexp(1.0, -kept);
  kept = rank;
  return true;
}

double DistinctCounter::estimate() const {
  constexpr double kSize = kRegisters;
  constexpr double kBias = 0.7213 / (1 + 1.079 / kSize);
  const double raw = kBias * kSize * kSize / sum_;
  if (raw <= 2.5 * kSize && zeros_ > 0) return kSize * std::log(kSize / zeros_);
  return raw;
}

bool DistinctCounter::valid() const {
  return std::ranges::all_of(registers_, [](std::uint8_t rank) { return rank <= kRankMax; });
}

void DistinctCounter::recount() {
  sum_ = 0;
  for (const std::uint8_t rank : registers_) sum_ += std::ldexp(1.0, -rank);
  zeros_ = static_cast<std::uint32_t>(std::ranges::count(registers_, 0));
}

void FadingHistogram::add(double value, std::uint32_t total_max) {
  if (total_ >= total_max) {
    for (std::uint16_t& bin : bins_) bin /= 2;
    recount();
  }
  const double place = std::clamp((value - kLow) / kStep, 0.0, double{kBins - 1});
  ++bins_[static_cast<std::size_t>(place)];
  ++total_;
}

double FadingHistogram::quantile(double share) const {
  if (total_ == 0) return 0;
  const double wanted = share * total_;
  double below = 0;
  for (std::size_t i = 0; i < kBins; ++i) {
    if (bins_[i] > 0 && below + bins_[i] >= wanted) {
      return kLow + kStep * (static_cast<double>(i) + std::clamp((wanted - below) / bins_[i], 0.0, 1.0));
    }
    below += bins_[i];
  }
  return kLow + kStep * kBins;
}

double FadingHistogram::spread() const {
  if (total_ == 0) return 0;
  const double middle = median();
  const auto distance = [middle](std::size_t bin) {
    return std::fabs(kLow + kStep * (static_cast<double>(bin) + 0.5) - middle);
  };
  // Bins from the middle outwards, whichever of the two next ones is nearer.
  const auto home = static_cast<std::size_t>(std::clamp((middle - kLow) / kStep, 0.0, double{kBins - 1}));
  std::size_t left = home + 1, right = home + 1;
  double within = 0, reached = 0;
  while (within * 2 < total_ && (left > 0 || right < kBins)) {
    const bool take_left = right >= kBins || (left > 0 && distance(left - 1) <= distance(right));
    const std::size_t bin = take_left ? --left : right++;
    within += bins_[bin];
    if (bins_[bin] > 0) reached = distance(bin);
  }
  return 1.4826 * reached;
}

void FadingHistogram::recount() {
  total_ = 0;
  for (const std::uint16_t bin : bins_) total_ += bin;
}

}  // namespace cloister::audit::anomaly
