// How Google Cloud KMS names things: projects/{p}/locations/{l}/keyRings/{r}/cryptoKeys/{k}/cryptoKeyVersions/{v}.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cloister::kms {

// Each part is 1 to 128 letters, digits and any of -_.: but neither "." nor "..", so a name goes into a path as it is.
bool is_google_location(std::string_view name);
bool is_google_key_ring(std::string_view name);
bool is_google_key(std::string_view name);
// A version of that key.
bool is_google_version_of(std::string_view key, std::string_view name);

// A key in full, or its last part within `key_ring` (a full name, or empty: then only full names will do). kInvalid.
Result<std::string> parse_google_key_name(std::string_view text, std::string_view key_ring);
// "acme" of "projects/acme/…"
std::string_view google_project(std::string_view name);

}  // namespace cloister::kms
