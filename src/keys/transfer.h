// A store moved whole from SQLite into another database, with proof that the copy says the same.
// docs/formats/key-hierarchy.md, "Moving a store".
#pragma once

#include "keys/audit_rows.h"
#include "keys/database.h"

namespace cloister::keys {

// A table's rows in the order of their keys: how many, and SHA-256 over all their values.
struct TableDigest {
  std::string table;
  std::uint64_t rows = 0;
  crypto::Sha256Digest digest{};
  friend bool operator==(const TableDigest&, const TableDigest&) = default;
};
// The same for the same content, in whatever database. What a store notes of itself (its head, where it was moved to)
// is left out.
Result<std::vector<TableDigest>> digest_tables(Connection& connection);

struct Moved {
  std::vector<TableDigest> tables;  // as copied
  AuditHead head;                   // the last audit row that was copied
};

// Copies `source`, which open_sqlite() gave, into the empty store `target`: in one transaction, compared table by table
// before it is committed, with `event` as the first row that only the target has. Nobody writes to the source
// meanwhile, nor afterwards: it keeps its rows and is marked as moved to `where`. Interrupted, it is run again and goes
// on where it stopped. kExists: the target holds another store, or another state of this one. kCorrupt: the copy
// differs.
Result<Moved> move_store(Database& source, Database& target, const audit::Event& event, std::string_view where);

}  // namespace cloister::keys
