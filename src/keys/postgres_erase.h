// Old values of a table's rows, removed from its file.
#pragma once

#include "keys/postgres_connection.h"

namespace cloister::keys {

// Writes the table anew, without the rows that no transaction can see any more. kUnavailable: for longer than
// `patience` others still see them, or use the table. kDenied: this role doesn't own it. The write-ahead log, archives
// of it and backups aren't reached.
Status rewrite_table(PostgresConnection& connection, const std::string& table, Duration patience);

}  // namespace cloister::keys
