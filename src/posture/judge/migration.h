// What to do about a location that isn't encrypted, or whose key is the platform's: the commands, spelled out.
#pragma once

#include "posture/judge/layers.h"

namespace cloister::posture {

std::string how_to_encrypt(const LocationFacts& location);
// From the platform's default key, or another account's, to one of the operator's own: for new data, and for what is
// there already. By the scheme that the fact names.
std::string how_to_migrate(const Fact& encryption, const std::string& address);

}  // namespace cloister::posture
