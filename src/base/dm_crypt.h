// Whether a device of the kernel's device mapper encrypts, by the name that cryptsetup gives it.
#pragma once

#include <algorithm>
#include <string_view>

namespace cloister {

// The text of a device's dm/uuid. False for dm-verity and dm-integrity, which are named alike and encrypt nothing.
inline bool is_dm_crypt(std::string_view uuid) {
  static constexpr std::string_view kSchemes[] = {"CRYPT-LUKS2-", "CRYPT-LUKS1-",  "CRYPT-PLAIN-",
                                                  "CRYPT-BITLK-", "CRYPT-TCRYPT-", "CRYPT-LOOPAES-"};
  return std::ranges::any_of(kSchemes, [&](std::string_view scheme) { return uuid.starts_with(scheme); });
}

}  // namespace cloister
