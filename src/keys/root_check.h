// A key wrapped by the root for nothing but to recognise the root by: its row in the store. KH-1 in
// docs/formats/key-hierarchy.md. The log's signing key is kept in the same form. Used by hierarchy.cc and log_key.cc
// alone.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "crypto/key_wrapper.h"

namespace cloister::keys {

struct RootCheck {
  std::array<std::uint8_t, 32> commitment{};
  crypto::WrappedKey wrapped;
};

std::string serialize_root_check(const RootCheck& check);
// kCorrupt, or kInvalid for what isn't hexadecimal.
Result<RootCheck> parse_root_check(std::string_view text);

}  // namespace cloister::keys
