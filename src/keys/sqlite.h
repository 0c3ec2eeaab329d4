// A store in one SQLite file: WAL, synchronous FULL, mode 0600. docs/formats/key-hierarchy.md, "The store in SQLite".
#pragma once

#include <memory>

#include "base/file.h"
#include "keys/database.h"
#include "keys/schema.h"

namespace cloister::keys {

// Its folder is made with mode 0700 if need be. The file appears complete or not at all. kExists.
Result<std::unique_ptr<Database>> create_sqlite(const Path& path);

enum class IfMoved { kRefuse, kOpen };
// Brings an older schema up to date, in one transaction. kUnsupported for a newer one, kInvalid for what is no store,
// kDenied for a file that others may write and for a store that was moved elsewhere. Ten seconds' patience with other
// processes, then kUnavailable.
Result<std::unique_ptr<Database>> open_sqlite(const Path& path, IfMoved if_moved = IfMoved::kRefuse,
                                              std::span<const Migration> steps = sqlite_migrations());

// From now on nobody writes to this store any more, not even who has it open, and it isn't opened any more: it is kept
// where `where` says. Within a transaction of `database`, which open_sqlite() gave.
Status mark_sqlite_moved(Database& database, std::string_view where);
// Where it was moved to, if it was.
Result<std::optional<std::string>> sqlite_moved_to(Connection& database);

}  // namespace cloister::keys
