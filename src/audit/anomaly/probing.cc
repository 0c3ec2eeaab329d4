#include "audit/anomaly/probing.h"

#include <algorithm>

#include "audit/anomaly/scene.h"

namespace cloister::audit::anomaly {
namespace {

using Target = Refusals::Target;
constexpr std::int64_t kDayMs = 86'400'000;
constexpr double kBurstMs = 600'000;

bool by_ciphertext(UsageOutcome outcome) {
  return outcome == UsageOutcome::kWrongKey || outcome == UsageOutcome::kWrongContext ||
         outcome == UsageOutcome::kMalformed;
}

void watch_foreign(Scene& scene, Refusals& refusals) {
  if (scene.now.unix_ms - refusals.foreign_ms > kDayMs) refusals.foreign = 0;
  refusals.foreign_ms = scene.now.unix_ms;
  ++refusals.foreign;
  const bool many = refusals.foreign >= scene.thresholds.probe_tenant_critical;
  Finding* finding = scene.tell(Kind::kCrossTenantProbe, many ? Severity::kCritical : Severity::kHigh,
                                scene.names.of(scene.principal->id, 1), refusals.foreign, scene.event.audit_index);
  if (finding == nullptr) return;
  finding->what = "tried to " + std::string(operation_name(scene.event.operation)) +
                  " with a key, ciphertext or context of another tenant: " + printable(scene.event.key_id);
  finding->contributions = {{"attempts within a day", double(refusals.foreign), 0}};
}

void remember(const Scene& scene, Refusals& refusals) {
  const std::uint64_t id = scene.names.of(scene.key_id, scene.names.of(NameKind::kDataset, scene.event.dataset));
  auto target = std::ranges::find(refusals.targets, id, &Target::id);
  if (target == refusals.targets.end()) target = std::ranges::min_element(refusals.targets, {}, &Target::last_ms);
  const bool ciphertext = by_ciphertext(scene.event.outcome) || (target->id == id && target->by_ciphertext);
  *target = Target{id, scene.now.unix_ms, ciphertext};
}

std::uint32_t targets_within_a_day(const Scene& scene, const Refusals& refusals, bool ciphertext_only) {
  return static_cast<std::uint32_t>(std::ranges::count_if(refusals.targets, [&](const Target& target) {
    return target.id != 0 && scene.now.unix_ms - target.last_ms <= kDayMs && (!ciphertext_only || target.by_ciphertext);
  }));
}

void watch_walk(Scene& scene, Refusals& refusals) {
  const Thresholds& thresholds = scene.thresholds;
  const std::uint32_t distinct = targets_within_a_day(scene, refusals, false);
  const std::uint32_t ciphertext = targets_within_a_day(scene, refusals, true);
  if (distinct <= 1) {
    refusals.first_index = scene.event.audit_index;
  }
  if (distinct < thresholds.probe_targets_min && ciphertext < thresholds.probe_context_targets_min) return;
  const bool far =
      distinct >= 2 * thresholds.probe_targets_min || ciphertext >= 2 * thresholds.probe_context_targets_min;
  Finding* finding = scene.tell(Kind::kCrossTenantProbe, far ? Severity::kHigh : Severity::kMedium,
                                scene.names.of(scene.principal->id, 2), distinct, refusals.first_index);
  if (finding == nullptr) return;
  finding->what = "was refused at " + std::to_string(distinct) + " distinct keys or datasets within a day";
  finding->contributions = {{"distinct targets refused", double(distinct), 0},
                            {"of them with a wrong key, context or ciphertext", double(ciphertext), 0}};
}

void watch_burst(Scene& scene, Refusals& refusals) {
  const double leaked = static_cast<double>(scene.now.unix_ms - refusals.burst_ms) / kBurstMs;
  refusals.burst = std::max(0.0, refusals.burst - leaked * scene.thresholds.probe_burst) + 1;
  refusals.burst_ms = scene.now.unix_ms;
  if (refusals.burst < scene.thresholds.probe_burst) return;
  Finding* finding = scene.tell(Kind::kCrossTenantProbe, Severity::kMedium, scene.names.of(scene.principal->id, 3),
                                refusals.burst, refusals.first_index);
  if (finding == nullptr) return;
  finding->what = "is refused again and again, last at key " + printable(scene.event.key_id);
  finding->contributions = {{"refusals within minutes", refusals.burst, 0}};
}

}  // namespace

void watch_probing(Scene& scene) {
  Refusals& refusals = scene.principal->refusals;
  if (scene.event.outcome == UsageOutcome::kWrongTenant) watch_foreign(scene, refusals);
  remember(scene, refusals);
  watch_walk(scene, refusals);
  watch_burst(scene, refusals);
}

}  // namespace cloister::audit::anomaly
