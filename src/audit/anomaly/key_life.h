// Detectors that look at a key's life: a stale version in use, a key long unused or condemned in use, a usage limit.
#pragma once

#include <cstdint>

namespace cloister::audit::anomaly {

struct Scene;

// Per key.
struct KeyLife {
  std::int64_t used_ms = -1;  // last wrap or unwrap that was allowed
  bool condemned = false;     // scheduled for deletion, as far as is known
  std::uint32_t newest_version = 0;
  std::int64_t version_ms = -1;  // when that version was first seen
  std::uint32_t usual_lag = 0;   // versions behind that unwraps are used to; one less for every week without
  std::int64_t lag_ms = -1;
  double wraps = 0;                               // under the newest version
  double exports = 0;                             // of the newest version
  std::uint8_t wraps_told = 0, exports_told = 0;  // steps of the limit that were told

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(used_ms, condemned, newest_version, version_ms, usual_lag, lag_ms, wraps, exports, wraps_told,
            exports_told);
  }
  bool valid() const { return wraps >= 0 && exports >= 0 && wraps_told <= 3 && exports_told <= 3; }
};

void watch_stale_version(Scene& scene);
// Before note_key_life notes the use.
void watch_dormant_key(Scene& scene);
void watch_usage_limit(Scene& scene);
// Notes what the operation did to the key: condemned, reprieved, used.
void note_key_life(Scene& scene);

}  // namespace cloister::audit::anomaly
