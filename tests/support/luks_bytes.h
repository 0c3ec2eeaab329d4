// LUKS headers made by hand, for tests: what cryptsetup writes, without any key.
#pragma once

#include <string>

#include "base/bytes.h"

namespace cloister::testing {

inline constexpr const char* kLuksUuid = "0b1c2d3e-4f50-4162-8374-859606172839";

// The JSON of a usual volume: AES-256 in XTS mode, one slot.
std::string luks2_json(const std::string& encryption = "aes-xts-plain64", int key_bytes = 64,
                       const std::string& tokens = "{}", const std::string& requirements = "[]");
// 16 KiB, with its checksum.
Bytes luks2_header(const std::string& json);
Bytes luks1_header(const std::string& cipher = "aes", const std::string& mode = "xts-plain64", int key_bytes = 64);

}  // namespace cloister::testing
