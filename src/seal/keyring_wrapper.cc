// Wrapping DEKs with a keyring's keys, fast enough that rotating a dataset key is bound by the disk.
#include <algorithm>
#include <map>
#include <mutex>

#include "crypto/xaes.h"
#include "seal/keyring.h"

namespace cloister::seal {
namespace {

struct VersionKey {
  DatasetKeyState state = DatasetKeyState::kDestroyed;
  std::optional<crypto::DatasetKey> key;  // of primary and enabled versions
};

}  // namespace

struct KeyringWrapper::State {
  std::string key_id;
  std::string owner;
  std::uint32_t primary = 0;
  std::map<std::uint32_t, VersionKey> versions;
  std::vector<crypto::HpkeOpener> recipients;
  std::mutex recipients_mutex;
  crypto::Random* random = nullptr;

  // Ciphers are handed from call to call; a call has its own while it runs.
  struct Ciphers {
    std::map<std::uint32_t, crypto::Xaes> by_version;
  };
  std::mutex pool_mutex;
  std::vector<std::unique_ptr<Ciphers>> pool;

  std::unique_ptr<Ciphers> take() {
    {
      const std::lock_guard lock(pool_mutex);
      if (!pool.empty()) {
        auto ciphers = std::move(pool.back());
        pool.pop_back();
        return ciphers;
      }
    }
    return std::make_unique<Ciphers>();
  }

  void give_back(std::unique_ptr<Ciphers> ciphers) {
    const std::lock_guard lock(pool_mutex);
    pool.push_back(std::move(ciphers));
  }

  crypto::Xaes& cipher(Ciphers& ciphers, std::uint32_t version) const {
    const auto found = ciphers.by_version.find(version);
    if (found != ciphers.by_version.end()) return found->second;
    const crypto::Secret& secret = versions.at(version).key->material().secret();
    return ciphers.by_version.emplace(version, crypto::Xaes(secret)).first->second;
  }

  Status check_usable(std::uint32_t version) const {
    const std::string name = "dataset key version " + std::to_string(version) + " of " + owner;
    const auto found = versions.find(version);
    if (found == versions.end()) return Error(Code::kDenied, "there is no " + name + " in its keyring");
    if (found->second.state == DatasetKeyState::kDisabled) return Error(Code::kDenied, name + " is disabled");
    if (found->second.state == DatasetKeyState::kDestroyed) return Error(Code::kDenied, name + " is destroyed");
    return {};
  }

  crypto::WrappedKey wrap_with(Ciphers& ciphers, const crypto::KeyMaterial& key,
                               const crypto::WrapContext& context) const {
    crypto::WrappedKey wrapped{crypto::WrapType::kDatasetKey, key_id, primary, {}, {}};
    wrapped.ciphertext = crypto::local_wrap(cipher(ciphers, primary), *random,
                                            context.canonical(wrapped.type, wrapped.key_id, primary), key);
    return wrapped;
  }

  Result<crypto::KeyMaterial> unwrap_with(Ciphers& ciphers, const crypto::WrappedKey& wrapped,
                                          const crypto::WrapContext& context) const {
    CLOISTER_RETURN_IF_ERROR(check_usable(wrapped.key_version));
    return crypto::local_unwrap(cipher(ciphers, wrapped.key_version),
                                context.canonical(wrapped.type, wrapped.key_id, wrapped.key_version),
                                wrapped.ciphertext);
  }
};

KeyringWrapper::KeyringWrapper(std::unique_ptr<State> state) : state_(std::move(state)) {}
KeyringWrapper::~KeyringWrapper() = default;

Result<std::unique_ptr<KeyringWrapper>> KeyringWrapper::create(const Keyring& keyring, crypto::Random& random) {
  const KeyringOutline& outline = keyring.outline();
  auto state = std::make_unique<State>();
  state->key_id = to_hex(outline.keyring_id);
  state->owner = outline.owner.tenant_name() + "/" + outline.owner.dataset;
  state->random = &random;
  for (const DatasetKeyEntry& entry : outline.keys) {
    VersionKey version{entry.state, std::nullopt};
    if (entry.state == DatasetKeyState::kPrimary || entry.state == DatasetKeyState::kEnabled) {
      CLOISTER_TRY(version.key, keyring.dataset_key(entry.version));
    }
    if (entry.state == DatasetKeyState::kPrimary) state->primary = entry.version;
    state->versions.emplace(entry.version, std::move(version));
  }
  for (std::size_t i = 0; i < outline.recipients.size(); ++i) {
    CLOISTER_TRY(auto recipient, keyring.recipient(i));
    state->recipients.emplace_back(std::move(recipient), random);
  }
  return std::unique_ptr<KeyringWrapper>(new KeyringWrapper(std::move(state)));
}

Result<crypto::WrappedKey> KeyringWrapper::wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) {
  auto ciphers = state_->take();
  crypto::WrappedKey wrapped = state_->wrap_with(*ciphers, key, context);
  state_->give_back(std::move(ciphers));
  return wrapped;
}

Result<crypto::KeyMaterial> KeyringWrapper::unwrap(const crypto::WrappedKey& wrapped,
                                                   const crypto::WrapContext& context) {
  if (wrapped.type == crypto::WrapType::kDatasetKey) {
    if (wrapped.key_id != state_->key_id) return Error(Code::kNotFound, "wrapped by another keyring");
    auto ciphers = state_->take();
    auto key = state_->unwrap_with(*ciphers, wrapped, context);
    state_->give_back(std::move(ciphers));
    return key;
  }
  const std::lock_guard lock(state_->recipients_mutex);
  for (crypto::HpkeOpener& recipient : state_->recipients) {
    auto key = recipient.unwrap(wrapped, context);
    if (key.ok() || key.error().code() != Code::kNotFound) return key;
  }
  return Error(Code::kNotFound, "wrapped by a key that isn't in this keyring");
}

Result<crypto::WrappedKey> KeyringWrapper::rewrap(const crypto::WrappedKey& wrapped,
                                                  const crypto::WrapContext& context) {
  if (wrapped.type != crypto::WrapType::kDatasetKey || wrapped.key_id != state_->key_id) {
    return Error(Code::kNotFound, "wrapped by another key");
  }
  auto ciphers = state_->take();
  auto key = state_->unwrap_with(*ciphers, wrapped, context);
  if (!key.ok()) {
    state_->give_back(std::move(ciphers));
    return key.error();
  }
  crypto::WrappedKey rewrapped = state_->wrap_with(*ciphers, *key, context);
  state_->give_back(std::move(ciphers));
  return rewrapped;
}

}  // namespace cloister::seal
