#include "audit/anomaly/tail_probability.h"

#include <cmath>

#include <algorithm>

namespace cloister::audit::anomaly {
namespace {

// std::lgamma writes a global; this one doesn't.
double log_gamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

double log_beta(double a, double b) { return log_gamma(a) + log_gamma(b) - log_gamma(a + b); }

// The continued fraction of DLMF 8.17.22 by the modified Lentz method; converges fast for x < (a + 1) / (a + b + 2).
double continued_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300, kEnough = 1e-12;
  constexpr int kStepsMax = 400;
  const auto away_from_zero = [](double value) { return std::fabs(value) < kTiny ? kTiny : value; };
  double c = 1;
  double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
  double fraction = d;
  for (int m = 1; m <= kStepsMax; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    fraction *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    fraction *= d * c;
    if (std::fabs(d * c - 1) < kEnough) break;
  }
  return fraction;
}

}  // namespace

double incomplete_beta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front = std::exp(a * std::log(x) + b * std::log1p(-x) - log_beta(a, b));
  if (x < (a + 1) / (a + b + 2)) return std::clamp(front * continued_fraction(a, b, x) / a, 0.0, 1.0);
  return std::clamp(1 - front * continued_fraction(b, a, 1 - x) / b, 0.0, 1.0);
}

double negative_binomial_tail(double count, double mean, double dispersion) {
  constexpr double kDispersionMin = 1e-4;  // as good as Poisson
  if (count <= 0) return 1;
  const double shape = 1 / std::max(dispersion, kDispersionMin);
  return incomplete_beta(count, shape, mean / (mean + shape));
}

double beta_binomial_tail(double hits, double trials, double share, double concentration) {
  if (hits <= 0) return 1;
  const double spread = 1 / trials + (trials - 1) / trials / (concentration + 1);  // variance / (m (1 - m))
  const double total = 1 / spread - 1;
  if (total <= 0) return hits <= trials * share ? 1 : share;
  return incomplete_beta((1 - share) * total, share * total, 1 - std::min(1.0, (hits - 0.5) / trials));
}

}  // namespace cloister::audit::anomaly
