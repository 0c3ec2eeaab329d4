// A file that somebody handed in with an audit: read already, and of any bytes.
#pragma once

#include <string>

namespace cloister::posture {

inline constexpr std::size_t kInputFileMax = std::size_t{64} << 20;

struct InputFile {
  std::string name;
  std::string content;
};

}  // namespace cloister::posture
