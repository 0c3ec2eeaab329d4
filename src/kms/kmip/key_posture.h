// What a key's attributes on a KMIP server say of it. KMIP 1.4 section 3, KMIP 2.1 section 4.
#pragma once

#include "kms/kmip/attributes.h"
#include "kms/posture.h"

namespace cloister::kms::kmip {

// A key of a chain of replacements, and what is known of it.
struct ChainLink {
  std::string identifier;
  KeyAttributes attributes;
};

Assessed<ProviderKeyState> key_state(const KeyAttributes& attributes);
std::string_view state_name(std::uint32_t state);  // "PreActive"

// `chain` is the key and those that it took the place of, newest first: at least one.
KeyPosture posture_of(const std::vector<ChainLink>& chain, Time now);

}  // namespace cloister::kms::kmip
