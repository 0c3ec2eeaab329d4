#include "audit/anomaly/measurement_drift.h"

#include "audit/anomaly/scene.h"

namespace cloister::audit::anomaly {

void watch_measurement(Scene& scene) {
  if (scene.measurement_id == 0) return;
  const bool allow_set = scene.tenant.measurements.size() > 0;
  if (allow_set && scene.tenant.measurements.find(scene.measurement_id) != nullptr) return;
  if (!allow_set && (!scene.firsts.measurement_of_tenant || scene.learning())) return;
  // Refused, the policy did its work; allowed, policy and allow-set disagree and a key is out.
  const bool released = scene.event.outcome == UsageOutcome::kAllowed;
  const Severity severity = allow_set && released ? Severity::kHigh : Severity::kMedium;
  Finding* finding =
      scene.tell(Kind::kMeasurementDrift, severity, scene.names.of(scene.principal->family, scene.measurement_id), 1,
                 scene.event.audit_index);
  if (finding == nullptr) return;
  finding->what = "attested measurement " + printable(scene.event.measurement) +
                  (allow_set ? ", which isn't in the allow-set" : ", which was never seen before") +
                  (released ? ", and was given what it asked for" : ", and was refused");
  finding->contributions = {{allow_set ? "in the allow-set" : "seen before", 0, 1}};
}

}  // namespace cloister::audit::anomaly
