// The schema of a store in PostgreSQL: made, recognised, brought up to date.
#pragma once

#include "crypto/random.h"
#include "keys/postgres_connection.h"

namespace cloister::keys {

// kNotFound: there is none and `if_absent` says to refuse. kInvalid: the schema is somebody else's. kUnsupported: newer
// than the last step. All in one transaction, one program at a time.
Status prepare_schema(PostgresConnection& connection, const std::string& schema, IfAbsent if_absent,
                      std::span<const Migration> steps, crypto::Random& random);

// What tells this store from every other; the same after a failover.
Result<std::string> store_identity(PostgresConnection& connection);

// The lock that endings of transactions and migrations hold in turn.
std::int64_t schema_lock(const std::string& schema);

}  // namespace cloister::keys
