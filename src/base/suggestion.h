// The word that was probably meant, for whoever mistyped one of a closed list.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace cloister {

// ": did you mean unwrap?" when one of `words` is near enough to be what was meant, else "".
std::string suggestion(std::string_view word, std::span<const std::string_view> words);

}  // namespace cloister
