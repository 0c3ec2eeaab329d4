// How unlikely a count or a share is: tails of the distributions that key usage is held against.
#pragma once

namespace cloister::audit::anomaly {

// I_x(a, b), the regularised incomplete beta function, for a, b > 0 and x in [0, 1]. DLMF 8.17. Within 1e-9 of the true
// value for a and b up to 1e5.
double incomplete_beta(double a, double b, double x);

// P(X >= count) for a negative binomial X with this mean > 0 and variance mean + dispersion * mean^2.
double negative_binomial_tail(double count, double mean, double dispersion);

// P(K >= hits) for K of `trials` from a beta-binomial with this mean share in (0, 1) and concentration alpha + beta.
// K / trials is taken as beta distributed with the same mean and variance.
double beta_binomial_tail(double hits, double trials, double share, double concentration);

}  // namespace cloister::audit::anomaly
