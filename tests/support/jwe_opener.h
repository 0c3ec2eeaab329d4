// Opens JWEs as a guest does, on OpenSSL alone: nothing of crypto/jwe.cc is in here.
#pragma once

#include <memory>
#include <string>

#include "base/json.h"

struct evp_pkey_st;

namespace cloister::testing {

class JweOpener {
 public:
  // "P-256", "P-384", "P-521" or "RSA": a new key.
  explicit JweOpener(const std::string& kind);

  // With `alg`: ECDH-ES+A256KW, or RSA-OAEP-256.
  std::string jwk() const;
  // kCorrupt when it doesn't fit the key, or was changed.
  Result<std::string> open(const JsonValue::Object& jwe) const;

 private:
  Result<Bytes> content_key(const JsonValue& header, ByteView wrapped) const;
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace cloister::testing
