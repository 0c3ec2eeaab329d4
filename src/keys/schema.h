// The tables of a store, as each database writes them down, and how an older store is brought up to date.
// docs/formats/key-hierarchy.md, "The store".
#pragma once

#include <cstdint>
#include <span>

#include "keys/database.h"

namespace cloister::keys {

// From version to - 1 to version `to`.
struct Migration {
  std::int64_t to;
  const char* sql;
  // What SQL can't do by itself. Runs after it, in the same transaction.
  Status (*fill)(Connection& connection) = nullptr;
};
// Of this program, ascending from 1 without gaps. The same version means the same tables in both.
std::span<const Migration> sqlite_migrations();
std::span<const Migration> postgres_migrations();

// What a store of `version` lacks. kUnsupported: it is newer than the last step.
Result<std::span<const Migration>> missing_steps(std::int64_t version, std::span<const Migration> steps);

}  // namespace cloister::keys
