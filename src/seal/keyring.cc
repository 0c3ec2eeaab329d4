#include "seal/keyring.h"

#include <algorithm>
#include <limits>

#include "base/reader.h"
#include "crypto/hkdf.h"
#include "crypto/xaes.h"
#include "seal/keyring_format.h"

namespace cloister::seal {
namespace {

constexpr std::string_view kDatasetKeyPurpose = "dataset-key";
constexpr std::string_view kSigningPurpose = "manifest-signing";
constexpr std::string_view kRecipientPurpose = "recipient";
constexpr std::size_t kKeysMax = 4096;
constexpr std::size_t kRecipientsMax = 16;

// What a reader would refuse isn't written. A slash would let one tenant's name be another's with an environment.
Status check_owner(const KeyringOwner& owner) {
  const auto fits = [](std::string_view name) { return name.size() <= 128 && is_plain_utf8(name); };
  const auto one_part = [&](std::string_view name) { return fits(name) && name.find('/') == std::string_view::npos; };
  if (!owner.tenant.empty() && one_part(owner.tenant) && one_part(owner.environment) && !owner.dataset.empty() &&
      fits(owner.dataset)) {
    return {};
  }
  return Error(Code::kInvalid, "a keyring's tenant, environment and dataset are names of at most 128 bytes");
}

Bytes id_bytes(const Id& id) { return Bytes(id.begin(), id.end()); }

// KR-1.
crypto::WrapContext ring_context(const KeyringOutline& outline, const KeyringOwner& owner, std::string_view purpose,
                                 const std::array<std::uint8_t, 32>& commitment) {
  return {owner.tenant_name(), owner.dataset, id_bytes(outline.keyring_id), std::string(purpose), commitment};
}

}  // namespace

std::string KeyringOwner::tenant_name() const { return environment.empty() ? tenant : tenant + "/" + environment; }

struct Keyring::State {
  KeyringParts parts;
  crypto::RingKey ring_key;
  mutable crypto::Xaes ring_xaes;
  crypto::Random* random;

  State(KeyringParts p, crypto::RingKey key, crypto::Random& r)
      : parts(std::move(p)), ring_key(std::move(key)), ring_xaes(ring_key.material().secret()), random(&r) {}

  // KR-2.
  Bytes entry_context(std::string_view purpose, std::uint32_t version,
                      const std::array<std::uint8_t, 32>& commitment) const {
    const KeyringOutline& outline = parts.outline;
    const crypto::WrapContext context{outline.owner.tenant_name(), outline.owner.dataset, id_bytes(outline.keyring_id),
                                      std::string(purpose), commitment};
    return context.canonical(crypto::WrapType::kDatasetKey, to_hex(outline.keyring_id), version);
  }

  SealedSeed seal_entry(std::string_view purpose, std::uint32_t version, const crypto::KeyMaterial& key) const {
    SealedSeed entry;
    entry.commitment = crypto::key_commitment(key, purpose);
    const Bytes wrapped =
        crypto::local_wrap(ring_xaes, *random, entry_context(purpose, version, entry.commitment), key);
    std::ranges::copy(wrapped, entry.wrapped.begin());
    return entry;
  }

  Result<crypto::KeyMaterial> open_entry(std::string_view purpose, std::uint32_t version,
                                         const SealedSeed& entry) const {
    CLOISTER_TRY(auto key,
                 crypto::local_unwrap(ring_xaes, entry_context(purpose, version, entry.commitment), entry.wrapped));
    if (!crypto::equal_constant_time(crypto::key_commitment(key, purpose), entry.commitment)) {  // KR-3
      return Error(Code::kCorrupt, "keyring: a key doesn't fit its commitment");
    }
    return key;
  }

  crypto::Sha256Digest mac(ByteView bytes) const {  // KR-4
    crypto::Info info("CLSR1 keyring mac");
    info.field(parts.outline.keyring_id);
    return crypto::hmac_sha256(crypto::hkdf_expand_sha512(ring_key.material().secret(), info.view(), 32), bytes);
  }

  void add_key(std::uint32_t version, Time now) {
    const crypto::DatasetKey key = crypto::DatasetKey::random(*random);
    const SealedSeed sealed = seal_entry(kDatasetKeyPurpose, version, key.material());
    parts.outline.keys.push_back({version, DatasetKeyState::kPrimary, now, sealed.commitment, sealed.wrapped});
  }

  DatasetKeyEntry* find(std::uint32_t version) {
    for (DatasetKeyEntry& key : parts.outline.keys) {
      if (key.version == version) return &key;
    }
    return nullptr;
  }
};

Keyring::Keyring(std::unique_ptr<State> state) : state_(std::move(state)) {}
Keyring::Keyring(Keyring&&) noexcept = default;
Keyring& Keyring::operator=(Keyring&&) noexcept = default;
Keyring::~Keyring() = default;

const KeyringOutline& Keyring::outline() const { return state_->parts.outline; }

Result<Keyring> Keyring::create(const KeyringOwner& owner, Time now, crypto::Random& random) {
  CLOISTER_RETURN_IF_ERROR(check_owner(owner));
  KeyringParts parts;
  parts.outline.keyring_id = crypto::random_array<16>(random);
  parts.outline.owner = owner;
  auto state = std::make_unique<State>(std::move(parts), crypto::RingKey::random(random), random);
  state->parts.ring_commitment = crypto::key_commitment(state->ring_key.material(), "ring");
  state->add_key(1, now);
  const crypto::SigningKey signing = crypto::SigningKey::generate(random);
  state->parts.outline.signing_public_key = signing.public_key();
  state->parts.signing = state->seal_entry(kSigningPurpose, 0, signing.seed());
  return Keyring(std::move(state));
}

Result<Keyring> Keyring::unlock(ByteView bytes, const KeyringOwner& owner, crypto::KeyWrapper& wrapper,
                                std::string_view purpose, crypto::Random& random) {
  CLOISTER_TRY(KeyringParts parts, parse_keyring_parts(bytes));
  const crypto::WrapContext context = ring_context(parts.outline, owner, purpose, parts.ring_commitment);
  CLOISTER_TRY(auto material, wrapper.unwrap(parts.outline.ring_key, context).with_context("unlock the keyring"));
  if (!crypto::equal_constant_time(crypto::key_commitment(material, "ring"), parts.ring_commitment)) {
    return Error(Code::kCorrupt, "keyring: the ring key doesn't fit its commitment");
  }
  const crypto::Sha256Digest mac = parts.mac;
  const std::size_t mac_offset = parts.mac_offset;
  auto state = std::make_unique<State>(std::move(parts), crypto::RingKey(std::move(material)), random);
  if (!crypto::equal_constant_time(state->mac(bytes.first(mac_offset)), mac)) {
    return Error(Code::kCorrupt, "keyring: its mac doesn't fit, it was changed by someone without its key");
  }
  const KeyringOwner& named = state->parts.outline.owner;  // KR-7: the wrap has settled it; this keeps names honest
  if (named.tenant != owner.tenant || named.environment != owner.environment || named.dataset != owner.dataset) {
    return Error(Code::kDenied, "keyring: it belongs to another tenant, environment or dataset");
  }
  return Keyring(std::move(state));
}

Result<Bytes> Keyring::serialize(crypto::KeyWrapper& wrapper, std::string_view purpose) {
  KeyringParts& parts = state_->parts;
  const crypto::WrapContext context = ring_context(parts.outline, parts.outline.owner, purpose, parts.ring_commitment);
  CLOISTER_TRY(parts.outline.ring_key, wrapper.wrap(state_->ring_key.material(), context));
  ++parts.outline.sequence;
  Bytes bytes = serialize_keyring_parts(parts);
  parts.mac = state_->mac(bytes);
  bytes.insert(bytes.end(), parts.mac.begin(), parts.mac.end());
  return bytes;
}

Result<std::uint32_t> Keyring::rotate(Time now) {
  auto& keys = state_->parts.outline.keys;
  if (keys.size() >= kKeysMax) {
    return Error(Code::kInvalid, "keyring: it has 4096 dataset keys already; destroy old ones or start a new dataset");
  }
  if (keys.back().version == std::numeric_limits<std::uint32_t>::max()) {
    return Error(Code::kInvalid, "keyring: its versions are used up");
  }
  for (DatasetKeyEntry& key : keys) {
    if (key.state == DatasetKeyState::kPrimary) key.state = DatasetKeyState::kEnabled;
  }
  state_->add_key(keys.back().version + 1, now);
  return keys.back().version;
}

Status Keyring::set_state(std::uint32_t version, DatasetKeyState wanted) {
  DatasetKeyEntry* key = state_->find(version);
  const std::string name = "dataset key version " + std::to_string(version);
  if (key == nullptr) return Error(Code::kNotFound, "there is no " + name);
  if (key->state == DatasetKeyState::kPrimary) {
    return Error(Code::kInvalid, name + " is the primary one: rotate the dataset key first");
  }
  if (key->state == DatasetKeyState::kDestroyed) return Error(Code::kDenied, name + " is destroyed");
  if (wanted == DatasetKeyState::kPrimary) return Error(Code::kInvalid, "a version becomes primary by rotation only");
  const auto primary =
      std::ranges::find(state_->parts.outline.keys, DatasetKeyState::kPrimary, &DatasetKeyEntry::state);
  if (wanted == DatasetKeyState::kEnabled && version > primary->version) {
    return Error(Code::kInvalid, name + " is newer than the primary one");
  }
  key->state = wanted;
  if (wanted == DatasetKeyState::kDestroyed) key->wrapped.fill(0);
  return {};
}

Result<crypto::HpkePublicKey> Keyring::add_recipient(crypto::HpkeKem kem) {
  KeyringParts& parts = state_->parts;
  if (parts.recipients.size() >= kRecipientsMax) return Error(Code::kInvalid, "a keyring has at most 16 recipients");
  const crypto::HpkePrivateKey key = crypto::HpkePrivateKey::generate(kem, *state_->random);
  const auto position = static_cast<std::uint32_t>(parts.recipients.size());
  parts.recipients.push_back(state_->seal_entry(kRecipientPurpose, position, key.seed()));
  parts.outline.recipients.push_back(key.public_key());
  return key.public_key();
}

Result<crypto::DatasetKey> Keyring::dataset_key(std::uint32_t version) const {
  const DatasetKeyEntry* key = state_->find(version);
  const KeyringOwner& owner = state_->parts.outline.owner;
  const std::string name =
      "dataset key version " + std::to_string(version) + " of " + owner.tenant_name() + "/" + owner.dataset;
  if (key == nullptr) return Error(Code::kDenied, "there is no " + name);
  if (key->state == DatasetKeyState::kDisabled) return Error(Code::kDenied, name + " is disabled");
  if (key->state == DatasetKeyState::kDestroyed) return Error(Code::kDenied, name + " is destroyed");
  CLOISTER_TRY(
      auto material,
      state_->open_entry(kDatasetKeyPurpose, version, SealedSeed{key->commitment, key->wrapped}).with_context(name));
  return crypto::DatasetKey(std::move(material));
}

Result<crypto::SigningKey> Keyring::signing_key() const {
  CLOISTER_TRY(auto seed, state_->open_entry(kSigningPurpose, 0, state_->parts.signing));
  crypto::SigningKey key = crypto::SigningKey::from_seed(std::move(seed));
  if (key.public_key() != state_->parts.outline.signing_public_key) {
    return Error(Code::kCorrupt, "keyring: the signing key doesn't fit its public key");
  }
  return key;
}

Result<crypto::HpkePrivateKey> Keyring::recipient(std::size_t position) const {
  const KeyringParts& parts = state_->parts;
  if (position >= parts.recipients.size()) return Error(Code::kNotFound, "keyring: there is no such recipient");
  CLOISTER_TRY(auto seed,
               state_->open_entry(kRecipientPurpose, static_cast<std::uint32_t>(position), parts.recipients[position]));
  const crypto::HpkePublicKey& named = parts.outline.recipients[position];
  CLOISTER_TRY(auto key, crypto::HpkePrivateKey::from_seed(named.kem(), std::move(seed)));
  if (!equal(key.public_key().bytes(), named.bytes())) {
    return Error(Code::kCorrupt, "keyring: a recipient's key doesn't fit its public key");
  }
  return key;
}

}  // namespace cloister::seal
