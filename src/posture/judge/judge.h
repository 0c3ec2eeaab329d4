// Judges by the prefix of their controls, one file each, and what they share.
#pragma once

#include "posture/view.h"

namespace cloister::posture {

std::span<const JudgeOf> inventory_judges();  // INV

// "1 scope", "2 scopes".
std::string in_words(std::uint64_t count, std::string_view what);

}  // namespace cloister::posture
