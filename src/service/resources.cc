#include "service/resources.h"

namespace cloister::service {
namespace {

// As everywhere in answers: words with hyphens.
std::string_view state_word(keys::KeyState state) {
  switch (state) {
    case keys::KeyState::kEnabled: return "enabled";
    case keys::KeyState::kDisabled: return "disabled";
    case keys::KeyState::kDestructionScheduled: return "destruction-scheduled";
    case keys::KeyState::kDestroyed: break;
  }
  return "destroyed";
}

std::string_view state_word(seal::DatasetKeyState state) {
  switch (state) {
    case seal::DatasetKeyState::kPrimary: return "primary";
    case seal::DatasetKeyState::kEnabled: return "enabled";
    case seal::DatasetKeyState::kDisabled: return "disabled";
    case seal::DatasetKeyState::kDestroyed: break;
  }
  return "destroyed";
}

void write_rotation(JsonWriter& json, const keys::TenantRecord& tenant) {
  json.name("rotate_after_seconds");
  if (!tenant.rotate_after) {
    json.null();
  } else {
    json.value(static_cast<std::uint64_t>(tenant.rotate_after->ms / 1000));
  }
}

}  // namespace

void write_tenant(JsonWriter& json, const keys::TenantRecord& tenant) {
  json.begin_object().member("name", tenant.name()).member("created", to_rfc3339(tenant.created));
  json.member("kek_id", tenant.kek_id);
  const bool has_kek = !tenant.versions.empty();
  json.member("kek_version", std::uint64_t{has_kek ? tenant.versions.back().version : 0});
  write_rotation(json, tenant);
  json.end_object();
}

void write_kek(JsonWriter& json, const keys::TenantRecord& tenant) {
  json.begin_object().member("tenant", tenant.name()).member("kek_id", tenant.kek_id);
  write_rotation(json, tenant);
  json.name("versions").begin_array();
  for (const keys::KekVersion& version : tenant.versions) {
    json.begin_object().member("version", std::uint64_t{version.version}).member("state", state_word(version.state));
    json.member("created", to_rfc3339(version.created));
    if (version.destroy_at) json.member("destroy_at", to_rfc3339(*version.destroy_at));
    json.end_object();
  }
  json.end_array().end_object();
}

void write_dataset_line(JsonWriter& json, const keys::DatasetRecord& dataset) {
  json.begin_object().member("name", dataset.dataset).member("created", to_rfc3339(dataset.created)).end_object();
}

Status write_dataset(JsonWriter& json, const keys::DatasetRecord& dataset) {
  CLOISTER_TRY(const seal::KeyringOutline outline, seal::parse_keyring(dataset.keyring));
  json.begin_object().member("name", dataset.dataset).member("tenant", outline.owner.tenant_name());
  json.member("created", to_rfc3339(dataset.created)).member("keyring", to_hex(outline.keyring_id));
  json.member("sequence", outline.sequence).member("kek_version", std::uint64_t{outline.ring_key.key_version});
  json.name("signing_public_key").bytes(outline.signing_public_key);
  json.name("keys").begin_array();
  for (const seal::DatasetKeyEntry& entry : outline.keys) {
    json.begin_object().member("version", std::uint64_t{entry.version}).member("state", state_word(entry.state));
    json.member("created", to_rfc3339(entry.created)).end_object();
  }
  json.end_array().name("recipients").begin_array();
  for (const crypto::HpkePublicKey& recipient : outline.recipients) {
    json.begin_object().member("id", recipient.key_id()).member("public_key", recipient.text()).end_object();
  }
  json.end_array().end_object();
  return {};
}

}  // namespace cloister::service
