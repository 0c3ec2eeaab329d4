// The tables of a store, and how an older store is brought up to date. docs/formats/key-hierarchy.md, "The store".
#pragma once

#include <span>

#include "keys/sqlite.h"

namespace cloister::keys {

inline constexpr std::int64_t kApplicationId = 0x434c5352;  // "CLSR"

// From version to - 1 to version `to`.
struct Migration {
  std::int64_t to;
  const char* sql;
};
// Of this program, ascending from 1 without gaps.
std::span<const Migration> migrations();

// Everything in one transaction. kInvalid: not a store of ours. kUnsupported: a newer version than the last
// migration's.
Status migrate(Database& database, std::span<const Migration> steps);

}  // namespace cloister::keys
