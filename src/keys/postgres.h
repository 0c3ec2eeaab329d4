// A store in PostgreSQL, for more than one machine. docs/formats/key-hierarchy.md, "The store in PostgreSQL".
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "keys/database.h"
#include "keys/schema.h"

namespace cloister::keys {

struct PostgresLocation {
  // libpq's keywords and values, as a file held them: "host=a,b dbname=keys user=cloister", on as many lines as you
  // like; a line that starts with # is a comment. What isn't said comes from the environment (PGHOST, …) or is libpq's.
  crypto::Secret connection;
  std::string schema = "cloister";
  // kRequired: nothing is written unless a synchronous standby is attached.
  enum class Standby { kOptional, kRequired };
  Standby standby = Standby::kOptional;
  // How long a lost connection, a failover or a conflict is waited out before a verb fails.
  Duration patience{30'000};
  // How long another transaction's lock is waited for.
  Duration lock_patience{10'000};
};

enum class IfAbsent { kRefuse, kCreate };

// Connects and brings the schema up to date. kNotFound: there is no store (and `if_absent` says to refuse).
// kUnavailable: nobody answers. kDenied: the server acknowledges what it may lose, the way to it isn't safe, or it
// doesn't let us in. kUnsupported: the server is older than PostgreSQL 15, the store is newer than this program, or
// libpq isn't installed. kInvalid: a wrong location, or a schema that is somebody else's. `random` must outlive it.
Result<std::unique_ptr<Database>> open_postgres(PostgresLocation location, IfAbsent if_absent, crypto::Random& random,
                                                std::span<const Migration> steps = postgres_migrations());

}  // namespace cloister::keys
