#include "audit/anomaly/places.h"

#include <algorithm>

#include "audit/anomaly/scene.h"

namespace cloister::audit::anomaly {
namespace {

using Place = Places::Place;

std::uint32_t places_since(const Places& places, std::int64_t since_ms) {
  return static_cast<std::uint32_t>(std::ranges::count_if(
      places.recent, [since_ms](const Place& place) { return place.source != 0 && place.last_ms >= since_ms; }));
}

// Counts how often the identity comes back to a source while another one is in use, too.
void count_alternation(Places& places, const Scene& scene, std::int64_t last_here_ms) {
  const std::int64_t now = scene.now.unix_ms, together_ms = scene.thresholds.place_together.ms;
  const bool moved = places.last_source != 0 && places.last_source != scene.source_id;
  places.last_source = scene.source_id;
  if (!moved || now - last_here_ms > together_ms) return;
  if (now - places.alternated_ms > together_ms) {
    places.alternations = 0;
    places.alternating_ms = now;
    places.first_index = scene.event.audit_index;
  }
  ++places.alternations;
  places.alternated_ms = now;
}

// Two hosts taking turns for longer than a restart overlaps.
void watch_turns(Scene& scene, Places& places) {
  const std::int64_t now = scene.now.unix_ms, together_ms = scene.thresholds.place_together.ms;
  if (places.alternations < scene.thresholds.place_alternations || now - places.alternating_ms < together_ms / 2)
    return;
  const std::uint32_t together = places_since(places, now - together_ms);
  const std::uint32_t usual = places.usual_together;
  places.usual_together = std::max(usual, together);
  if (usual > 1 || together < 2 || !scene.mature(scene.principal->first_ms)) return;
  Finding* finding = scene.tell(Kind::kTwoPlaces, Severity::kMedium, scene.principal->id, together, places.first_index);
  if (finding == nullptr) return;
  finding->what = "is used from " + std::to_string(together) + " sources in turn, one of them " +
                  printable(scene.event.source) + ", where it always had one";
  finding->contributions = {{"sources at the same time", double(together), double(usual)},
                            {"returns from one to the other", double(places.alternations), 0}};
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

// A workload of many replicas takes turns all the time, but in the neighbourhoods it lives in.
void watch_neighbourhood(Scene& scene, const Places& places) {
  if (!scene.firsts.group_of_family || scene.firsts.region_of_family) return;
  if (!scene.mature(scene.family->first_ms) || scene.family->groups > scene.thresholds.place_groups_max) return;
  const std::uint32_t together = places_since(places, scene.now.unix_ms - scene.thresholds.place_together.ms);
  if (together < 2) return;
  Finding* finding = scene.tell(Kind::kTwoPlaces, Severity::kMedium, scene.principal->id, 1, scene.event.audit_index);
  if (finding == nullptr) return;
  finding->what = "is used from " + printable(scene.event.source) +
                  ", a neighbourhood it was never seen in, while it is at work elsewhere";
  finding->contributions = {{"known in this neighbourhood", 0, 1}, {"sources within ten minutes", double(together), 1}};
}

}  // namespace

void watch_places(Scene& scene) {
  if (scene.source_id == 0) return;
  Places& places = scene.principal->places;
  auto here = std::ranges::find(places.recent, scene.source_id, &Place::source);
  std::int64_t last_here_ms = -scene.thresholds.place_together.ms - 1;
  if (here == places.recent.end()) {
    here = std::ranges::min_element(places.recent, {}, &Place::last_ms);
  } else {
    last_here_ms = here->last_ms;
  }
  watch_region(scene, places);
  *here = Place{scene.source_id, scene.region_id, scene.now.unix_ms};
  count_alternation(places, scene, last_here_ms);
  watch_turns(scene, places);
  watch_neighbourhood(scene, places);
}

}  // namespace cloister::audit::anomaly
