// Detector: one identity in two places: two hosts taking turns, a neighbourhood or a region it was never seen in.
#pragma once

#include <array>
#include <cstdint>

namespace cloister::audit::anomaly {

struct Scene;

// Per principal: where it was seen of late.
struct Places {
  struct Place {
    std::uint64_t source = 0, region = 0;
    std::int64_t last_ms = 0;
    template <typename Archive>
    void transfer(Archive& archive) {
      archive(source, region, last_ms);
    }
    bool valid() const { return true; }
  };
  static constexpr std::size_t kPlaces = 6;

  std::array<Place, kPlaces> recent{};
  std::uint64_t last_source = 0;
  std::uint32_t usual_together = 1;  // sources that take turns, as far as is known
  std::uint32_t alternations = 0;    // returns to a source after another one was seen
  std::int64_t alternating_ms = 0;   // since when
  std::int64_t alternated_ms = 0;    // the last time
  std::uint64_t first_index = 0;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(recent, last_source, usual_together, alternations, alternating_ms, alternated_ms, first_index);
  }
  bool valid() const { return true; }
};

// After watch_novelty, which knows what is seen for the first time.
void watch_places(Scene& scene);

}  // namespace cloister::audit::anomaly
