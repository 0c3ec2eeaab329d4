// Detector: acts that together destroy keys or lock their owner out, in the order an attacker does them.
#pragma once

#include <array>
#include <cstdint>

namespace cloister::audit::anomaly {

struct Scene;

// One automaton per pattern and tenant, whoever acts: two accomplices are no better than one. A step is done when
// enough distinct keys were acted upon within the pattern's window; the next step must follow within it, too.
struct DestructiveWatch {
  struct Progress {
    struct Acted {
      std::uint64_t key = 0;
      std::int64_t ms = 0;
      std::uint64_t index = 0;
      template <typename Archive>
      void transfer(Archive& archive) {
        archive(key, ms, index);
      }
      bool valid() const { return true; }
    };
    static constexpr std::size_t kKeys = 8;

    std::uint8_t steps_done = 0;
    std::int64_t step_done_ms = 0;
    std::array<Acted, kKeys> acted{};  // of the step that is next
    std::uint64_t first_index = 0;

    template <typename Archive>
    void transfer(Archive& archive) {
      archive(steps_done, step_done_ms, acted, first_index);
    }
    bool valid() const { return steps_done < kStepsMax; }
  };
  static constexpr std::size_t kPatterns = 7, kStepsMax = 3;

  std::array<Progress, kPatterns> patterns{};

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(patterns);
  }
  bool valid() const;
};

// For operations that were allowed.
void watch_destruction(Scene& scene);

}  // namespace cloister::audit::anomaly
