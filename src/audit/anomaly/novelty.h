// Detector: an actor, or an edge from an actor to a key, that was never there before, weighed by how rare that is.
#pragma once

#include <cstdint>

namespace cloister::audit::anomaly {

struct Scene;

// How often something new happens, fading by half in 30 days.
struct NoveltyRate {
  double count = 0;
  std::int64_t ms = 0;

  void add(std::int64_t now_ms);
  // Bits, in [0, 6]: -log2 of how many of the days known (at most 30) brought one.
  double surprise(std::int64_t now_ms, std::int64_t known_since_ms) const;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(count, ms);
  }
  bool valid() const { return count >= 0; }
};

// What this event is the first of, as far as is remembered.
struct Firsts {
  bool principal = false;
  bool family = false;
  bool parent = false;
  bool edge = false;  // family and key
  bool edge_of_parent = false;
  bool group_of_family = false;
  bool group_of_tenant = false;
  bool region_of_family = false;
  bool region_of_tenant = false;
  bool measurement_of_tenant = false;
  bool operation_of_family = false;
};

// Fills scene.firsts, tells, and remembers. Only for events that were allowed.
void watch_novelty(Scene& scene);

}  // namespace cloister::audit::anomaly
