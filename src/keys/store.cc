#include "keys/store.h"

#include <algorithm>
#include <map>
#include <utility>

#include "keys/sqlite.h"

namespace cloister::keys {
namespace {

constexpr KeyState kKeyStates[] = {KeyState::kEnabled, KeyState::kDisabled, KeyState::kDestructionScheduled,
                                   KeyState::kDestroyed};

Result<KeyState> parse_key_state(std::string_view name) {
  for (const KeyState state : kKeyStates) {
    if (name == key_state_name(state)) return state;
  }
  return Error(Code::kCorrupt, "store: a KEK version's state is unknown");
}

std::string tenant_name(std::string_view tenant, std::string_view environment) {
  return environment.empty() ? std::string(tenant) : std::string(tenant) + "/" + std::string(environment);
}

Result<KekVersion> read_kek_version(Statement& row) {
  KekVersion version;
  version.version = static_cast<std::uint32_t>(row.number());
  CLOISTER_TRY(version.state, parse_key_state(row.text()));
  version.created = Time{row.number()};
  if (const auto destroy_at = row.number_or_null()) version.destroy_at = Time{*destroy_at};
  CLOISTER_RETURN_IF_ERROR(row.blob_into(version.commitment));
  version.wrapped.type = static_cast<crypto::WrapType>(row.number());
  version.wrapped.key_id = row.text();
  version.wrapped.key_version = static_cast<std::uint32_t>(row.number());
  version.wrapped.parameters = row.blob();
  version.wrapped.ciphertext = row.blob();
  CLOISTER_RETURN_IF_ERROR(row.row_status());
  return version;
}
constexpr std::string_view kVersionColumns =
    "SELECT kek_id, version, state, created_ms, destroy_at_ms, commitment, wrap_type, wrap_key_id, wrap_key_version, "
    "wrap_parameters, wrapped FROM kek_versions ";

// By the KEK's id; versions ascending.
Result<std::map<std::string, std::vector<KekVersion>>> read_versions(Statement rows) {
  std::map<std::string, std::vector<KekVersion>> versions;
  while (true) {
    CLOISTER_TRY(const bool row, rows.step());
    if (!row) return versions;
    std::vector<KekVersion>& of_kek = versions[rows.text()];
    CLOISTER_TRY(KekVersion version, read_kek_version(rows));
    of_kek.push_back(std::move(version));
  }
}

Result<std::vector<KekVersion>> read_versions(Connection& connection, const std::string& kek_id) {
  Statement rows(connection, std::string(kVersionColumns) + "WHERE kek_id = $1 ORDER BY version");
  rows.bind(kek_id);
  CLOISTER_TRY(auto versions, read_versions(std::move(rows)));
  return std::move(versions[kek_id]);
}

Result<TenantRecord> read_tenant(Statement& row) {
  TenantRecord tenant;
  tenant.tenant = row.text();
  tenant.environment = row.text();
  tenant.kek_id = row.text();
  tenant.created = Time{row.number()};
  if (const auto rotate_after = row.number_or_null()) tenant.rotate_after = Duration{*rotate_after};
  tenant.row_version = static_cast<std::uint64_t>(row.number());
  CLOISTER_RETURN_IF_ERROR(row.row_status());
  return tenant;
}
constexpr std::string_view kTenantColumns =
    "SELECT tenant, environment, kek_id, created_ms, rotate_after_ms, row_version FROM tenants ";

Result<DatasetRecord> read_dataset(Statement& row) {
  DatasetRecord dataset;
  dataset.tenant = row.text();
  dataset.environment = row.text();
  dataset.dataset = row.text();
  dataset.created = Time{row.number()};
  dataset.row_version = static_cast<std::uint64_t>(row.number());
  dataset.keyring = row.blob();
  CLOISTER_RETURN_IF_ERROR(row.row_status());
  return dataset;
}
constexpr std::string_view kDatasetColumns =
    "SELECT t.tenant, t.environment, d.dataset, d.created_ms, d.row_version, d.keyring "
    "FROM datasets d JOIN tenants t ON t.id = d.tenant_id WHERE t.tenant = $1 AND t.environment = $2 ";

std::optional<std::int64_t> milliseconds(const std::optional<Duration>& duration) {
  return duration ? std::optional<std::int64_t>(duration->ms) : std::nullopt;
}

std::optional<std::int64_t> milliseconds(const std::optional<Time>& time) {
  return time ? std::optional<std::int64_t>(time->unix_ms) : std::nullopt;
}

Status insert_kek_version(Connection& connection, const std::string& kek_id, const KekVersion& version) {
  Statement statement(connection, "INSERT INTO kek_versions VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
  statement.bind(kek_id).bind(std::uint64_t{version.version}).bind(key_state_name(version.state));
  statement.bind(version.created.unix_ms).bind(milliseconds(version.destroy_at)).bind_blob(version.commitment);
  statement.bind(static_cast<std::int64_t>(version.wrapped.type)).bind(version.wrapped.key_id);
  statement.bind(std::uint64_t{version.wrapped.key_version}).bind_blob(version.wrapped.parameters);
  statement.bind_blob(version.wrapped.ciphertext);
  return statement.execute();
}

Status update_kek_version(Connection& connection, const std::string& kek_id, const KekVersion& version) {
  Statement statement(connection,
                      "UPDATE kek_versions SET state = $1, destroy_at_ms = $2, wrap_type = $3, wrap_key_id = $4, "
                      "wrap_key_version = $5, wrap_parameters = $6, wrapped = $7 WHERE kek_id = $8 AND version = $9");
  statement.bind(key_state_name(version.state)).bind(milliseconds(version.destroy_at));
  statement.bind(static_cast<std::int64_t>(version.wrapped.type)).bind(version.wrapped.key_id);
  statement.bind(std::uint64_t{version.wrapped.key_version});
  statement.bind_blob(version.wrapped.parameters).bind_blob(version.wrapped.ciphertext);
  return statement.bind(kek_id).bind(std::uint64_t{version.version}).execute();
}

// Rows that stay as they are aren't written again: a rotation touches two, however many versions there were.
Status write_changed_versions(Connection& connection, const TenantRecord& tenant) {
  CLOISTER_TRY(const auto stored, read_versions(connection, tenant.kek_id));
  for (const KekVersion& version : tenant.versions) {
    const auto before = std::ranges::find(stored, version.version, &KekVersion::version);
    if (before == stored.end()) {
      CLOISTER_RETURN_IF_ERROR(insert_kek_version(connection, tenant.kek_id, version));
    } else if (before->state != version.state || before->destroy_at != version.destroy_at ||
               before->wrapped.ciphertext != version.wrapped.ciphertext) {
      CLOISTER_RETURN_IF_ERROR(update_kek_version(connection, tenant.kek_id, version));
    }
  }
  return {};
}

// kExists in words of ours.
Status inserted(const Result<int>& changed, const std::string& what) {
  if (changed.ok()) return {};
  if (changed.error().code() != Code::kExists) return changed.error();
  return Error(Code::kExists, "there is a " + what + " already");
}

}  // namespace

std::string_view key_state_name(KeyState state) {
  switch (state) {
    case KeyState::kEnabled: return "enabled";
    case KeyState::kDisabled: return "disabled";
    case KeyState::kDestructionScheduled: return "destruction scheduled";
    case KeyState::kDestroyed: return "destroyed";
  }
  return "unknown";
}

std::string TenantRecord::name() const { return tenant_name(tenant, environment); }
std::string DatasetRecord::name() const { return tenant_name(tenant, environment) + "/" + dataset; }

Result<Store> Store::create(const Path& path) {
  CLOISTER_TRY(auto database, create_sqlite(path));
  return open(std::move(database));
}

Result<Store> Store::open(const Path& path) {
  CLOISTER_TRY(auto database, open_sqlite(path));
  return open(std::move(database)).with_context("open store " + path.string());
}

Result<Store> Store::open(std::unique_ptr<Database> database) {
  Store store(std::move(database));
  CLOISTER_TRY([[maybe_unused]] const AuditHead head, store.audit_head());
  return store;
}

Result<std::string> Store::setting(std::string_view name) {
  Statement query(*database_, "SELECT value FROM settings WHERE name = $1");
  CLOISTER_TRY(const bool row, query.bind(name).step());
  if (!row) return Error(Code::kNotFound, "the store has no setting " + std::string(name));
  return query.text();
}

Result<std::vector<std::pair<std::string, std::string>>> Store::settings(std::string_view prefix) {
  Statement rows(*database_, "SELECT name, value FROM settings WHERE name >= $1 AND name < $2 ORDER BY name");
  const std::string end = std::string(prefix) + "\x7f";
  rows.bind(prefix).bind(end);
  std::vector<std::pair<std::string, std::string>> found;
  while (true) {
    CLOISTER_TRY(const bool row, rows.step());
    if (!row) return found;
    std::string name = rows.text();
    std::string value = rows.text();
    CLOISTER_RETURN_IF_ERROR(rows.row_status());
    found.emplace_back(std::move(name), std::move(value));
  }
}

Result<std::vector<TenantRecord>> Store::tenants() {
  std::vector<TenantRecord> tenants;
  CLOISTER_RETURN_IF_ERROR(read([&]() -> Status {
    tenants.clear();
    Statement rows(*database_, std::string(kTenantColumns) + "ORDER BY tenant, environment");
    while (true) {
      CLOISTER_TRY(const bool row, rows.step());
      if (!row) break;
      CLOISTER_TRY(TenantRecord tenant, read_tenant(rows));
      tenants.push_back(std::move(tenant));
    }
    CLOISTER_TRY(auto versions,
                 read_versions(Statement(*database_, std::string(kVersionColumns) + "ORDER BY kek_id, version")));
    for (TenantRecord& tenant : tenants) tenant.versions = std::move(versions[tenant.kek_id]);
    return {};
  }));
  return tenants;
}

Result<TenantRecord> Store::tenant(std::string_view tenant, std::string_view environment) {
  TenantRecord record;
  CLOISTER_RETURN_IF_ERROR(read([&]() -> Status {
    Statement query(*database_, std::string(kTenantColumns) + "WHERE tenant = $1 AND environment = $2");
    CLOISTER_TRY(const bool row, query.bind(tenant).bind(environment).step());
    if (!row) return Error(Code::kNotFound, "no tenant " + tenant_name(tenant, environment));
    CLOISTER_TRY(record, read_tenant(query));
    CLOISTER_TRY(record.versions, read_versions(*database_, record.kek_id));
    return {};
  }));
  if (change_ != nullptr) change_->saw({record.tenant, record.environment, "", record.row_version});
  return record;
}

Result<std::vector<DatasetRecord>> Store::datasets(std::string_view tenant, std::string_view environment) {
  Statement rows(*database_, std::string(kDatasetColumns) + "ORDER BY d.dataset");
  rows.bind(tenant).bind(environment);
  std::vector<DatasetRecord> datasets;
  while (true) {
    CLOISTER_TRY(const bool row, rows.step());
    if (!row) return datasets;
    CLOISTER_TRY(DatasetRecord dataset, read_dataset(rows));
    datasets.push_back(std::move(dataset));
  }
}

Result<DatasetRecord> Store::dataset(std::string_view tenant, std::string_view environment, std::string_view dataset) {
  Statement query(*database_, std::string(kDatasetColumns) + "AND d.dataset = $3");
  CLOISTER_TRY(const bool row, query.bind(tenant).bind(environment).bind(dataset).step());
  if (row) {
    CLOISTER_TRY(DatasetRecord record, read_dataset(query));
    if (change_ != nullptr) change_->saw({record.tenant, record.environment, record.dataset, record.row_version});
    return record;
  }
  return Error(Code::kNotFound, "no dataset " + tenant_name(tenant, environment) + "/" + std::string(dataset));
}

void Store::Change::saw(RowVersion read) {
  const bool own = std::ranges::any_of(updates_, [&](const RowVersion& update) { return update.same_row(read); });
  if (!own) reads_.push_back(std::move(read));
}

void Store::Change::updated(const RowVersion& read) {
  std::erase_if(reads_, [&](const RowVersion& before) { return before.same_row(read); });
  updates_.push_back(read);
}

Status Store::Change::put_setting(std::string_view name, std::string_view value) {
  Statement statement(database_,
                      "INSERT INTO settings VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value");
  return statement.bind(name).bind(value).execute();
}

Status Store::Change::remove_setting(std::string_view name) {
  return Statement(database_, "DELETE FROM settings WHERE name = $1").bind(name).execute();
}

Status Store::Change::add_tenant(const TenantRecord& tenant) {
  Statement statement(database_,
                      "INSERT INTO tenants (tenant, environment, kek_id, created_ms, rotate_after_ms, row_version) "
                      "VALUES ($1, $2, $3, $4, $5, 1)");
  statement.bind(tenant.tenant).bind(tenant.environment).bind(tenant.kek_id).bind(tenant.created.unix_ms);
  const auto changed = statement.bind(milliseconds(tenant.rotate_after)).run();
  CLOISTER_RETURN_IF_ERROR(inserted(changed, "tenant " + tenant.name()));
  for (const KekVersion& version : tenant.versions) {
    CLOISTER_RETURN_IF_ERROR(insert_kek_version(database_, tenant.kek_id, version));
  }
  return {};
}

Status Store::Change::update_tenant(const TenantRecord& tenant) {
  Statement statement(database_,
                      "UPDATE tenants SET rotate_after_ms = $1, row_version = row_version + 1 "
                      "WHERE tenant = $2 AND environment = $3 AND row_version = $4");
  statement.bind(milliseconds(tenant.rotate_after)).bind(tenant.tenant).bind(tenant.environment);
  CLOISTER_TRY(const int changed, statement.bind(tenant.row_version).run());
  if (changed != 1) return Error(Code::kUnavailable, "tenant " + tenant.name() + " was changed meanwhile: try again");
  updated({tenant.tenant, tenant.environment, "", 0});
  return write_changed_versions(database_, tenant);
}

Status Store::Change::add_dataset(const DatasetRecord& dataset) {
  Statement statement(database_,
                      "INSERT INTO datasets (tenant_id, dataset, created_ms, row_version, keyring) "
                      "SELECT id, $1, $2, 1, $3 FROM tenants WHERE tenant = $4 AND environment = $5");
  statement.bind(dataset.dataset).bind(dataset.created.unix_ms).bind_blob(dataset.keyring);
  const auto changed = statement.bind(dataset.tenant).bind(dataset.environment).run();
  CLOISTER_RETURN_IF_ERROR(inserted(changed, "dataset " + dataset.name()));
  if (*changed != 1) return Error(Code::kNotFound, "no tenant " + dataset.tenant);
  return {};
}

Status Store::Change::update_dataset(const DatasetRecord& dataset) {
  Statement statement(
      database_,
      "UPDATE datasets SET keyring = $1, row_version = row_version + 1 WHERE dataset = $2 AND "
      "row_version = $3 AND tenant_id = (SELECT id FROM tenants WHERE tenant = $4 AND environment = $5)");
  statement.bind_blob(dataset.keyring).bind(dataset.dataset).bind(dataset.row_version);
  CLOISTER_TRY(const int changed, statement.bind(dataset.tenant).bind(dataset.environment).run());
  if (changed != 1) {
    return Error(Code::kUnavailable, "dataset " + dataset.dataset + " was changed meanwhile: try again");
  }
  updated({dataset.tenant, dataset.environment, dataset.dataset, 0});
  return {};
}

Status Store::forget_overwritten(Overwritten what) { return database_->forget_overwritten(what); }

std::uint64_t Store::bytes_written() const { return database_->bytes_written(); }

}  // namespace cloister::keys
