// Random numbers for simulations: the same on every machine, and nothing for a program.
#pragma once

#include <cmath>
#include <cstdint>

namespace cloister::testing {

class SimRandom {
 public:
  explicit SimRandom(std::uint64_t seed) : state_(seed) {}

  // SplitMix64 (Steele, Lea, Flood 2014).
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  double between(double least, double most) { return least + (most - least) * uniform(); }
  int below(int count) { return static_cast<int>(next() % static_cast<std::uint64_t>(count)); }
  int between(int least, int most) { return least + below(most - least + 1); }
  bool chance(double probability) { return uniform() < probability; }
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(6.283185307179586 * uniform());
  }
  // A factor around 1 whose logarithm has this spread.
  double factor(double spread) { return std::exp(spread * normal()); }
  int poisson(double mean) {
    if (mean > 50) return static_cast<int>(std::fmax(0, std::round(mean + std::sqrt(mean) * normal())));
    const double floor = std::exp(-mean);
    int count = 0;
    for (double product = uniform(); product > floor; product *= uniform()) ++count;
    return count;
  }
  // Small indices more often: 0 about as often as all others together.
  int skewed(int count) {
    const double u = uniform();
    return static_cast<int>(u * u * u * count);
  }

 private:
  std::uint64_t state_;
};

}  // namespace cloister::testing
