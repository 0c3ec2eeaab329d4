#include "audit/anomaly/places.h"

#include <algorithm>

#include "audit/anomaly/scene.h"

namespace cloister::audit::anomaly {
namespace {

using Place = Places::Place;

// Two replicas of little work seldom meet: taking turns on three days is enough to know that there are two. A pod that
// moves meets its successor on one. An announced job says by itself that it has many hosts.
void learn_replicas(Places& places, const Scene& scene) {
  constexpr std::uint32_t kDaysMin = 3;
  const std::int64_t today = scene.now.unix_ms / days(1).ms;
  if (places.met_day != today) ++places.met_days;
  places.met_day = today;
  if (places.met_days >= kDaysMin || scene.planned) places.several = true;
}

// Counts how often the identity comes back to a source while another one is in use, too, once in five minutes.
void count_turn(Places& places, const Scene& scene) {
  const std::int64_t now = scene.now.unix_ms;
  const std::int64_t apart_ms = now - places.turned_ms, together_ms = scene.thresholds.place_together.ms;
  if (places.turns > 0 && apart_ms < together_ms / 6) return;
  if (apart_ms > together_ms) {
    places.turns = 0;
    places.first_index = scene.event.audit_index;
  }
  ++places.turns;
  places.turned_ms = now;
}

// Two hosts taking turns for longer than a restart overlaps.
void watch_turns(Scene& scene, Places& places, std::int64_t last_here_ms) {
  const bool moved = places.last_source != 0 && places.last_source != scene.source_id;
  places.last_source = scene.source_id;
  const std::int64_t away_ms = scene.now.unix_ms - last_here_ms;
  if (!moved || away_ms > days(1).ms) return;
  const bool mature = scene.mature(scene.principal->first_ms);
  if (!mature || scene.planned) learn_replicas(places, scene);
  if (away_ms > scene.thresholds.place_together.ms) return;
  count_turn(places, scene);
  if (!mature || places.several || places.turns < scene.thresholds.place_turns) return;
  learn_replicas(places, scene);
  Finding* finding =
      scene.tell(Kind::kTwoPlaces, Severity::kMedium, scene.principal->id, places.turns, places.first_index);
  if (finding == nullptr) return;
  finding->what = "is used from two sources in turn, one of them " + printable(scene.event.source) +
                  ", where it always had one at a time";
  finding->contributions = {{"returns from one to the other", double(places.turns), 0}};
}

void watch_region(Scene& scene, const Places& places) {
  if (!scene.firsts.region_of_family || !scene.mature(scene.family->first_ms)) return;
  const std::int64_t since = scene.now.unix_ms - scene.thresholds.place_travel.ms;
  const bool elsewhere = std::ranges::any_of(places.recent, [&](const Place& place) {
    return place.region != 0 && place.region != scene.region_id && place.last_ms >= since;
  });
  Finding* finding = scene.tell(Kind::kTwoPlaces, elsewhere ? Severity::kHigh : Severity::kMedium, scene.principal->id,
                                elsewhere ? 2 : 1, scene.event.audit_index);
  if (finding == nullptr) return;
  finding->what = "appeared in region " + printable(scene.event.region) + ", where it was never seen" +
                  (elsewhere ? ", less than two hours after it was seen in another" : "");
  finding->contributions = {{"known in this region", 0, 1},
                            {"seen elsewhere within two hours", elsewhere ? 1.0 : 0, 0}};
}

// A workload of many replicas takes turns all the time, but in the neighbourhoods it lives in. When several workloads
// appear in the same new one, that is one finding: most likely a new pool of machines.
void watch_neighbourhood(Scene& scene, std::int64_t family_last_ms) {
  if (!scene.firsts.group_of_family || scene.firsts.region_of_family) return;
  if (!scene.mature(scene.family->first_ms) || scene.family->groups > scene.thresholds.place_groups_max) return;
  const std::int64_t since_ms = scene.now.unix_ms - family_last_ms;
  if (family_last_ms < 0 || since_ms > scene.thresholds.place_travel.ms) return;
  const std::uint64_t group = scene.names.of(NameKind::kSourceGroup, source_group_of(scene.event.source));
  Finding* finding = scene.tell(Kind::kTwoPlaces, Severity::kMedium, group, 1, scene.event.audit_index);
  if (finding == nullptr) return;
  finding->what = "is used from " + printable(scene.event.source) +
                  ", a neighbourhood it was never seen in, while it is at work elsewhere";
  finding->contributions = {{"known in this neighbourhood", 0, 1},
                            {"minutes since it was seen elsewhere", static_cast<double>(since_ms / 60'000), 0}};
}

}  // namespace

void watch_places(Scene& scene) {
  if (scene.source_id == 0) return;
  Places& places = scene.principal->places;
  auto here = std::ranges::find(places.recent, scene.source_id, &Place::source);
  std::int64_t last_here_ms = scene.now.unix_ms - days(365).ms;
  if (here == places.recent.end()) {
    here = std::ranges::min_element(places.recent, {}, &Place::last_ms);
  } else {
    last_here_ms = here->last_ms;
  }
  if (!scene.planned) watch_region(scene, places);
  *here = Place{scene.source_id, scene.region_id, scene.now.unix_ms};
  watch_turns(scene, places, last_here_ms);
  if (scene.planned) return;
  watch_neighbourhood(scene, scene.family->last_ms);
  scene.family->last_ms = scene.now.unix_ms;
}

}  // namespace cloister::audit::anomaly
