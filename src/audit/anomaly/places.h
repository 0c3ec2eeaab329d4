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
  bool several = false;        // it is known to be in several places at a time
  std::uint32_t turns = 0;     // returns to a source while another one is in use
  std::int64_t turned_ms = 0;  // the last time
  std::uint64_t first_index = 0;
  std::int64_t met_day = -1;  // the last day on which two sources took turns
  std::uint32_t met_days = 0;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(recent, last_source, several, turns, turned_ms, first_index, met_day, met_days);
  }
  bool valid() const { return true; }
};

// After watch_novelty, which knows what is seen for the first time.
void watch_places(Scene& scene);

}  // namespace cloister::audit::anomaly
