// Detector: a surge of unwraps, and its slow form, the drip: what RateSeries finds, held against the tenant's budget of
// false discoveries.
#pragma once

namespace cloister::audit::anomaly {

struct Scene;

void watch_rate(Scene& scene);

}  // namespace cloister::audit::anomaly
