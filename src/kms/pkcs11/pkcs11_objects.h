// Keys in a token: found by what a URI says, and what their attributes say. Used by the PKCS#11 sources alone.
#pragma once

#include <p11-kit/pkcs11.h>

#include <optional>
#include <string>
#include <vector>

#include "kms/pkcs11/pkcs11_uri.h"

namespace cloister::kms {

// Empty where the token doesn't say.
struct TokenKeyFacts {
  CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;  // or CKO_PRIVATE_KEY
  CK_KEY_TYPE type = CKK_AES;                     // or CKK_RSA
  std::string label;
  Bytes id;
  std::size_t bits = 0;  // 0: unknown
  std::optional<bool> encrypts, decrypts, wraps, unwraps;
  std::optional<bool> sensitive, extractable, always_sensitive, never_extractable, local, modifiable, destroyable;
  std::optional<bool> wraps_with_trusted;
  std::optional<std::string> start_date, end_date;  // "20261126"; empty text: none
  std::optional<CK_MECHANISM_TYPE> made_by;         // CKA_KEY_GEN_MECHANISM
};

struct TokenKey {
  CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
  TokenKeyFacts facts;
};

// The AES and RSA private keys of the token that `uri` matches, its object, id and type; all of them where it says
// nothing. At most kTokenKeysMax.
inline constexpr std::size_t kTokenKeysMax = 4096;
CK_RV find_token_keys(const CK_FUNCTION_LIST& functions, CK_SESSION_HANDLE session, const Pkcs11Uri& uri,
                      std::vector<TokenKey>& found);
// The public half of an RSA key, by its id. CK_INVALID_HANDLE when there is none.
CK_RV find_public_half(const CK_FUNCTION_LIST& functions, CK_SESSION_HANDLE session, const Bytes& id,
                       CK_OBJECT_HANDLE& found);

// "AES-256", "RSA-3072".
std::string algorithm_of(const TokenKeyFacts& facts);
// One JSON object of everything above, for evidence.
std::string to_json(const TokenKeyFacts& facts);

}  // namespace cloister::kms
