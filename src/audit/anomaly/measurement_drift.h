// Detector: an attested measurement that nobody allowed, or that a tenant without an allow-set never showed before.
#pragma once

namespace cloister::audit::anomaly {

struct Scene;

// After watch_novelty where that is called; for refused events, too.
void watch_measurement(Scene& scene);

}  // namespace cloister::audit::anomaly
