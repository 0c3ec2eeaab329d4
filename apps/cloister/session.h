// One run of the program: where the home is, who is asking, and the key hierarchy once something needs it.
#pragma once

#include <optional>
#include <string>

#include "base/file.h"
#include "base/progress.h"
#include "crypto/random.h"
#include "keys/hierarchy.h"
#include "keys/postgres.h"
#include "keys/transfer.h"
#include "output.h"
#include "watch.h"

namespace cloister::cli {

struct Globals {
  std::string home;  // empty: $CLOISTER_HOME, else ~/.cloister
  bool json = false;
  bool quiet = false;
  unsigned threads = 0;
};

using Standby = keys::PostgresLocation::Standby;

// Where a store in PostgreSQL is. The password, if there is one, is in the file.
struct PostgresConfig {
  std::string connection_file;  // empty: the environment says it (PGHOST, …)
  std::string schema = "cloister";
  Standby standby = Standby::kOptional;
  std::string text() const;  // for people
};
// `connection` is a file, or the word "environment". kInvalid for what can't be a schema's name.
Result<PostgresConfig> make_postgres_config(const std::string& connection, const std::string& schema, Standby standby);

// What config.json says: where the root key and the store are. No secrets.
struct HomeConfig {
  std::string root_kind = "software";  // or "pkcs11"
  enum class Passphrase { kNone, kFile, kPrompt };
  Passphrase passphrase = Passphrase::kNone;  // of root.key; for a token, its PIN: kFile or kPrompt
  std::string passphrase_file;
  std::string pkcs11_module, pkcs11_token, pkcs11_key;
  std::optional<PostgresConfig> postgres;  // without: keys.db in the home
};

class Session {
 public:
  Session(const Globals& globals, Progress& progress, Watch& watch, crypto::Random& random)
      : globals_(&globals), progress_(&progress), watch_(&watch), random_(&random) {}

  const Globals& globals() const { return *globals_; }
  Progress& progress() { return *progress_; }
  Watch& watch() { return *watch_; }
  crypto::Random& random() { return *random_; }

  Path home() const;
  bool has_home() const;
  // kExists when there is a home already.
  Status create_home(const HomeConfig& config);
  // Opened at first use. kNotFound without a home.
  Result<keys::Hierarchy*> hierarchy();
  // The store alone, for what needs no root key: lists and audit rows.
  Result<keys::Store*> store();
  std::string root_id() const { return root_id_; }
  Result<std::string> store_text() const;  // where it is, for people

  Path sqlite_path() const;
  // From keys.db to PostgreSQL, and config.json says so. kExists when the store is in PostgreSQL already.
  Result<keys::Moved> move_store(const PostgresConfig& target);

  keys::Caller caller() const;

  // One audit row for what was done to an object; without a home there is no log to write to. What can't be recorded
  // isn't done: the row comes before the effect.
  Status record(std::string action, std::string tenant, std::string subject, std::string detail);
  // The row of a failure, if it can be written; hands `error` back.
  Error record_failure(std::string action, std::string tenant, std::string subject, Error error);

 private:
  Status make_home(const HomeConfig& config);
  Status open_root(const HomeConfig& config, bool creating);
  Result<HomeConfig> read_config() const;
  Result<keys::Store> open_store(const HomeConfig& config);

  const Globals* globals_;
  Progress* progress_;
  Watch* watch_;
  crypto::Random* random_;
  std::unique_ptr<crypto::KeyWrapper> root_;
  std::string root_id_;
  std::optional<keys::Hierarchy> hierarchy_;
  std::optional<keys::Store> store_;
};

}  // namespace cloister::cli
