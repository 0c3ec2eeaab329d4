// What AWS's clients call keys, and what those are here: a key is a dataset, its id the keyring's, an alias the
// dataset's name or one that was given to it, the account twelve digits for the tenant. docs/api/aws-kms.md.
#pragma once

#include <string>

#include "service/managed_keys.h"

namespace cloister::service::aws {

// "3f0c…" of a keyring as "3f0c0a1b-…".
std::string uuid_of(std::string_view keyring_id);

// The same for a tenant for ever: twelve decimal digits.
std::string account_of(const keys::TenantName& tenant);

// "arn:aws:kms:eu-central-1:123456789012:".
std::string arn_prefix(std::string_view region, const keys::TenantName& tenant);

// A key as a request names it.
struct KeyReference {
  enum class Kind { kId, kAlias };
  Kind kind = Kind::kId;
  std::string text;  // 32 hexadecimal digits, or an alias without "alias/"
};
// A UUID, "alias/NAME", or the ARN of either. kInvalid for what is none; kNotFound for another region's or account's.
Result<KeyReference> parse_key_reference(std::string_view text, std::string_view region,
                                         const keys::TenantName& tenant);
// "alias/NAME", without the ARN: 1 to 250 of a-z A-Z 0-9 / _ -, and no name of AWS's own. kInvalid.
Result<std::string> parse_alias(std::string_view text);

// What a message binds of an encryption context: each part with its length, by name.
Bytes canonical_context(const std::map<std::string, std::string>& context);

}  // namespace cloister::service::aws
