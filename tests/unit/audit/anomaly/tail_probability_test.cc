#include "audit/anomaly/tail_probability.h"

#include <gtest/gtest.h>

#include <cmath>

namespace cloister::audit::anomaly {
namespace {

// Summed term by term.
double negative_binomial_sum(int count, double mean, double dispersion) {
  const double shape = 1 / dispersion, p = mean / (mean + shape);
  double below = 0;
  for (int k = 0; k < count; ++k) {
    below += std::exp(std::lgamma(k + shape) - std::lgamma(shape) - std::lgamma(k + 1.0) + k * std::log(p) +
                      shape * std::log1p(-p));
  }
  return 1 - below;
}

TEST(IncompleteBeta, KnownValues) {
  EXPECT_NEAR(incomplete_beta(1, 1, 0.3), 0.3, 1e-12);
  EXPECT_NEAR(incomplete_beta(2, 3, 0.5), 0.6875, 1e-12);        // 11/16
  EXPECT_NEAR(incomplete_beta(0.5, 0.5, 0.25), 1.0 / 3, 1e-12);  // (2/pi) asin(sqrt x)
  EXPECT_NEAR(incomplete_beta(10, 20, 0.4), 1 - incomplete_beta(20, 10, 0.6), 1e-12);
  EXPECT_EQ(incomplete_beta(3, 4, 0), 0);
  EXPECT_EQ(incomplete_beta(3, 4, 1), 1);
}

TEST(IncompleteBeta, HugeParameters) {
  EXPECT_NEAR(incomplete_beta(1e5, 1e5, 0.5), 0.5, 1e-9);
  EXPECT_LT(incomplete_beta(1e5, 1e5, 0.49), 1e-15);
  EXPECT_GT(incomplete_beta(1e5, 1e5, 0.51), 1 - 1e-9);
}

TEST(NegativeBinomialTail, AgainstTheSum) {
  for (const double dispersion : {0.05, 0.5, 2.0}) {
    for (const int count : {1, 5, 20, 60}) {
      const double sum = negative_binomial_sum(count, 10, dispersion);
      EXPECT_NEAR(negative_binomial_tail(count, 10, dispersion), sum, 1e-9) << count << " " << dispersion;
    }
  }
  EXPECT_EQ(negative_binomial_tail(0, 10, 0.5), 1);
  EXPECT_NEAR(negative_binomial_tail(1, 2, 0), 1 - std::exp(-2), 1e-3);  // Poisson
}

TEST(BetaBinomialTail, FallsWithTheShare) {
  double before = 1.1;
  for (int hits = 0; hits <= 100; hits += 10) {
    const double p = beta_binomial_tail(hits, 100, 0.2, 30);
    EXPECT_LE(p, before);
    before = p;
  }
  EXPECT_LT(beta_binomial_tail(95, 100, 0.2, 30), 1e-9);
  EXPECT_GT(beta_binomial_tail(22, 100, 0.2, 30), 0.2);
  EXPECT_NEAR(beta_binomial_tail(60, 100, 0.5, 1e9), 0.0284, 0.003);  // binomial
}

}  // namespace
}  // namespace cloister::audit::anomaly
