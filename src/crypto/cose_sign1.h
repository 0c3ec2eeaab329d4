// COSE_Sign1, RFC 9052 4.2 and RFC 9053 2.1: ES256 on P-256, ES384 on P-384, ES512 on P-521, and nothing else.
#pragma once

#include "base/cbor_item.h"
#include "crypto/asymmetric_key.h"

namespace cloister::crypto {

inline constexpr std::uint64_t kCoseSign1Tag = 18;

// A view: the bytes must outlive it. Immutable.
class CoseSign1 {
 public:
  // With tag 18 or without. kInvalid for anything but [protected, unprotected, payload, signature] with an algorithm of
  // those above among the protected headers, none among the others, the payload in place, and no header that must be
  // understood (crit). Other headers, keys and certificates among them, are never looked at.
  static Result<CoseSign1> of(const CborItem& item);
  // Exactly one. kCorrupt for what isn't CBOR within the limits.
  static Result<CoseSign1> parse(ByteView bytes, const CborItemLimits& limits = {});

  SignatureAlgorithm algorithm() const { return algorithm_; }
  // The curve that keys of that algorithm are on.
  KeyType key_type() const { return key_type_; }
  // What anybody may have written: to find out whose key to verify with.
  ByteView unverified_payload() const { return payload_; }
  // kCorrupt when the signature (r and s side by side, as long as a coordinate each) isn't this key's over this
  // message; kInvalid when keys on this curve don't sign with its algorithm.
  Result<ByteView> verified_payload(const PublicKey& key) const;

 private:
  CoseSign1() = default;

  SignatureAlgorithm algorithm_ = SignatureAlgorithm::kEcdsaSha256;
  KeyType key_type_ = KeyType::kEcP256;
  ByteView protected_;
  ByteView payload_;
  ByteView signature_;
};

// What is signed: the Sig_structure without external data. RFC 9052 4.4.
Bytes cose_signed_bytes(ByteView protected_headers, ByteView payload);

// A public EC2 key as a COSE_Key of at most kty, alg, crv, x and y, RFC 9053 7.1. kInvalid for a malformed one and for
// one with its private part; kUnsupported for other kinds of key.
Result<PublicKey> parse_cose_key(ByteView bytes);

}  // namespace cloister::crypto
