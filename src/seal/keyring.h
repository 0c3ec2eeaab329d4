// A dataset's keys: versions of the dataset key, the manifest signing key, recipients. docs/formats/keyring.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/hpke.h"
#include "crypto/key_wrapper.h"
#include "crypto/random.h"
#include "crypto/signature.h"
#include "seal/preamble.h"

namespace cloister::seal {

enum class DatasetKeyState : std::uint8_t { kPrimary = 1, kEnabled = 2, kDisabled = 3, kDestroyed = 4 };

struct DatasetKeyEntry {
  std::uint32_t version = 0;
  DatasetKeyState state = DatasetKeyState::kPrimary;
  Time created;
  std::array<std::uint8_t, 32> commitment{};
  std::array<std::uint8_t, 72> wrapped{};
};

struct KeyringOwner {
  std::string tenant;
  std::string environment;  // empty: none
  std::string dataset;
  std::string tenant_name() const;  // "acme" or "acme/production": what wrap contexts and preambles say
};

// The keyring as stored: readable without keys, nothing in it authenticated until it is unlocked.
struct KeyringOutline {
  Id keyring_id{};
  KeyringOwner owner;
  std::uint64_t sequence = 0;
  crypto::WrappedKey ring_key;
  std::vector<DatasetKeyEntry> keys;
  crypto::Ed25519PublicKey signing_public_key{};
  std::vector<crypto::HpkePublicKey> recipients;
};
Result<KeyringOutline> parse_keyring(ByteView bytes);

// A keyring with its ring key: can be read, changed and written again. One thread at a time.
class Keyring {
 public:
  // Version 1 of the dataset key is made with it.
  static Result<Keyring> create(const KeyringOwner& owner, Time now, crypto::Random& random);
  // KR-4. The expected owner is the caller's, not the bytes': a keyring of somebody else fails at the ring key's wrap.
  // `purpose` is "ring" in the store and "keyring-export" for one that travels.
  static Result<Keyring> unlock(ByteView bytes, const KeyringOwner& owner, crypto::KeyWrapper& wrapper,
                                std::string_view purpose, crypto::Random& random);

  Keyring(Keyring&&) noexcept;
  Keyring& operator=(Keyring&&) noexcept;
  ~Keyring();

  const KeyringOutline& outline() const;

  // The bytes to store, the ring key wrapped by `wrapper`. Counts the sequence up.
  Result<Bytes> serialize(crypto::KeyWrapper& wrapper, std::string_view purpose);

  // A new primary version; the one before stays enabled. Returns its number. kInvalid at 4096 versions.
  Result<std::uint32_t> rotate(Time now);
  // kInvalid for the primary, kNotFound for an unknown version, kDenied for a destroyed one.
  Status set_state(std::uint32_t version, DatasetKeyState state);
  Result<crypto::HpkePublicKey> add_recipient(crypto::HpkeKem kem);

  Result<crypto::DatasetKey> dataset_key(std::uint32_t version) const;
  Result<crypto::SigningKey> signing_key() const;
  Result<crypto::HpkePrivateKey> recipient(std::size_t position) const;

 private:
  struct State;
  explicit Keyring(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Wraps and unwraps DEKs with a keyring's dataset keys (slot type 1), and opens slots to its recipients (types 5, 6).
// rewrap() never shows the DEK. Keys are unwrapped once, at creation. Any thread may call, each at full speed.
class KeyringWrapper final : public crypto::KeyWrapper {
 public:
  static Result<std::unique_ptr<KeyringWrapper>> create(const Keyring& keyring, crypto::Random& random);
  ~KeyringWrapper() override;

  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override;
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override;
  Result<crypto::WrappedKey> rewrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override;

 private:
  struct State;
  explicit KeyringWrapper(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cloister::seal
