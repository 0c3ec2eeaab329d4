// Key pairs of the kinds that certificates and tokens carry: ECDSA (FIPS 186-5), Ed25519 (RFC 8032), and RSA public
// keys (RFC 8017). Private keys are never RSA: the ones made here don't need to be.
#pragma once

#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "crypto/random.h"
#include "crypto/secret.h"

struct evp_pkey_st;

namespace cloister::crypto {

enum class KeyType { kEcP256, kEcP384, kEcP521, kEd25519, kRsa };
std::string_view key_type_name(KeyType type);

enum class SignatureAlgorithm {
  kEcdsaSha256,
  kEcdsaSha384,
  kEcdsaSha512,
  kEd25519,
  kRsaPkcs1Sha256,
  kRsaPkcs1Sha384,
  kRsaPkcs1Sha512,
  kRsaPssSha256,  // MGF1 with the same hash, salt as long as its digest
  kRsaPssSha384,
  kRsaPssSha512,
};

// What keys of that type sign with here: ECDSA with the hash of the curve's size, Ed25519. For RSA, PKCS #1 with
// SHA-256.
SignatureAlgorithm signature_algorithm(KeyType type);

// The DER AlgorithmIdentifier of signatures in certificates (RFC 5758, 8410, 4055). Empty for RSA-PSS, whose parameters
// have more than one spelling.
ByteView signature_algorithm_identifier(SignatureAlgorithm algorithm);
// kUnsupported for an identifier that is none of these.
Result<SignatureAlgorithm> signature_algorithm_of(ByteView identifier);

// Immutable and cheap to copy. Any thread may call.
class PublicKey {
 public:
  // From a DER SubjectPublicKeyInfo (RFC 5280 4.1.2.7) in the one spelling that RFC 5480, 8410 and 3279 give it: named
  // curves, points on the curve and not compressed. kUnsupported for other kinds of key; kInvalid for a malformed one,
  // for RSA below 2048 or above 8192 bits and for RSA exponents that are even, 1 or longer than 8 bytes.
  static Result<PublicKey> from_spki(ByteView der);
  // The same refusals of a key that OpenSSL has read from those very bytes, so that they aren't read twice.
  static Result<PublicKey> from_decoded(ByteView der, std::shared_ptr<evp_pkey_st> key);
  // Big-endian. The same refusals.
  static Result<PublicKey> from_ec_point(KeyType curve, ByteView x, ByteView y);
  static Result<PublicKey> from_ed25519(ByteView raw);
  static Result<PublicKey> from_rsa(ByteView modulus, ByteView exponent);

  KeyType type() const { return type_; }
  const Bytes& spki() const { return *spki_; }
  // The key itself within spki(): for EC 04, x, y; for Ed25519 32 bytes; for RSA SEQUENCE { modulus, exponent }.
  ByteView raw() const;

  // kCorrupt when the signature isn't this key's over this message. ECDSA signatures are DER SEQUENCE { r, s }.
  // kInvalid when keys of this type don't sign with that algorithm, kInternal when the library fails.
  Status verify(SignatureAlgorithm algorithm, ByteView message, ByteView signature) const;

  friend bool operator==(const PublicKey& a, const PublicKey& b) { return *a.spki_ == *b.spki_; }

 private:
  PublicKey(KeyType type, Bytes spki, std::shared_ptr<evp_pkey_st> key)
      : type_(type), spki_(std::make_shared<const Bytes>(std::move(spki))), key_(std::move(key)) {}

  KeyType type_;
  std::shared_ptr<const Bytes> spki_;
  std::shared_ptr<evp_pkey_st> key_;
};

// The DER that verify() takes, from r and s as big-endian numbers of any width.
Bytes ecdsa_signature(ByteView r, ByteView s);
// Bytes in a coordinate of that curve: 32, 48 or 66.
std::size_t ec_coordinate_size(KeyType curve);
// The DER AlgorithmIdentifier of keys of that type.
ByteView key_algorithm_identifier(KeyType type);

// P-256, P-384 or Ed25519. Moves, doesn't copy. Any thread may sign.
class PrivateKey {
 public:
  // kUnsupported for RSA and P-521.
  static Result<PrivateKey> generate(KeyType type, Random& random);
  // The private scalar, big-endian and as long as a coordinate, or the Ed25519 seed. kInvalid when it is none.
  static Result<PrivateKey> from_scalar(KeyType type, Secret scalar);
  // PKCS #8 (RFC 5208, 5958), not encrypted. kUnsupported for other kinds of key, kInvalid for a malformed one and for
  // one whose public part isn't the private part's.
  static Result<PrivateKey> from_pkcs8(const Secret& der);
  static Result<PrivateKey> from_pkcs8_pem(const Secret& text);

  KeyType type() const { return public_key_.type(); }
  const PublicKey& public_key() const { return public_key_; }
  const Secret& scalar() const { return scalar_; }
  Secret to_pkcs8() const;
  Secret to_pkcs8_pem() const;
  PrivateKey duplicate() const { return PrivateKey(Secret::copy_of(scalar_.expose()), public_key_); }

  // With signature_algorithm(type()). ECDSA takes its nonce from key and message (RFC 6979), so there is no randomness
  // that could fail.
  Bytes sign(ByteView message) const;

 private:
  PrivateKey(Secret scalar, PublicKey public_key) : scalar_(std::move(scalar)), public_key_(std::move(public_key)) {}

  Secret scalar_;
  PublicKey public_key_;
};

}  // namespace cloister::crypto
