// Jobs the scheduler announced, and how much of what they may unwrap they have.
#pragma once

#include <cstdint>

namespace cloister::audit::anomaly {

struct Scene;

// Per tenant and job id.
struct JobState {
  std::uint64_t id = 0;
  std::uint64_t family = 0, key = 0;
  std::int64_t from_ms = 0, until_ms = 0;
  double expected = 0, used = 0;
  std::uint64_t first_index = 0;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(id, family, key, from_ms, until_ms, expected, used, first_index);
  }
  bool valid() const { return id != 0 && expected >= 0 && used >= 0; }
};

// Takes the event's DEKs out of the plan, if it names a job that was announced for its family, key and time and has any
// left, and sets scene.planned. A job that exceeds its plan by a tenth is told of, and planned no longer.
void watch_plan(Scene& scene);

}  // namespace cloister::audit::anomaly
