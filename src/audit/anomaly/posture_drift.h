// Detector: a key whose protection got worse since it was last described.
#pragma once

#include "audit/anomaly/usage_event.h"

namespace cloister::audit::anomaly {

struct Scene;

// The facts of a key in a byte, bit by bit; bit 7 says they are known. For KeyState::facts.
std::uint8_t facts_of(const KeyFacts& facts);

void watch_posture(Scene& scene, std::uint8_t facts);

}  // namespace cloister::audit::anomaly
