#include "keys/schema.h"

namespace cloister::keys {
namespace {

constexpr const char* kVersion1 = R"sql(
CREATE TABLE settings (
  name  TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tenants (
  id              INTEGER PRIMARY KEY,
  tenant          TEXT NOT NULL,
  environment     TEXT NOT NULL,
  kek_id          TEXT NOT NULL UNIQUE,
  created_ms      INTEGER NOT NULL,
  rotate_after_ms INTEGER,
  row_version     INTEGER NOT NULL,
  UNIQUE (tenant, environment)
) STRICT;

CREATE TABLE kek_versions (
  kek_id           TEXT NOT NULL REFERENCES tenants (kek_id),
  version          INTEGER NOT NULL CHECK (version BETWEEN 1 AND 4294967295),
  state            TEXT NOT NULL,
  created_ms       INTEGER NOT NULL,
  destroy_at_ms    INTEGER,
  commitment       BLOB NOT NULL,
  wrap_type        INTEGER NOT NULL,
  wrap_key_id      TEXT NOT NULL,
  wrap_key_version INTEGER NOT NULL,
  wrap_parameters  BLOB NOT NULL,
  wrapped          BLOB NOT NULL,
  UNIQUE (kek_id, version)
) STRICT;

CREATE TABLE datasets (
  id          INTEGER PRIMARY KEY,
  tenant_id   INTEGER NOT NULL REFERENCES tenants (id),
  dataset     TEXT NOT NULL,
  created_ms  INTEGER NOT NULL,
  row_version INTEGER NOT NULL,
  keyring     BLOB NOT NULL,
  UNIQUE (tenant_id, dataset)
) STRICT;

CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY,
  time_ms  INTEGER NOT NULL,
  actor    TEXT NOT NULL,
  action   TEXT NOT NULL,
  tenant   TEXT NOT NULL,
  subject  TEXT NOT NULL,
  outcome  TEXT NOT NULL,
  detail   TEXT NOT NULL,
  previous BLOB NOT NULL,
  hash     BLOB NOT NULL
) STRICT;

-- REPLACE would otherwise delete a row without the trigger below.
CREATE TRIGGER audit_appends_only BEFORE INSERT ON audit
WHEN NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM audit)
BEGIN SELECT RAISE(ABORT, 'audit rows are only appended'); END;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are never deleted'); END;
)sql";

constexpr Migration kMigrations[] = {{1, kVersion1}};

Status check_owner(Database& database, std::int64_t application_id) {
  if (application_id == kApplicationId) return {};
  CLOISTER_TRY(const std::int64_t tables, database.pragma("SELECT count(*) FROM sqlite_schema"));
  if (application_id == 0 && tables == 0) return {};
  return Error(Code::kInvalid, "an SQLite file, but not a key store of Cloister");
}

Status apply(Database& database, std::span<const Migration> steps) {
  // Read inside the transaction: another process may have migrated meanwhile.
  CLOISTER_TRY(const std::int64_t application_id, database.pragma("PRAGMA application_id"));
  CLOISTER_RETURN_IF_ERROR(check_owner(database, application_id));
  CLOISTER_TRY(const std::int64_t version, database.pragma("PRAGMA user_version"));
  const std::int64_t newest = steps.back().to;
  if (version < 0 || version > newest) {
    return Error(Code::kUnsupported, "store version " + std::to_string(version) +
                                         " is newer than this program, which knows " + std::to_string(newest));
  }
  for (const Migration& step : steps) {
    if (step.to > version) CLOISTER_RETURN_IF_ERROR(database.execute(step.sql));
  }
  if (version == newest) return {};
  const std::string stamp =
      "PRAGMA application_id = " + std::to_string(kApplicationId) + "; PRAGMA user_version = " + std::to_string(newest);
  return database.execute(stamp.c_str());
}

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

Status migrate(Database& database, std::span<const Migration> steps) {
  CLOISTER_TRY(const std::int64_t application_id, database.pragma("PRAGMA application_id"));
  CLOISTER_TRY(const std::int64_t version, database.pragma("PRAGMA user_version"));
  if (application_id == kApplicationId && version == steps.back().to) return {};
  CLOISTER_RETURN_IF_ERROR(database.execute("BEGIN IMMEDIATE"));
  Status status = apply(database, steps);
  if (status.ok()) status = database.execute("COMMIT");
  if (!status.ok()) ignore_result(database.execute("ROLLBACK"));
  return status;
}

}  // namespace cloister::keys
