// Small sketches of many values: how many distinct ones, and where their quantiles lie.
#pragma once

#include <array>
#include <cstdint>

namespace cloister::audit::anomaly {

// HyperLogLog with 128 registers: the number of distinct hashes with a standard error of 6 to 10 % (Flajolet et al.
// 2007, and linear counting below 300).
class DistinctCounter {
 public:
  static constexpr std::size_t kRegisters = 128;

  // False when the estimate can't have changed. Constant time.
  bool add(std::uint64_t hash);
  double estimate() const;
  void clear() { *this = DistinctCounter(); }

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(registers_);
    recount();
  }
  bool valid() const;

 private:
  void recount();

  std::array<std::uint8_t, kRegisters> registers_{};
  double sum_ = kRegisters;  // of 2^-register
  std::uint32_t zeros_ = kRegisters;
};

// Values in [-4, 12) in 64 bins of a quarter, everything else in the outermost; old values fade by halving. Meant for
// logarithms: a bin is a factor of 1.28.
class FadingHistogram {
 public:
  static constexpr std::size_t kBins = 64;

  // Halves all bins when `total_max` values are in it.
  void add(double value, std::uint32_t total_max);
  std::uint32_t total() const { return total_; }
  // The value below which this share lies, interpolated within its bin; 0 when empty.
  double quantile(double share) const;
  double median() const { return quantile(0.5); }
  // 1.4826 * median(|value - median|): the standard deviation, if it were normal.
  double spread() const;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(bins_);
    recount();
  }
  bool valid() const { return true; }

 private:
  void recount();

  std::array<std::uint16_t, kBins> bins_{};
  std::uint32_t total_ = 0;
};

}  // namespace cloister::audit::anomaly
