#include "keys/schema.h"

#include <string>

#include "keys/audit_upgrade.h"

namespace cloister::keys {
namespace {

constexpr const char* kSqlite1 = R"sql(
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

// What SQLite's types leave open is said here: text sorts by its bytes, ids are the database's own. A trigger like
// SQLite's on INSERT isn't needed, since nothing replaces rows, and wouldn't do: a serializable transaction doesn't see
// the rows that others appended since it began.
constexpr const char* kPostgres1 = R"sql(
CREATE TABLE settings (
  name  TEXT COLLATE "C" PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE tenants (
  id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant          TEXT COLLATE "C" NOT NULL,
  environment     TEXT COLLATE "C" NOT NULL,
  kek_id          TEXT COLLATE "C" NOT NULL UNIQUE,
  created_ms      BIGINT NOT NULL,
  rotate_after_ms BIGINT,
  row_version     BIGINT NOT NULL,
  UNIQUE (tenant, environment)
);

CREATE TABLE kek_versions (
  kek_id           TEXT COLLATE "C" NOT NULL REFERENCES tenants (kek_id),
  version          BIGINT NOT NULL CHECK (version BETWEEN 1 AND 4294967295),
  state            TEXT NOT NULL,
  created_ms       BIGINT NOT NULL,
  destroy_at_ms    BIGINT,
  commitment       BYTEA NOT NULL,
  wrap_type        BIGINT NOT NULL,
  wrap_key_id      TEXT NOT NULL,
  wrap_key_version BIGINT NOT NULL,
  wrap_parameters  BYTEA NOT NULL,
  wrapped          BYTEA NOT NULL,
  PRIMARY KEY (kek_id, version)
);

CREATE TABLE datasets (
  id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id   BIGINT NOT NULL REFERENCES tenants (id),
  dataset     TEXT COLLATE "C" NOT NULL,
  created_ms  BIGINT NOT NULL,
  row_version BIGINT NOT NULL,
  keyring     BYTEA NOT NULL,
  UNIQUE (tenant_id, dataset)
);

CREATE TABLE audit (
  sequence BIGINT PRIMARY KEY,
  time_ms  BIGINT NOT NULL,
  actor    TEXT NOT NULL,
  action   TEXT NOT NULL,
  tenant   TEXT NOT NULL,
  subject  TEXT NOT NULL,
  outcome  TEXT NOT NULL,
  detail   TEXT NOT NULL,
  previous BYTEA NOT NULL,
  hash     BYTEA NOT NULL
);

CREATE TABLE writers (
  writer TEXT COLLATE "C" PRIMARY KEY,
  number BIGINT NOT NULL,
  mark   TEXT NOT NULL,
  seen   TIMESTAMP WITH TIME ZONE NOT NULL
);
CREATE INDEX writers_by_number ON writers (number);

CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit rows are never changed or deleted' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_no_update BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuses();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses();
)sql";

// Rows become leaves of trees. A server's name is random until somebody gives one.
constexpr const char* kSqlite2 = R"sql(
DROP TRIGGER IF EXISTS audit_appends_only;
DROP TRIGGER IF EXISTS audit_no_update;
DROP TRIGGER IF EXISTS audit_no_delete;
ALTER TABLE audit RENAME TO audit_1;

CREATE TABLE audit (
  sequence   INTEGER PRIMARY KEY,
  time_ms    INTEGER NOT NULL,
  actor      TEXT NOT NULL,
  action     TEXT NOT NULL,
  tenant     TEXT NOT NULL,
  subject    TEXT NOT NULL,
  outcome    TEXT NOT NULL,
  detail     TEXT NOT NULL,
  previous   BLOB NOT NULL,
  hash       BLOB NOT NULL,
  tree       TEXT NOT NULL,
  tree_index INTEGER NOT NULL,
  leaf       BLOB NOT NULL,
  extras     BLOB NOT NULL,
  peaks      BLOB NOT NULL,
  UNIQUE (tree, tree_index)
) STRICT;

CREATE TRIGGER audit_appends_only BEFORE INSERT ON audit
WHEN NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM audit)
BEGIN SELECT RAISE(ABORT, 'audit rows are only appended'); END;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are never deleted'); END;

CREATE TABLE nodes (
  tree       TEXT NOT NULL,
  level      INTEGER NOT NULL,
  node_index INTEGER NOT NULL,
  hash       BLOB NOT NULL,
  PRIMARY KEY (tree, level, node_index)
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
  request_key BLOB PRIMARY KEY NOT NULL,
  digest      BLOB NOT NULL,
  expires_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_expiry ON requests (expires_ms);

INSERT INTO settings VALUES ('log_server', 'cloister-' || lower(hex(randomblob(8))));
)sql";

constexpr const char* kPostgres2 = R"sql(
DROP TRIGGER audit_no_update ON audit;
DROP TRIGGER audit_no_truncate ON audit;
ALTER TABLE audit RENAME TO audit_1;
ALTER INDEX audit_pkey RENAME TO audit_1_pkey;

CREATE TABLE audit (
  sequence   BIGINT PRIMARY KEY,
  time_ms    BIGINT NOT NULL,
  actor      TEXT NOT NULL,
  action     TEXT NOT NULL,
  tenant     TEXT NOT NULL,
  subject    TEXT NOT NULL,
  outcome    TEXT NOT NULL,
  detail     TEXT NOT NULL,
  previous   BYTEA NOT NULL,
  hash       BYTEA NOT NULL,
  tree       TEXT COLLATE "C" NOT NULL,
  tree_index BIGINT NOT NULL,
  leaf       BYTEA NOT NULL,
  extras     BYTEA NOT NULL,
  peaks      BYTEA NOT NULL,
  UNIQUE (tree, tree_index)
);
CREATE TRIGGER audit_no_update BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuses();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses();

CREATE TABLE nodes (
  tree       TEXT COLLATE "C" NOT NULL,
  level      BIGINT NOT NULL,
  node_index BIGINT NOT NULL,
  hash       BYTEA NOT NULL,
  PRIMARY KEY (tree, level, node_index)
);

CREATE TABLE requests (
  request_key BYTEA PRIMARY KEY,
  digest      BYTEA NOT NULL,
  expires_ms  BIGINT NOT NULL
);
CREATE INDEX requests_by_expiry ON requests (expires_ms);

INSERT INTO settings VALUES ('log_server', 'cloister-' || right(replace(gen_random_uuid()::text, '-', ''), 16));
)sql";

constexpr Migration kSqliteMigrations[] = {{1, kSqlite1}, {2, kSqlite2, rows_become_leaves}};
constexpr Migration kPostgresMigrations[] = {{1, kPostgres1}, {2, kPostgres2, rows_become_leaves}};
static_assert(std::size(kSqliteMigrations) == std::size(kPostgresMigrations));

}  // namespace

std::span<const Migration> sqlite_migrations() { return kSqliteMigrations; }
std::span<const Migration> postgres_migrations() { return kPostgresMigrations; }

Result<std::span<const Migration>> missing_steps(std::int64_t version, std::span<const Migration> steps) {
  const auto newest = static_cast<std::int64_t>(steps.size());
  if (version < 0 || version > newest) {
    return Error(Code::kUnsupported, "store version " + std::to_string(version) +
                                         " is newer than this program, which knows " + std::to_string(newest));
  }
  return steps.subspan(static_cast<std::size_t>(version));
}

}  // namespace cloister::keys
