// Text from outside as one word of a command that somebody may paste into a shell.
#pragma once

#include <string>
#include <string_view>

namespace cloister::posture {

// As it is where nothing in it means something to a shell; else in quotes, and with control characters or bytes that
// are no text as $'…\xNN…'.
std::string shell_word(std::string_view text);

}  // namespace cloister::posture
