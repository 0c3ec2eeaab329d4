// Wrapping keys under keys that live somewhere: a keyring, a token, a KMS, a passphrase, a recipient.
#pragma once

#include <array>
#include <string>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace cloister::crypto {

// Where the wrapping key lives, and so how the wrapped bytes are to be read. The numbers are the slot types of
// docs/formats/sealed-object.md and never change meaning.
enum class WrapType : std::uint16_t {
  kDatasetKey = 1,          // a dataset key of a keyring, XAES-256-GCM
  kSoftwareKey = 2,         // a software root or KEK file, XAES-256-GCM
  kPkcs11 = 3,              // a key in a PKCS#11 token
  kPassphrase = 4,          // Argon2id
  kHpkeX25519 = 5,          // RFC 9180, DHKEM(X25519)
  kHpkeX25519MlKem768 = 6,  // X-Wing: X25519 and ML-KEM-768 together
  // A provider's key, docs/formats/provider-wrap.md. Not in the slots of a sealed object.
  kAwsKms = 7,
  kAzureKeyVault = 8,
  kGoogleKms = 9,
  kVaultTransit = 10,
  kKmip = 11,
  kPkcs11Provider = 12,
};

// What a wrap is for. Every field is bound as authenticated context: a wrap moved to another tenant, dataset, object,
// purpose or key version doesn't open. Empty fields are bound as empty, not left out.
struct WrapContext {
  std::string tenant;                         // "acme" or "acme/production"
  std::string dataset;                        // "" where none applies
  Bytes object;                               // object id, keyring id or key id: what the wrapped key belongs to
  std::string purpose;                        // "dek", "ring", "dataset-key", "manifest-signing", "kek", ...
  std::array<std::uint8_t, 32> commitment{};  // of the wrapped key or of what it protects; zero where none applies

  // Canonical, every field length-prefixed, together with the identity of the wrapping key:
  // lp("CLSR1 wrap") lp(type) lp(key_id) lp(key_version) lp(tenant) lp(dataset) lp(object) lp(purpose) lp(commitment)
  Bytes canonical(WrapType type, std::string_view key_id, std::uint32_t key_version) const;
};

// A wrapped key and what is needed to find the key that opens it.
struct WrappedKey {
  WrapType type = WrapType::kDatasetKey;
  std::string key_id;
  std::uint32_t key_version = 0;
  Bytes parameters;  // of the wrap itself: salt and cost, encapsulated key; empty for most
  Bytes ciphertext;
};

// Wraps and unwraps 32-byte keys under a key it never shows. Implementations say which threads may call.
class KeyWrapper {
 public:
  virtual ~KeyWrapper() = default;

  // kDenied: the wrapping key refuses (disabled, destroyed, write-only). kUnavailable: it can't be reached.
  virtual Result<WrappedKey> wrap(const KeyMaterial& key, const WrapContext& context) = 0;

  // kNotFound: `wrapped` isn't under a key this wrapper has (another type, id or version): try another slot.
  // kDenied: it is, but the wrap doesn't open in this context, or the key refuses.
  virtual Result<KeyMaterial> unwrap(const WrappedKey& wrapped, const WrapContext& context) = 0;

  // Who answers for the key, for messages; empty where the key's id says it all.
  virtual std::string holder() const { return {}; }

  // Under the newest version of the wrapping key. The key itself doesn't leave the wrapper where its home allows that;
  // here it is unwrapped and wrapped again.
  virtual Result<WrappedKey> rewrap(const WrappedKey& wrapped, const WrapContext& context);
};

// Wraps with `target` and opens it again: the wrap, only if the same key came back. For what is about to replace the
// only other wrap of a key. The target's codes; kCorrupt when another key came back.
Result<WrappedKey> wrap_proven(KeyWrapper& target, const KeyMaterial& key, const WrapContext& context);

// 32 bytes that commit to a key: HKDF-Expand(key, lp("CLSR1 key commitment") lp(purpose)). Kept beside every wrapped
// key that has no other commitment, and compared after unwrapping.
std::array<std::uint8_t, 32> key_commitment(const KeyMaterial& key, std::string_view purpose);

}  // namespace cloister::crypto
