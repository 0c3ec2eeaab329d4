// Judges by the prefix of their controls, one file each, and what they share.
#pragma once

#include "posture/view.h"

namespace cloister::posture {

std::span<const JudgeOf> inventory_judges();  // INV
std::span<const JudgeOf> rest_judges();       // REST
std::span<const JudgeOf> key_judges();        // KEY
std::span<const JudgeOf> tenancy_judges();    // TEN
std::span<const JudgeOf> model_judges();      // MOD
std::span<const JudgeOf> use_judges();        // USE

// "1 scope", "2 scopes".
std::string in_words(std::uint64_t count, std::string_view what);

}  // namespace cloister::posture
