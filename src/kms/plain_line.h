// What a foreign server said, as it may stand in messages of ours.
#pragma once

#include <string>
#include <string_view>

namespace cloister::kms {

// Visible ASCII in one line, 300 bytes at most: anything else is a question mark.
std::string plain_line(std::string_view text);

}  // namespace cloister::kms
