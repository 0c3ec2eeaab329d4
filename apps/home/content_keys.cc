#include "home/content_keys.h"

#include <algorithm>

namespace cloister::home {
namespace {

using posture::content::KeyUse;

KeyUse use_of(seal::DatasetKeyState state) {
  switch (state) {
    case seal::DatasetKeyState::kPrimary: return KeyUse::kActive;
    case seal::DatasetKeyState::kEnabled: return KeyUse::kRetired;
    case seal::DatasetKeyState::kDisabled:
    case seal::DatasetKeyState::kDestroyed: break;
  }
  return KeyUse::kGone;
}

bool kek_opens(const keys::TenantRecord& tenant, std::uint32_t version) {
  return std::ranges::any_of(tenant.versions, [&](const keys::KekVersion& kek) {
    return kek.version == version && kek.state == keys::KeyState::kEnabled;
  });
}

}  // namespace

void add_known_keys(const seal::KeyringOutline& keyring, const keys::TenantRecord& tenant,
                    posture::content::KnownKeys& keys) {
  const std::string id = to_hex(keyring.keyring_id);
  const std::string kek = "cloister:" + tenant.kek_id;
  const bool opens = kek_opens(tenant, keyring.ring_key.key_version);
  for (const seal::DatasetKeyEntry& entry : keyring.keys) {
    keys.versions[{id, entry.version}] = {opens ? use_of(entry.state) : KeyUse::kGone, kek};
  }
  for (const crypto::HpkePublicKey& recipient : keyring.recipients) {
    keys.versions[{recipient.key_id(), 0}] = {opens ? KeyUse::kActive : KeyUse::kGone, kek};
  }
  keys.names.insert("keyring:" + id);
}

Result<posture::content::KnownKeys> known_keys(keys::Store& store) {
  posture::content::KnownKeys keys;
  CLOISTER_TRY(const std::vector<keys::TenantRecord> tenants, store.tenants());
  for (const keys::TenantRecord& tenant : tenants) {
    CLOISTER_TRY(const std::vector<keys::DatasetRecord> datasets, store.datasets(tenant.tenant, tenant.environment));
    for (const keys::DatasetRecord& dataset : datasets) {
      auto keyring = seal::parse_keyring(dataset.keyring);
      if (!keyring.ok()) return keyring.error().with_context("read the keyring of " + dataset.name());
      add_known_keys(*keyring, tenant, keys);
    }
  }
  return keys;
}

}  // namespace cloister::home
