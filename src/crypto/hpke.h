// HPKE base mode, RFC 9180, with HKDF-SHA256 and AES-256-GCM in one shot, over two KEMs: DHKEM(X25519, HKDF-SHA256),
// and X-Wing (X25519 with ML-KEM-768, draft-connolly-cfrg-xwing-kem, KEM id 0x647a).
#pragma once

#include "crypto/aead.h"
#include "crypto/key_wrapper.h"
#include "crypto/random.h"

namespace cloister::crypto {

enum class HpkeKem : std::uint16_t { kX25519 = 0x0020, kXWing = 0x647a };

std::size_t hpke_public_key_size(HpkeKem kem);    // 32, 1216
std::size_t hpke_encapsulated_size(HpkeKem kem);  // 32, 1120

class HpkePublicKey {
 public:
  // kInvalid for a wrong size, a low-order X25519 point or an ML-KEM key that fails FIPS 203's check.
  static Result<HpkePublicKey> parse(HpkeKem kem, ByteView bytes);
  // "cloister-recipient-x25519:" or "cloister-recipient-xwing:" and base64url without padding.
  static Result<HpkePublicKey> parse_text(std::string_view text);
  std::string text() const;

  HpkeKem kem() const { return kem_; }
  ByteView bytes() const { return bytes_; }
  // "x25519:" or "xwing:" and the first 16 hexadecimal digits of the SHA-256 of the key: how slots name it.
  std::string key_id() const;

 private:
  HpkePublicKey(HpkeKem kem, Bytes bytes) : kem_(kem), bytes_(std::move(bytes)) {}
  HpkeKem kem_;
  Bytes bytes_;
};

// Both KEMs' private keys are a 32-byte seed (X25519's scalar, X-Wing's seed), so it travels as KeyMaterial.
class HpkePrivateKey {
 public:
  static HpkePrivateKey generate(HpkeKem kem, Random& random);
  static Result<HpkePrivateKey> from_seed(HpkeKem kem, KeyMaterial seed);

  HpkeKem kem() const { return public_key_.kem(); }
  const HpkePublicKey& public_key() const { return public_key_; }
  const KeyMaterial& seed() const { return seed_; }
  HpkePrivateKey duplicate() const { return HpkePrivateKey(public_key_, seed_.duplicate()); }

 private:
  HpkePrivateKey(HpkePublicKey public_key, KeyMaterial seed);
  HpkePublicKey public_key_;
  KeyMaterial seed_;
};

// Slots use AES-256-GCM; the others exist for exchange: AES-128-GCM with Oblivious HTTP, ChaCha20-Poly1305 with age.
enum class HpkeAead : std::uint16_t { kAes128Gcm = 1, kAes256Gcm = 2, kChaCha20Poly1305 = 3 };
AeadAlgorithm hpke_aead_algorithm(HpkeAead aead);

struct HpkeSealed {
  Bytes encapsulated;
  Bytes ciphertext;  // with the tag
};

Result<HpkeSealed> hpke_seal(const HpkePublicKey& recipient, Random& random, ByteView info, ByteView aad,
                             const Secret& plaintext, HpkeAead aead = HpkeAead::kAes256Gcm);
// kDenied when key, info, aad or bytes don't fit together.
Result<Secret> hpke_open(const HpkePrivateKey& recipient, ByteView info, ByteView aad, const HpkeSealed& sealed,
                         HpkeAead aead = HpkeAead::kAes256Gcm);

// Wraps to a recipient. parameters: the encapsulated key; ciphertext: 48 bytes; info: the canonical context, aad empty.
class HpkeSealer final : public KeyWrapper {  // holds a public key only: unwrap is kDenied ("write-only")
 public:
  HpkeSealer(HpkePublicKey recipient, Random& random);
  Result<WrappedKey> wrap(const KeyMaterial& key, const WrapContext& context) override;
  Result<KeyMaterial> unwrap(const WrappedKey& wrapped, const WrapContext& context) override;

 private:
  HpkePublicKey recipient_;
  Random* random_;
};

class HpkeOpener final : public KeyWrapper {
 public:
  HpkeOpener(HpkePrivateKey recipient, Random& random);
  Result<WrappedKey> wrap(const KeyMaterial& key, const WrapContext& context) override;
  Result<KeyMaterial> unwrap(const WrappedKey& wrapped, const WrapContext& context) override;

 private:
  HpkePrivateKey recipient_;
  Random* random_;
};

}  // namespace cloister::crypto
