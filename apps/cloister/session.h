// One run of the program: where the home is, who is asking, and the key hierarchy once something needs it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/progress.h"
#include "crypto/random.h"
#include "home/home.h"
#include "keys/hierarchy.h"
#include "keys/transfer.h"
#include "kms/key_service.h"
#include "output.h"
#include "service/authentic_settings.h"
#include "watch.h"

namespace cloister::cli {

using home::HomeConfig;
using home::make_postgres_config;
using home::PostgresConfig;
using home::RootConfig;
using home::Standby;

struct Globals {
  std::string home;     // empty: $CLOISTER_HOME, else ~/.cloister
  std::string service;  // a service file; empty: $CLOISTER_SERVICE, else the home
  std::string purpose;  // what for, as the service is told; empty: as the verb says, if it does
  bool json = false;
  bool quiet = false;
  unsigned threads = 0;
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
  // The service file in place of a home; empty: none.
  Path service_file() const;
  // The service it names, asked for `purpose` unless the command line says another; kInvalid when neither does.
  Result<std::shared_ptr<kms::KeyService>> key_service(std::string_view purpose);
  // Another service, by its own file, asked for the same: one of those that hold a share of an object's key.
  Result<std::shared_ptr<kms::KeyService>> broker(const Path& file, std::string_view purpose);
  // "No" also where a service takes its place, and only where there certainly is none: a home that can't be looked at
  // is an error.
  Result<bool> has_home() const;
  // kExists when there is a home already; kUnavailable while another process makes one there. A failure leaves nothing
  // behind that this run made, and touches nothing else.
  // The log's server: keys::HomeNames.
  Status create_home(const HomeConfig& config, const std::string& log_server);
  // Opened at first use. kNotFound without a home.
  Result<keys::Hierarchy*> hierarchy();
  // What the service keeps in the home's store, with hierarchy()'s codes.
  Result<service::AuthenticSettings> service_settings();
  // The store alone, for what needs no root key: lists and audit rows.
  Result<keys::Store*> store();
  std::string root_id() const { return root_.id; }
  Result<std::string> store_text() const;  // where it is, for people
  // Kept apart from the hierarchy's.
  Result<HomeConfig> read_config() const;
  // Reads config.json anew, with nobody else writing it, and replaces it by what `edit` makes of it.
  Status edit_config(const std::function<Status(HomeConfig&)>& edit);
  // Asked for on the terminal where the configuration says so; twice for a key file that is still to be made.
  enum class Ask { kOnce, kTwice };
  Result<std::optional<crypto::Secret>> root_secret(const std::string& name, const RootConfig& root, Ask ask) const;

  Path sqlite_path() const;
  // From keys.db to PostgreSQL, and config.json says so. kExists when the store is in PostgreSQL already.
  Result<keys::Moved> move_store(const PostgresConfig& target);

  keys::Caller caller() const;

  // One audit row for what was done to an object; without a home there is no log to write to. What can't be recorded
  // isn't done: the row comes before the effect.
  Status record(std::string action, std::string tenant, std::string subject, std::string detail);
  // The row of a failure; without a home, none.
  Status record_refusal(std::string action, std::string tenant, std::string subject, const Error& error);
  // The same for a failure that ends the run: hands `error` back, which says so where the row couldn't be written.
  Error record_failure(std::string action, std::string tenant, std::string subject, Error error);

 private:
  Status make_home(const HomeConfig& config, const std::string& log_server, std::optional<crypto::Secret> secret,
                   std::vector<Path>& made);
  Result<keys::Store> create_sqlite(std::vector<Path>& made) const;
  Status log_event(audit::Event event);

  const Globals* globals_;
  Progress* progress_;
  Watch* watch_;
  crypto::Random* random_;
  keys::OpenedRoot root_;               // of a home that is being made
  std::shared_ptr<keys::Roots> roots_;  // once the hierarchy was opened
  std::optional<keys::Hierarchy> hierarchy_;
  std::optional<keys::Store> store_;
  std::shared_ptr<kms::KeyService> service_;
};

}  // namespace cloister::cli
