// RSA keys that others hand out to sign tokens with: the account keys of clouds. Only that: nothing here makes RSA keys
// or opens anything with them.
#pragma once

#include <memory>

#include "crypto/signer.h"

namespace cloister::crypto {

// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 8.2): RS256 of JOSE. Any thread may call.
class RsaSigner final : public Signer {
 public:
  // PKCS #8 (RFC 5208), not encrypted. kUnsupported for other kinds of key; kInvalid for a malformed one, for one below
  // 2048 or above 8192 bits, and for one whose public part isn't the private part's. The key is in OpenSSL's memory,
  // which wipes it when freed, but doesn't lock it.
  static Result<std::unique_ptr<RsaSigner>> from_pkcs8(const Secret& der);
  static Result<std::unique_ptr<RsaSigner>> from_pkcs8_pem(const Secret& text);

  const PublicKey& public_key() const override { return public_key_; }
  Result<Bytes> sign(ByteView message) override;

 private:
  RsaSigner(std::shared_ptr<evp_pkey_st> key, PublicKey public_key)
      : key_(std::move(key)), public_key_(std::move(public_key)) {}

  std::shared_ptr<evp_pkey_st> key_;
  PublicKey public_key_;
};

}  // namespace cloister::crypto
