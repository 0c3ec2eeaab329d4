// A key wrapped by the root, with its commitment, as a setting of the store: the one to recognise the root by (KH-1 in
// docs/formats/key-hierarchy.md), and the service's own.
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
