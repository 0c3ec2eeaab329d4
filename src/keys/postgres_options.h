// From a connection file and the environment to what libpq is told. docs/formats/key-hierarchy.md.
#pragma once

#include "crypto/secret.h"
#include "keys/postgres_library.h"
#include "keys/postgres_rules.h"

namespace cloister::keys {

// Checked as checked_options() does. May hold a password: wipe_password() when it was used. kInvalid for text that
// isn't libpq's; the message quotes nothing of it.
Result<ConnectionOptions> connection_options(const PostgresLibrary& pq, const crypto::Secret& connection);
void wipe_password(ConnectionOptions& options);

}  // namespace cloister::keys
