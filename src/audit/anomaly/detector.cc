#include "audit/anomaly/detector.h"

#include <algorithm>
#include <numeric>

#include "audit/anomaly/detector_state.h"
#include "audit/anomaly/measurement_drift.h"
#include "audit/anomaly/posture_drift.h"
#include "audit/anomaly/scene.h"
#include "audit/anomaly/unwrap_rate.h"

namespace cloister::audit::anomaly {
namespace {

constexpr std::int64_t kTimeMax = std::int64_t{1} << 52;

std::uint64_t or_one(std::uint64_t id) { return id == 0 ? 1 : id; }

bool refused(UsageOutcome outcome) { return outcome != UsageOutcome::kAllowed && outcome != UsageOutcome::kFailed; }

void find_principal(Scene& scene) {
  const std::uint64_t id = or_one(scene.names.of(NameKind::kPrincipal, scene.event.principal));
  const auto [principal, is_new] = scene.tenant.principals.find_or_insert(id);
  scene.principal = principal;
  if (is_new) principal->family = or_one(scene.names.of(NameKind::kFamily, family_of(scene.event.principal)));
}

// Only what was allowed makes room for itself: refused guesses can't push out what is known.
void find_rest(Scene& scene) {
  const bool allowed = scene.event.outcome == UsageOutcome::kAllowed;
  scene.key_id = scene.names.of(NameKind::kKey, scene.event.key_id);
  scene.source_id = scene.names.of(NameKind::kSource, scene.event.source);
  scene.region_id = scene.names.of(NameKind::kRegion, scene.event.region);
  scene.measurement_id = scene.names.of(NameKind::kMeasurement, scene.event.measurement);
  if (scene.key_id != 0) scene.key = scene.tenant.keys.find(scene.key_id);
  if (!allowed) return;
  const std::int64_t now = scene.now.unix_ms;
  if (scene.key_id != 0 && scene.key == nullptr) {
    scene.key = &scene.tenant.keys.insert(scene.key_id);
    scene.key->first_ms = now;
  }
  if (scene.principal->first_ms < 0) {
    scene.principal->first_ms = now;
    scene.firsts.principal = true;
  }
  const auto [family, is_new] = scene.tenant.families.find_or_insert(scene.principal->family);
  scene.family = family;
  if (!is_new) return;
  family->parent = scene.names.of(NameKind::kParent, parent_of(scene.event.principal));
  family->first_ms = now;
  scene.firsts.family = true;
}

void watch_refused(Scene& scene) {
  watch_probing(scene);
  watch_measurement(scene);
  if (scene.key != nullptr) watch_dormant_key(scene);
}

void watch_allowed(Scene& scene) {
  watch_plan(scene);
  watch_novelty(scene);
  watch_measurement(scene);
  watch_places(scene);
  if (!scene.planned) watch_hours(scene);
  if (!is_key_use(scene.event.operation)) watch_destruction(scene);
  if (scene.key == nullptr) return;
  watch_usage_limit(scene);
  watch_stale_version(scene);
  watch_dormant_key(scene);
  note_key_life(scene);
  if (scene.planned) return;
  watch_imbalance(scene);
  if (scene.event.operation != Operation::kUnwrap) return;
  watch_breadth(scene);
  watch_rate(scene);
}

}  // namespace

Detector::Detector(std::unique_ptr<State> state) : state_(std::move(state)) {}
Detector::Detector(Detector&&) noexcept = default;
Detector& Detector::operator=(Detector&&) noexcept = default;
Detector::~Detector() = default;

Result<Detector> Detector::create(const Thresholds& thresholds, const Limits& limits, std::uint64_t seed) {
  CLOISTER_RETURN_IF_ERROR(thresholds.validate());
  CLOISTER_RETURN_IF_ERROR(limits.validate());
  return Detector(std::make_unique<State>(thresholds, limits, seed));
}

std::size_t Detector::memory_max(const Limits& limits) {
  const std::size_t tables[] = {BoundedTable<Principal>::bytes_max(limits.principals),
                                BoundedTable<Family>::bytes_max(limits.families),
                                BoundedTable<KeyState>::bytes_max(limits.keys),
                                BoundedTable<RateSeries>::bytes_max(limits.series),
                                BoundedTable<Seen>::bytes_max(limits.seen),
                                BoundedTable<JobState>::bytes_max(limits.jobs),
                                BoundedTable<Seen>::bytes_max(limits.measurements),
                                BoundedTable<OpenFinding>::bytes_max(limits.open)};
  const std::size_t a_tenant = std::accumulate(std::begin(tables), std::end(tables), sizeof(Tenant));
  const std::size_t all = BoundedTable<State::TenantSlot>::bytes_max(limits.tenants);
  return sizeof(State) + all + limits.tenants * a_tenant + std::max(all, std::ranges::max(tables));
}

Tenant& Detector::State::tenant_of(std::string_view name) {
  const std::uint64_t id = or_one(names.of(NameKind::kTenant, name));
  const auto [slot, is_new] = tenants.find_or_insert(id);
  if (is_new) {
    slot->tenant = std::make_unique<Tenant>(limits);
    slot->tenant->id = id;
  }
  return *slot->tenant;
}

Tenant& Detector::State::tenant_at(std::string_view name, Time now) {
  Tenant& tenant = tenant_of(name);
  tenant.now_ms = std::clamp<std::int64_t>(now.unix_ms, std::max<std::int64_t>(0, tenant.now_ms), kTimeMax);
  if (tenant.first_ms < 0) tenant.first_ms = tenant.discoveries.refilled_ms = tenant.now_ms;
  return tenant;
}

void Detector::set_tenant_class(std::string_view tenant, TenantClass kind) { state_->tenant_of(tenant).kind = kind; }

Status Detector::plan_job(std::string_view tenant, const PlannedJob& job) {
  if (job.job_id.empty() || job.principal.empty() || job.key_id.empty()) {
    return Error(Code::kInvalid, "plan a job: it needs an id, a principal and a key");
  }
  if (job.until < job.from) return Error(Code::kInvalid, "plan a job: it ends before it begins");
  const Names& names = state_->names;
  JobState& planned = *state_->tenant_of(tenant).jobs.find_or_insert(names.of(NameKind::kJob, job.job_id)).entry;
  const auto within = [](Time time) { return std::clamp<std::int64_t>(time.unix_ms, 0, kTimeMax); };
  planned = JobState{planned.id,
                     names.of(NameKind::kFamily, family_of(job.principal)),
                     names.of(NameKind::kKey, job.key_id),
                     within(job.from),
                     within(job.until),
                     std::min(static_cast<double>(job.dek_count), 1e15),
                     0,
                     0};
  return {};
}

void Detector::allow_measurement(std::string_view tenant, std::string_view measurement) {
  const std::uint64_t id = state_->names.of(NameKind::kMeasurement, measurement);
  if (id != 0) state_->tenant_of(tenant).measurements.find_or_insert(id);
}

std::vector<Finding> Detector::observe(const UsageEvent& event) {
  Tenant& tenant = state_->tenant_at(event.tenant, event.time);
  Scene scene{event, state_->thresholds, state_->names, tenant, Time{tenant.now_ms}};
  watch_log(scene, std::clamp<std::int64_t>(event.time.unix_ms, 0, kTimeMax));
  if (event.operation == Operation::kOther) return std::move(scene.findings);
  find_principal(scene);
  watch_throttling(scene);
  if (event.throttled || event.outcome == UsageOutcome::kFailed) return std::move(scene.findings);
  find_rest(scene);
  if (refused(event.outcome)) {
    watch_refused(scene);
  } else {
    watch_allowed(scene);
  }
  return std::move(scene.findings);
}

std::vector<Finding> Detector::observe(const KeyFacts& facts) {
  UsageEvent event;
  event.time = facts.time;
  event.tenant = facts.tenant;
  event.key_id = facts.key_id;
  event.audit_index = facts.audit_index;
  Tenant& tenant = state_->tenant_at(facts.tenant, facts.time);
  Scene scene{event, state_->thresholds, state_->names, tenant, Time{tenant.now_ms}};
  scene.key_id = or_one(scene.names.of(NameKind::kKey, facts.key_id));
  const auto [key, is_new] = tenant.keys.find_or_insert(scene.key_id);
  if (is_new) key->first_ms = tenant.now_ms;
  scene.key = key;
  watch_posture(scene, facts_of(facts));
  key->life.condemned = facts.flagged_for_deletion;
  return std::move(scene.findings);
}

std::vector<Finding> Detector::observe(const LogHead& head) {
  UsageEvent event;
  event.time = head.time;
  event.tenant = head.tenant;
  Tenant& tenant = state_->tenant_at(head.tenant, head.time);
  Scene scene{event, state_->thresholds, state_->names, tenant, Time{tenant.now_ms}};
  watch_head(scene, head.size, state_->names.of(NameKind::kRoot, head.root));
  return std::move(scene.findings);
}

Detector::Counts Detector::counts() const {
  Counts counts;
  counts.tenants = state_->tenants.size();
  counts.evictions = state_->tenants.evictions();
  state_->tenants.for_each([&counts](const State::TenantSlot& slot) {
    const Tenant& tenant = *slot.tenant;
    counts.principals += tenant.principals.size();
    counts.families += tenant.families.size();
    counts.keys += tenant.keys.size();
    counts.series += tenant.series.size();
    counts.evictions += tenant.principals.evictions() + tenant.families.evictions() + tenant.keys.evictions() +
                        tenant.series.evictions() + tenant.seen.evictions() + tenant.jobs.evictions();
  });
  return counts;
}

}  // namespace cloister::audit::anomaly
