// UUIDs by name: the same name in the same namespace has the same one everywhere. RFC 9562 5.5.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace cloister::crypto {

using Uuid = std::array<std::uint8_t, 16>;

// Version 5. Its SHA-1 makes names short, not safe: whoever picks the names can make two of them meet.
Uuid name_uuid(const Uuid& name_space, std::string_view name);
std::string uuid_text(const Uuid& uuid);  // lower case, 8-4-4-4-12

}  // namespace cloister::crypto
