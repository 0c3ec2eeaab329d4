#include "keys/store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "keys/schema.h"
#include "keys/sqlite.h"

namespace cloister::keys {
namespace {

constexpr std::string_view kAuditHeadSetting = "audit_head";
constexpr std::uint64_t kWalFrameHeaderSize = 24;

constexpr KeyState kKeyStates[] = {KeyState::kEnabled, KeyState::kDisabled, KeyState::kDestructionScheduled,
                                   KeyState::kDestroyed};

Result<KeyState> parse_key_state(std::string_view name) {
  for (const KeyState state : kKeyStates) {
    if (name == key_state_name(state)) return state;
  }
  return Error(Code::kCorrupt, "store: a KEK version's state is unknown");
}

std::string head_text(const AuditHead& head) { return std::to_string(head.rows) + ":" + to_hex(head.hash); }

// Wrapped keys are useless without the root, but whoever can write the file can put old rows back. Looked at by name:
// closing a descriptor of the file would drop the locks of every other connection of this process.
Status check_guarded(const Path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return error_from_errno(errno, "look at it");
  if (!S_ISREG(info.st_mode)) return Error(Code::kInvalid, "not a regular file");
  if (info.st_uid != ::geteuid() && info.st_uid != 0) {
    return Error(Code::kDenied, "it belongs to another user (uid " + std::to_string(info.st_uid) + ")");
  }
  if ((info.st_mode & 022) != 0) return Error(Code::kDenied, "others may write to it: set its mode to 0600");
  if (info.st_size == 0) return Error(Code::kInvalid, "the file is empty, not a key store");
  return {};
}

Status set_up(Database& database) {
  CLOISTER_RETURN_IF_ERROR(database.execute("PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON"));
  CLOISTER_RETURN_IF_ERROR(migrate(database, migrations()));
  CLOISTER_RETURN_IF_ERROR(database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"));
  return database.execute("PRAGMA secure_delete = ON");
}

// Reads that belong together see one state of the store. Inside a change they see that change.
class Snapshot {
 public:
  static Result<Snapshot> begin(Database& database) {
    if (sqlite3_get_autocommit(database.handle()) == 0) return Snapshot(nullptr);
    CLOISTER_RETURN_IF_ERROR(database.execute("BEGIN"));
    return Snapshot(&database);
  }
  Snapshot(Snapshot&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Snapshot& operator=(Snapshot&&) = delete;
  ~Snapshot() {
    if (database_ != nullptr) ignore_result(database_->execute("ROLLBACK"));
  }

 private:
  explicit Snapshot(Database* database) : database_(database) {}
  Database* database_;
};

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
  return version;
}

Status read_versions(Database& database, TenantRecord& tenant) {
  CLOISTER_TRY(Statement rows,
               database.prepare("SELECT version, state, created_ms, destroy_at_ms, commitment, wrap_type, "
                                "wrap_key_id, wrap_key_version, wrap_parameters, wrapped "
                                "FROM kek_versions WHERE kek_id = ? ORDER BY version"));
  rows.bind(tenant.kek_id);
  while (true) {
    CLOISTER_TRY(const bool row, rows.step());
    if (!row) return {};
    CLOISTER_TRY(KekVersion version, read_kek_version(rows));
    tenant.versions.push_back(std::move(version));
  }
}

TenantRecord read_tenant(Statement& row) {
  TenantRecord tenant;
  tenant.tenant = row.text();
  tenant.environment = row.text();
  tenant.kek_id = row.text();
  tenant.created = Time{row.number()};
  if (const auto rotate_after = row.number_or_null()) tenant.rotate_after = Duration{*rotate_after};
  tenant.row_version = static_cast<std::uint64_t>(row.number());
  return tenant;
}
constexpr std::string_view kTenantColumns =
    "SELECT tenant, environment, kek_id, created_ms, rotate_after_ms, row_version FROM tenants ";

DatasetRecord read_dataset(Statement& row) {
  DatasetRecord dataset;
  dataset.tenant = row.text();
  dataset.environment = row.text();
  dataset.dataset = row.text();
  dataset.created = Time{row.number()};
  dataset.row_version = static_cast<std::uint64_t>(row.number());
  dataset.keyring = row.blob();
  return dataset;
}
constexpr std::string_view kDatasetColumns =
    "SELECT t.tenant, t.environment, d.dataset, d.created_ms, d.row_version, d.keyring "
    "FROM datasets d JOIN tenants t ON t.id = d.tenant_id WHERE t.tenant = ? AND t.environment = ? ";

Status write_kek_version(Database& database, const std::string& kek_id, const KekVersion& version) {
  // Rows that stay as they are aren't written again: a rotation touches two, however many versions there were.
  CLOISTER_TRY(Statement statement,
               database.prepare("INSERT INTO kek_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                                "ON CONFLICT (kek_id, version) DO UPDATE SET state = excluded.state, "
                                "destroy_at_ms = excluded.destroy_at_ms, wrap_parameters = excluded.wrap_parameters, "
                                "wrapped = excluded.wrapped WHERE state <> excluded.state OR "
                                "destroy_at_ms IS NOT excluded.destroy_at_ms OR wrapped <> excluded.wrapped"));
  std::optional<std::int64_t> destroy_at;
  if (version.destroy_at) destroy_at = version.destroy_at->unix_ms;
  statement.bind(kek_id).bind(std::uint64_t{version.version}).bind(key_state_name(version.state));
  statement.bind(version.created.unix_ms).bind(destroy_at).bind_blob(version.commitment);
  statement.bind(static_cast<std::int64_t>(version.wrapped.type)).bind(version.wrapped.key_id);
  statement.bind(std::uint64_t{version.wrapped.key_version}).bind_blob(version.wrapped.parameters);
  statement.bind_blob(version.wrapped.ciphertext);
  CLOISTER_TRY([[maybe_unused]] const int changed, statement.run());
  return {};
}

std::optional<std::int64_t> milliseconds(const std::optional<Duration>& duration) {
  return duration ? std::optional<std::int64_t>(duration->ms) : std::nullopt;
}

Result<audit::Row> read_audit_row(Statement& row) {
  audit::Row read;
  read.sequence = static_cast<std::uint64_t>(row.number());
  read.event.time = Time{row.number()};
  read.event.actor = row.text();
  read.event.action = row.text();
  read.event.tenant = row.text();
  read.event.subject = row.text();
  CLOISTER_TRY(read.event.outcome, audit::parse_outcome(row.text()));
  read.event.detail = row.text();
  CLOISTER_RETURN_IF_ERROR(row.blob_into(read.previous));
  CLOISTER_RETURN_IF_ERROR(row.blob_into(read.hash));
  return read;
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

std::string TenantRecord::name() const { return environment.empty() ? tenant : tenant + "/" + environment; }
std::string DatasetRecord::name() const {
  return (environment.empty() ? tenant : tenant + "/" + environment) + "/" + dataset;
}

struct Store::State {
  Database database;
  std::uint64_t page_size = 4096;
  std::uint64_t pages_before = 0;
  std::uint64_t bytes_moved = 0;

  std::uint64_t pages_written() const {
    int current = 0;
    int highest = 0;
    sqlite3_db_status(database.handle(), SQLITE_DBSTATUS_CACHE_WRITE, &current, &highest, 0);
    return static_cast<std::uint64_t>(current);
  }

  Result<AuditHead> newest_row() {
    CLOISTER_TRY(Statement newest, database.prepare("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1"));
    CLOISTER_TRY(const bool row, newest.step());
    AuditHead head;
    if (!row) return head;
    head.rows = static_cast<std::uint64_t>(newest.number());
    CLOISTER_RETURN_IF_ERROR(newest.blob_into(head.hash));
    return head;
  }
};

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Result<Store> Store::create(const Path& path) {
  const std::string doing = "create store " + path.string();
  const Path parent = path.parent_path();
  if (!parent.empty()) CLOISTER_RETURN_IF_ERROR(create_directories(parent, 0700).with_context(doing));
  CLOISTER_TRY(auto replacement, FileReplacement::begin(path, Overwrite::kRefuse, 0600));
  {
    CLOISTER_TRY(Database database, Database::open(replacement.file().path()).with_context(doing));
    // No journal beside the temporary file: it is synced and renamed as a whole, or thrown away.
    CLOISTER_RETURN_IF_ERROR(database.execute("PRAGMA journal_mode = MEMORY").with_context(doing));
    CLOISTER_RETURN_IF_ERROR(migrate(database, migrations()).with_context(doing));
  }
  CLOISTER_RETURN_IF_ERROR(replacement.commit().with_context(doing));
  return open(path);
}

Result<Store> Store::open(const Path& path) {
  const std::string doing = "open store " + path.string();
  CLOISTER_RETURN_IF_ERROR(check_guarded(path).with_context(doing));
  CLOISTER_TRY(Database database, Database::open(path).with_context(doing));
  CLOISTER_RETURN_IF_ERROR(set_up(database).with_context(doing));
  CLOISTER_TRY(const std::int64_t page_size, database.pragma("PRAGMA page_size"));
  auto state = std::make_unique<State>(State{std::move(database), static_cast<std::uint64_t>(page_size), 0, 0});
  state->pages_before = state->pages_written();
  Store store(std::move(state));
  CLOISTER_TRY([[maybe_unused]] const AuditHead head, store.audit_head().with_context(doing));
  return store;
}

Result<std::string> Store::setting(std::string_view name) {
  CLOISTER_TRY(Statement query, state_->database.prepare("SELECT value FROM settings WHERE name = ?"));
  query.bind(name);
  CLOISTER_TRY(const bool row, query.step());
  if (!row) return Error(Code::kNotFound, "the store has no setting " + std::string(name));
  return query.text();
}

Result<std::vector<TenantRecord>> Store::tenants() {
  CLOISTER_TRY(const Snapshot snapshot, Snapshot::begin(state_->database));
  CLOISTER_TRY(Statement rows, state_->database.prepare(std::string(kTenantColumns) + "ORDER BY tenant, environment"));
  std::vector<TenantRecord> tenants;
  while (true) {
    CLOISTER_TRY(const bool row, rows.step());
    if (!row) break;
    tenants.push_back(read_tenant(rows));
  }
  for (TenantRecord& tenant : tenants) CLOISTER_RETURN_IF_ERROR(read_versions(state_->database, tenant));
  return tenants;
}

Result<TenantRecord> Store::tenant(std::string_view tenant, std::string_view environment) {
  CLOISTER_TRY(const Snapshot snapshot, Snapshot::begin(state_->database));
  CLOISTER_TRY(Statement query,
               state_->database.prepare(std::string(kTenantColumns) + "WHERE tenant = ? AND environment = ?"));
  query.bind(tenant).bind(environment);
  CLOISTER_TRY(const bool row, query.step());
  if (!row) {
    const std::string name(tenant);
    return Error(Code::kNotFound, "no tenant " + (environment.empty() ? name : name + "/" + std::string(environment)));
  }
  TenantRecord record = read_tenant(query);
  CLOISTER_RETURN_IF_ERROR(read_versions(state_->database, record));
  return record;
}

Result<std::vector<DatasetRecord>> Store::datasets(std::string_view tenant, std::string_view environment) {
  CLOISTER_TRY(Statement rows, state_->database.prepare(std::string(kDatasetColumns) + "ORDER BY d.dataset"));
  rows.bind(tenant).bind(environment);
  std::vector<DatasetRecord> datasets;
  while (true) {
    CLOISTER_TRY(const bool row, rows.step());
    if (!row) return datasets;
    datasets.push_back(read_dataset(rows));
  }
}

Result<DatasetRecord> Store::dataset(std::string_view tenant, std::string_view environment, std::string_view dataset) {
  CLOISTER_TRY(Statement query, state_->database.prepare(std::string(kDatasetColumns) + "AND d.dataset = ?"));
  query.bind(tenant).bind(environment).bind(dataset);
  CLOISTER_TRY(const bool row, query.step());
  if (row) return read_dataset(query);
  const std::string owner = std::string(tenant) + (environment.empty() ? "" : "/" + std::string(environment));
  return Error(Code::kNotFound, "no dataset " + owner + "/" + std::string(dataset));
}

Status Store::Change::put_setting(std::string_view name, std::string_view value) {
  CLOISTER_TRY(Statement statement,
               store_.state_->database.prepare("INSERT INTO settings VALUES (?, ?) "
                                               "ON CONFLICT (name) DO UPDATE SET value = excluded.value"));
  CLOISTER_TRY([[maybe_unused]] const int changed, statement.bind(name).bind(value).run());
  return {};
}

Status Store::Change::add_tenant(const TenantRecord& tenant) {
  Database& database = store_.state_->database;
  CLOISTER_TRY(Statement statement, database.prepare("INSERT INTO tenants (tenant, environment, kek_id, created_ms, "
                                                     "rotate_after_ms, row_version) VALUES (?, ?, ?, ?, ?, 1)"));
  statement.bind(tenant.tenant).bind(tenant.environment).bind(tenant.kek_id).bind(tenant.created.unix_ms);
  const auto changed = statement.bind(milliseconds(tenant.rotate_after)).run();
  if (!changed.ok()) {
    if (changed.error().code() != Code::kExists) return changed.error();
    return Error(Code::kExists, "there is a tenant " + tenant.name() + " already");
  }
  for (const KekVersion& version : tenant.versions) {
    CLOISTER_RETURN_IF_ERROR(write_kek_version(database, tenant.kek_id, version));
  }
  return {};
}

Status Store::Change::update_tenant(const TenantRecord& tenant) {
  Database& database = store_.state_->database;
  CLOISTER_TRY(Statement statement,
               database.prepare("UPDATE tenants SET rotate_after_ms = ?, row_version = row_version + 1 "
                                "WHERE tenant = ? AND environment = ? AND row_version = ?"));
  statement.bind(milliseconds(tenant.rotate_after)).bind(tenant.tenant).bind(tenant.environment);
  CLOISTER_TRY(const int changed, statement.bind(tenant.row_version).run());
  if (changed != 1) return Error(Code::kUnavailable, "tenant " + tenant.name() + " was changed meanwhile: try again");
  for (const KekVersion& version : tenant.versions) {
    CLOISTER_RETURN_IF_ERROR(write_kek_version(database, tenant.kek_id, version));
  }
  return {};
}

Status Store::Change::add_dataset(const DatasetRecord& dataset) {
  CLOISTER_TRY(Statement statement, store_.state_->database.prepare(
                                        "INSERT INTO datasets (tenant_id, dataset, created_ms, row_version, keyring) "
                                        "SELECT id, ?, ?, 1, ? FROM tenants WHERE tenant = ? AND environment = ?"));
  statement.bind(dataset.dataset).bind(dataset.created.unix_ms).bind_blob(dataset.keyring);
  const auto changed = statement.bind(dataset.tenant).bind(dataset.environment).run();
  if (!changed.ok()) {
    if (changed.error().code() != Code::kExists) return changed.error();
    return Error(Code::kExists, "there is a dataset " + dataset.name() + " already");
  }
  if (*changed != 1) return Error(Code::kNotFound, "no tenant " + dataset.tenant);
  return {};
}

Status Store::Change::update_dataset(const DatasetRecord& dataset) {
  CLOISTER_TRY(Statement statement,
               store_.state_->database.prepare("UPDATE datasets SET keyring = ?, row_version = row_version + 1 "
                                               "WHERE dataset = ? AND row_version = ? AND tenant_id = "
                                               "(SELECT id FROM tenants WHERE tenant = ? AND environment = ?)"));
  statement.bind_blob(dataset.keyring).bind(dataset.dataset).bind(dataset.row_version);
  CLOISTER_TRY(const int changed, statement.bind(dataset.tenant).bind(dataset.environment).run());
  if (changed != 1) {
    return Error(Code::kUnavailable, "dataset " + dataset.dataset + " was changed meanwhile: try again");
  }
  return {};
}

Status Store::Change::append_audit_row() {
  Database& database = store_.state_->database;
  CLOISTER_TRY(const AuditHead head, store_.audit_head());
  const audit::Row row = audit::chain(head.rows + 1, head.hash, event_);
  CLOISTER_TRY(Statement statement, database.prepare("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  statement.bind(row.sequence).bind(row.event.time.unix_ms).bind(row.event.actor).bind(row.event.action);
  statement.bind(row.event.tenant).bind(row.event.subject).bind(audit::outcome_name(row.event.outcome));
  statement.bind(row.event.detail).bind_blob(row.previous).bind_blob(row.hash);
  CLOISTER_TRY([[maybe_unused]] const int changed, statement.run());
  return put_setting(kAuditHeadSetting, head_text(AuditHead{row.sequence, row.hash}));
}

Status Store::change(audit::Event event, const std::function<Status(Change&)>& body) {
  Database& database = state_->database;
  CLOISTER_RETURN_IF_ERROR(database.execute("BEGIN IMMEDIATE"));
  Change change(*this, std::move(event));
  Status status = body(change);
  if (status.ok()) status = change.append_audit_row();
  if (status.ok()) status = database.execute("COMMIT");
  if (!status.ok() && sqlite3_get_autocommit(database.handle()) == 0) ignore_result(database.execute("ROLLBACK"));
  return status;
}

Status Store::record(audit::Event event) {
  return change(std::move(event), [](Change&) { return ok_status(); });
}

Status Store::for_each_audit_row(const std::function<Status(const audit::Row&)>& body) {
  CLOISTER_TRY(const Snapshot snapshot, Snapshot::begin(state_->database));
  CLOISTER_TRY(Statement rows,
               state_->database.prepare("SELECT sequence, time_ms, actor, action, tenant, subject, outcome, detail, "
                                        "previous, hash FROM audit ORDER BY sequence"));
  while (true) {
    CLOISTER_TRY(const bool more, rows.step());
    if (!more) break;
    CLOISTER_TRY(const audit::Row row, read_audit_row(rows));
    CLOISTER_RETURN_IF_ERROR(body(row));
  }
  CLOISTER_TRY([[maybe_unused]] const AuditHead head, audit_head());
  return {};
}

Result<AuditHead> Store::audit_head() {
  CLOISTER_TRY(const Snapshot snapshot, Snapshot::begin(state_->database));
  CLOISTER_TRY(const AuditHead head, state_->newest_row());
  const auto recorded = setting(kAuditHeadSetting);
  if (!recorded.ok() && recorded.error().code() != Code::kNotFound) return recorded.error();
  if (!recorded.ok() && head.rows == 0) return head;
  if (!recorded.ok() || *recorded != head_text(head)) {
    return Error(Code::kCorrupt, "the audit ends at row " + std::to_string(head.rows) +
                                     ", which isn't its recorded head: rows were removed or added behind our back");
  }
  return head;
}

Status Store::forget_overwritten() {
  int pages_in_log = 0;
  int pages_moved = 0;
  sqlite3* handle = state_->database.handle();
  // Twice, because the second doesn't say how many pages it moved.
  int code = sqlite3_wal_checkpoint_v2(handle, nullptr, SQLITE_CHECKPOINT_FULL, &pages_in_log, &pages_moved);
  if (code == SQLITE_OK)
    code = sqlite3_wal_checkpoint_v2(handle, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  state_->bytes_moved += static_cast<std::uint64_t>(std::max(pages_moved, 0)) * state_->page_size;
  if (code != SQLITE_OK) return state_->database.error(code, "empty the write-ahead log");
  return {};
}

std::uint64_t Store::bytes_written() const {
  const std::uint64_t pages = state_->pages_written() - state_->pages_before;
  return pages * (state_->page_size + kWalFrameHeaderSize) + state_->bytes_moved;
}

}  // namespace cloister::keys
