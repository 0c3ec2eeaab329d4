#include "audit/anomaly/novelty.h"

#include <algorithm>
#include <cmath>

#include "audit/anomaly/scene.h"

namespace cloister::audit::anomaly {
namespace {

constexpr double kDayMs = 86'400'000, kDaysKnownMax = 30, kHalfLifeDays = 30, kSurpriseMax = 6;
constexpr std::int64_t kKeyYoungMs = 7 * 86'400'000;

// Kinds of pairs in Tenant::seen, hashed together with their two ends.
enum Edge : std::uint64_t {
  kParent = 1,
  kParentKey,
  kFamilyKey,
  kFamilyGroup,
  kTenantGroup,
  kFamilyRegion,
  kTenantRegion,
  kTenantMeasurement,
};

bool first_of(Scene& scene, Edge edge, std::uint64_t from, std::uint64_t to) {
  const std::uint64_t id = scene.names.of(scene.names.of(edge, from), to);
  return scene.tenant.seen.find_or_insert(id).is_new;
}

void fill_firsts(Scene& scene) {
  Firsts& firsts = scene.firsts;
  const std::uint64_t family = scene.family->id, parent = scene.family->parent;
  firsts.parent = firsts.family && parent != 0 && first_of(scene, kParent, parent, 0);
  const Operation operation = scene.event.operation;
  if (scene.key_id != 0 && (operation == Operation::kWrap || operation == Operation::kUnwrap)) {
    firsts.edge_of_parent = first_of(scene, kParentKey, parent, scene.key_id);
    firsts.edge = first_of(scene, kFamilyKey, family, scene.key_id);
  }
  if (scene.source_id != 0) {
    const std::uint64_t group = scene.names.of(NameKind::kSourceGroup, source_group_of(scene.event.source));
    firsts.group_of_tenant = first_of(scene, kTenantGroup, group, 0);
    firsts.group_of_family = first_of(scene, kFamilyGroup, family, group);
  }
  if (scene.region_id != 0) {
    firsts.region_of_tenant = first_of(scene, kTenantRegion, scene.region_id, 0);
    firsts.region_of_family = first_of(scene, kFamilyRegion, family, scene.region_id);
  }
  if (scene.measurement_id != 0) {
    firsts.measurement_of_tenant = first_of(scene, kTenantMeasurement, scene.measurement_id, 0) &&
                                   scene.tenant.measurements.peek(scene.measurement_id) == nullptr;
  }
  const std::uint32_t done = 1U << static_cast<unsigned>(operation);
  firsts.operation_of_family = (scene.family->operations & done) == 0;
  scene.family->operations |= done;
}

// A steady workload's events are all alike: what was found known this hour isn't looked up again.
bool known_this_hour(Scene& scene) {
  const std::uint64_t whole = scene.names.of(scene.names.of(scene.key_id, scene.source_id),
                                             scene.names.of(scene.region_id, scene.measurement_id)) +
                              static_cast<std::uint64_t>(scene.event.operation);
  const std::int64_t hour = scene.now.unix_ms / 3'600'000;
  auto& checked = scene.principal->checked[whole % Principal::kChecked];
  if (checked.whole == whole && checked.hour == hour) return true;
  checked = {whole, hour};
  return false;
}

struct Bits {
  double total = 0;
  std::vector<Contribution> parts;

  void add(const char* feature, double bits) {
    if (bits <= 0) return;
    total += bits;
    parts.push_back({feature, bits, 0});
  }
};

void add_actor(Bits& bits, const Scene& scene) {
  const Tenant& tenant = scene.tenant;
  const std::int64_t now = scene.now.unix_ms;
  if (scene.firsts.parent) bits.add("bits for a namespace never seen", 3);
  if (scene.firsts.family) {
    bits.add("bits for a workload never seen", 3 + tenant.new_families.surprise(now, tenant.first_ms));
  } else if (scene.firsts.principal) {
    bits.add("bits for a new identity of a known workload", tenant.new_principals.surprise(now, tenant.first_ms) / 3);
  }
}

void add_edge(Bits& bits, const Scene& scene) {
  if (!scene.firsts.edge) return;
  const std::int64_t now = scene.now.unix_ms;
  if (scene.key->created_ms >= 0 && now - scene.key->created_ms < kKeyYoungMs) return;
  const Family& family = *scene.family;
  const double surprise = scene.mature(family.first_ms) ? family.new_edges.surprise(now, family.first_ms)
                                                        : scene.tenant.new_edges.surprise(now, scene.tenant.first_ms);
  const double base = scene.firsts.edge_of_parent ? 5 : scene.firsts.family ? 3 : 1;
  bits.add("bits for a key it never used", surprise + base);
}

void add_place(Bits& bits, const Scene& scene) {
  const Firsts& firsts = scene.firsts;
  if (firsts.region_of_tenant) {
    bits.add("bits for a region never seen", 6);
  } else if (firsts.region_of_family && !firsts.family) {
    bits.add("bits for a region new to it", 3);
  }
  const bool moves_about =
      scene.family->groups > scene.thresholds.place_groups_max || !scene.mature(scene.family->first_ms);
  if (firsts.group_of_tenant) {
    bits.add("bits for a neighbourhood never seen", moves_about && !firsts.family ? 2 : 5);
  } else if (firsts.group_of_family && !firsts.family && !moves_about) {
    bits.add("bits for a neighbourhood new to it", 2);
  }
}

Bits weigh(const Scene& scene) {
  Bits bits;
  add_actor(bits, scene);
  add_edge(bits, scene);
  add_place(bits, scene);
  if (scene.firsts.measurement_of_tenant) bits.add("bits for a measurement never seen", 4);
  if (scene.firsts.operation_of_family && !is_key_use(scene.event.operation)) {
    bits.add("bits for an act it never did", scene.firsts.family ? 2 : 5);
  }
  return bits;
}

void count_news(Scene& scene) {
  const std::int64_t now = scene.now.unix_ms;
  if (scene.firsts.group_of_family) ++scene.family->groups;
  if (scene.learning()) return;
  if (scene.firsts.family) scene.tenant.new_families.add(now);
  if (scene.firsts.principal) scene.tenant.new_principals.add(now);
  if (!scene.firsts.edge) return;
  scene.tenant.new_edges.add(now);
  scene.family->new_edges.add(now);
}

}  // namespace

void NoveltyRate::add(std::int64_t now_ms) {
  count = count * std::exp2(-static_cast<double>(now_ms - ms) / (kHalfLifeDays * kDayMs)) + 1;
  ms = now_ms;
}

double NoveltyRate::surprise(std::int64_t now_ms, std::int64_t known_since_ms) const {
  const double faded = count * std::exp2(-static_cast<double>(now_ms - ms) / (kHalfLifeDays * kDayMs));
  const double known_days = std::clamp(static_cast<double>(now_ms - known_since_ms) / kDayMs, 0.0, kDaysKnownMax);
  return std::clamp(std::log2((known_days + 1) / (faded + 0.5)), 0.0, kSurpriseMax);
}

void watch_novelty(Scene& scene) {
  if (!scene.firsts.principal && known_this_hour(scene)) return;
  fill_firsts(scene);
  const bool judged = !scene.learning() && !scene.planned;
  Bits bits = judged ? weigh(scene) : Bits();
  count_news(scene);
  if (bits.total <= 0) return;
  Principal& principal = *scene.principal;
  const double days_since = static_cast<double>(scene.now.unix_ms - principal.novelty_ms) / kDayMs;
  const double before = principal.novelty * std::exp2(-days_since);
  principal.novelty = before + bits.total;
  principal.novelty_ms = scene.now.unix_ms;
  if (principal.novelty < scene.thresholds.novelty_bits) return;
  const bool far_out = bits.total >= 1.5 * scene.thresholds.novelty_bits;
  Finding* finding = scene.tell(Kind::kNewActor, far_out ? Severity::kHigh : Severity::kMedium, scene.family->id,
                                principal.novelty, scene.event.audit_index);
  if (finding == nullptr) return;
  finding->what = std::string(scene.firsts.family      ? "is a workload never seen before"
                              : scene.firsts.principal ? "is an identity never seen before"
                              : scene.firsts.edge      ? "does what it never did"
                                                       : "is where it never was") +
                  (scene.firsts.edge ? ", and uses key " + printable(scene.event.key_id) + " for the first time" : "");
  finding->contributions = std::move(bits.parts);
  if (before >= 1) finding->contributions.push_back({"bits left from shortly before", before, 0});
}

}  // namespace cloister::audit::anomaly
