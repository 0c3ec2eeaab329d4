// A file that somebody handed in with an audit: read already, and of any bytes.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"

namespace cloister::posture {

inline constexpr std::size_t kInputFileMax = std::size_t{64} << 20;

struct InputFile {
  std::string name;
  std::string content;
  std::optional<Time> modified = {};  // as the file system has it
};

}  // namespace cloister::posture
