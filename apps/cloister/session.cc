#include "session.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "keys/postgres_rules.h"
#include "keys/sqlite.h"
#include "kms/pkcs11_key.h"
#include "kms/software_key.h"
#include "secret_input.h"

namespace cloister::cli {
namespace {

constexpr int kConfigVersion = 1;
// Says that the store is elsewhere: a program that knows version 1 alone must not go on with an old keys.db.
constexpr int kConfigVersionElsewhere = 2;

Path config_path(const Path& home) { return home / "config.json"; }
Path root_key_path(const Path& home) { return home / "root.key"; }

std::string_view passphrase_word(HomeConfig::Passphrase passphrase) {
  switch (passphrase) {
    case HomeConfig::Passphrase::kNone: return "none";
    case HomeConfig::Passphrase::kFile: return "file";
    case HomeConfig::Passphrase::kPrompt: return "prompt";
  }
  return "none";
}

std::string config_text(const HomeConfig& config) {
  Json root = {{"kind", config.root_kind}};
  if (config.root_kind == "pkcs11") {
    root["module"] = config.pkcs11_module;
    root["token"] = config.pkcs11_token;
    root["key"] = config.pkcs11_key;
  }
  root["passphrase"] = passphrase_word(config.passphrase);
  if (config.passphrase == HomeConfig::Passphrase::kFile) root["passphrase_file"] = config.passphrase_file;
  Json json = {{"version", config.postgres ? kConfigVersionElsewhere : kConfigVersion}, {"root", root}};
  if (config.postgres) {
    json["store"] = {{"kind", "postgres"},
                     {"connection_file", config.postgres->connection_file},
                     {"schema", config.postgres->schema},
                     {"standby", config.postgres->standby == Standby::kRequired ? "required" : "optional"}};
  }
  return json.dump(2) + "\n";
}

std::string text_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

// Nothing said means keys.db; anything that isn't understood is an error.
Result<std::optional<PostgresConfig>> parse_store(const Json& json) {
  if (!json.contains("store")) return std::optional<PostgresConfig>();
  const Json& store = json["store"];
  const std::string standby = store.is_object() ? text_of(store, "standby") : "";
  if (!store.is_object() || text_of(store, "kind") != "postgres" || (standby != "required" && standby != "optional") ||
      !store.contains("connection_file")) {
    return invalid("the store must have kind postgres, a connection_file, a schema, and standby required or optional");
  }
  PostgresConfig config;
  config.connection_file = text_of(store, "connection_file");
  config.schema = text_of(store, "schema");
  config.standby = standby == "required" ? Standby::kRequired : Standby::kOptional;
  CLOISTER_RETURN_IF_ERROR(keys::check_schema_name(config.schema));
  return std::optional(std::move(config));
}

Result<HomeConfig> parse_config(const Path& path, ByteView bytes) {
  const Json json = Json::parse(as_text(bytes), nullptr, false);
  const auto malformed = [&path](std::string_view what) {
    return invalid("read " + path.string() + ": " + std::string(what));
  };
  if (!json.is_object() || !json.contains("root") || !json["root"].is_object()) return malformed("not a configuration");
  const int version = json.value("version", 0);
  if (version != kConfigVersion && version != kConfigVersionElsewhere) {
    return Error(Code::kUnsupported, "read " + path.string() + ": made by another version of this program");
  }
  const Json& root = json["root"];
  HomeConfig config;
  CLOISTER_TRY(config.postgres, parse_store(json).with_context("read " + path.string()));
  if (config.postgres.has_value() != (version == kConfigVersionElsewhere)) {
    return malformed("version 2 names a store, version 1 doesn't");
  }
  config.root_kind = text_of(root, "kind");
  if (config.root_kind != "software" && config.root_kind != "pkcs11") return malformed("unknown kind of root");
  const std::string word = text_of(root, "passphrase");
  if (word == "file") {
    config.passphrase = HomeConfig::Passphrase::kFile;
  } else if (word == "prompt") {
    config.passphrase = HomeConfig::Passphrase::kPrompt;
  } else if (word != "none") {
    return malformed("passphrase must be none, file or prompt");
  }
  config.passphrase_file = text_of(root, "passphrase_file");
  config.pkcs11_module = text_of(root, "module");
  config.pkcs11_token = text_of(root, "token");
  config.pkcs11_key = text_of(root, "key");
  return config;
}

Result<std::optional<crypto::Secret>> root_passphrase(const HomeConfig& config, bool creating,
                                                      const Progress& progress) {
  const std::string prompt =
      config.root_kind == "pkcs11" ? "PIN of token " + config.pkcs11_token : std::string("passphrase of the root key");
  switch (config.passphrase) {
    case HomeConfig::Passphrase::kNone: return std::optional<crypto::Secret>();
    case HomeConfig::Passphrase::kFile: {
      CLOISTER_TRY(crypto::Secret secret, read_secret_file(config.passphrase_file));
      return std::optional(std::move(secret));
    }
    case HomeConfig::Passphrase::kPrompt: break;
  }
  const bool twice = creating && config.root_kind == "software";
  CLOISTER_TRY(crypto::Secret secret, twice ? ask_new_secret(prompt, progress) : ask_secret(prompt, progress));
  return std::optional(std::move(secret));
}

Result<std::unique_ptr<keys::Database>> open_postgres(const PostgresConfig& config, keys::IfAbsent if_absent,
                                                      crypto::Random& random) {
  keys::PostgresLocation location;
  if (!config.connection_file.empty()) {
    CLOISTER_TRY(location.connection, read_secret_file(config.connection_file));
  }
  location.schema = config.schema;
  location.standby = config.standby;
  return keys::open_postgres(std::move(location), if_absent, random);
}

std::optional<crypto::Secret> copy(const std::optional<crypto::Secret>& secret) {
  if (!secret) return std::nullopt;
  return crypto::Secret::copy_of(secret->expose());
}

}  // namespace

std::string PostgresConfig::text() const {
  return "PostgreSQL, schema " + schema + ", by " +
         (connection_file.empty() ? std::string("the environment") : connection_file) +
         (standby == Standby::kRequired ? ", standby required" : "");
}

Result<PostgresConfig> make_postgres_config(const std::string& connection, const std::string& schema, Standby standby) {
  CLOISTER_RETURN_IF_ERROR(keys::check_schema_name(schema));
  PostgresConfig config{"", schema, standby};
  std::error_code ignored;
  if (connection != "environment") config.connection_file = std::filesystem::absolute(connection, ignored).string();
  return config;
}

Path Session::home() const {
  if (!globals_->home.empty()) return globals_->home;
  if (const char* home = std::getenv("CLOISTER_HOME"); home != nullptr && *home != '\0') return home;
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') return Path(home) / ".cloister";
  const passwd* entry = ::getpwuid(::getuid());
  return entry == nullptr ? Path(".cloister") : Path(entry->pw_dir) / ".cloister";
}

bool Session::has_home() const {
  std::error_code ignored;
  return std::filesystem::exists(config_path(home()), ignored);
}

Status Session::create_home(const HomeConfig& config) {
  const Path folder = home();
  if (has_home()) return Error(Code::kExists, "init " + folder.string() + ": there is a home already");
  for (const Path& path : {root_key_path(folder), sqlite_path()}) {
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) {
      return Error(Code::kExists, "init " + folder.string() + ": it has a " + path.filename().string() +
                                      " but no config.json: not a home, and not for this program to replace");
    }
  }
  CLOISTER_RETURN_IF_ERROR(create_directories(folder, 0700));
  if (::chmod(folder.c_str(), 0700) != 0) return error_from_errno(errno, "protect " + folder.string());
  const Status made = make_home(config);
  if (made.ok()) return {};
  // Nothing was ever wrapped by this root key, so a second attempt may start afresh.
  hierarchy_.reset();
  for (const char* name : {"root.key", "keys.db", "keys.db-wal", "keys.db-shm"}) ::unlink((folder / name).c_str());
  return made.error().with_context("init " + folder.string());
}

Status Session::make_home(const HomeConfig& config) {
  CLOISTER_RETURN_IF_ERROR(open_root(config, true));
  CLOISTER_TRY(auto database, config.postgres ? open_postgres(*config.postgres, keys::IfAbsent::kCreate, *random_)
                                              : keys::create_sqlite(sqlite_path()));
  CLOISTER_TRY(auto store, keys::Store::open(std::move(database)));
  CLOISTER_TRY(hierarchy_, keys::Hierarchy::create(std::move(store), *root_, root_id_, *random_, caller()));
  // Last, since it is what makes the folder a home.
  return write_file(config_path(home()), as_bytes(config_text(config)), Overwrite::kRefuse, 0600);
}

Status Session::open_root(const HomeConfig& config, bool creating) {
  CLOISTER_TRY(auto passphrase, root_passphrase(config, creating, *progress_));
  if (config.root_kind == "pkcs11") {
    using kms::Pkcs11Key;
    const auto if_absent = creating ? Pkcs11Key::IfAbsent::kGenerate : Pkcs11Key::IfAbsent::kRefuse;
    if (!passphrase) return invalid("open root key: a token needs a PIN");
    CLOISTER_TRY(auto key, Pkcs11Key::open({config.pkcs11_module, config.pkcs11_token, config.pkcs11_key}, *passphrase,
                                           if_absent, *random_));
    root_id_ = key->key_id();
    root_ = std::move(key);
    return {};
  }
  const Path path = root_key_path(home());
  if (creating) {
    CLOISTER_RETURN_IF_ERROR(kms::create_key_file(path, copy(passphrase), crypto::Argon2Cost{}, *random_));
  }
  CLOISTER_TRY(auto key, kms::SoftwareKey::open(path, std::move(passphrase), *random_));
  root_id_ = key->key_id();
  root_ = std::move(key);
  return {};
}

Path Session::sqlite_path() const { return home() / "keys.db"; }

Result<HomeConfig> Session::read_config() const {
  if (!has_home()) {
    return Error(Code::kNotFound,
                 "there is no home at " + home().string() + ": `cloister init` makes one, --home DIR names another");
  }
  const Path path = config_path(home());
  CLOISTER_TRY(const Bytes bytes, read_file(path, 64 * 1024));
  return parse_config(path, bytes);
}

Result<keys::Store> Session::open_store(const HomeConfig& config) {
  if (!config.postgres) return keys::Store::open(sqlite_path());
  CLOISTER_TRY(auto database, open_postgres(*config.postgres, keys::IfAbsent::kRefuse, *random_));
  return keys::Store::open(std::move(database));
}

Result<std::string> Session::store_text() const {
  CLOISTER_TRY(const HomeConfig config, read_config());
  return config.postgres ? config.postgres->text() : "SQLite, " + sqlite_path().string();
}

Result<keys::Moved> Session::move_store(const PostgresConfig& target) {
  CLOISTER_TRY(HomeConfig config, read_config());
  if (config.postgres) return Error(Code::kExists, "the store is in " + config.postgres->text() + " already");
  CLOISTER_TRY(auto source, keys::open_sqlite(sqlite_path(), keys::IfMoved::kOpen));
  CLOISTER_TRY(auto database, open_postgres(target, keys::IfAbsent::kCreate, *random_));
  const keys::Caller who = caller();
  const audit::Event event{who.now, who.actor, "store.move", "", "store", audit::Outcome::kAllowed, "from SQLite"};
  CLOISTER_TRY(auto moved, keys::move_store(*source, *database, event, target.text()).with_context("move the store"));
  // Last: until it says so the old store is what this home names, and that one refuses.
  config.postgres = target;
  CLOISTER_RETURN_IF_ERROR(write_file(config_path(home()), as_bytes(config_text(config)), Overwrite::kReplace, 0600));
  return moved;
}

Result<keys::Store*> Session::store() {
  if (hierarchy_) return &hierarchy_->store();
  if (store_) return &*store_;
  CLOISTER_TRY(const HomeConfig config, read_config());
  CLOISTER_TRY(store_, open_store(config));
  return &*store_;
}

Result<keys::Hierarchy*> Session::hierarchy() {
  if (hierarchy_) return &*hierarchy_;
  CLOISTER_TRY(const HomeConfig config, read_config());
  CLOISTER_RETURN_IF_ERROR(open_root(config, false).with_context("open root key"));
  CLOISTER_TRY(auto store, open_store(config));
  CLOISTER_TRY(hierarchy_, keys::Hierarchy::open(std::move(store), *root_, root_id_, *random_));
  return &*hierarchy_;
}

keys::Caller Session::caller() const {
  std::string actor = "uid:" + std::to_string(::getuid());
  if (const passwd* entry = ::getpwuid(::getuid()); entry != nullptr) actor += " " + std::string(entry->pw_name);
  return {std::move(actor), system_time()};
}

Status Session::record(std::string action, std::string tenant, std::string subject, std::string detail) {
  if (!has_home()) return {};
  CLOISTER_TRY(keys::Store * log, store());
  const keys::Caller who = caller();
  return log
      ->record({who.now, who.actor, std::move(action), std::move(tenant), std::move(subject), audit::Outcome::kAllowed,
                std::move(detail)})
      .with_context("write the audit log");
}

Error Session::record_failure(std::string action, std::string tenant, std::string subject, Error error) {
  if (!has_home()) return error;
  const auto log = store();
  if (!log.ok()) return error;
  const bool refused = error.code() == Code::kDenied || error.code() == Code::kCorrupt;
  const keys::Caller who = caller();
  const Status recorded =
      (*log)->record({who.now, who.actor, std::move(action), std::move(tenant), std::move(subject),
                      refused ? audit::Outcome::kRefused : audit::Outcome::kFailed, error.message()});
  if (recorded.ok()) return error;
  return Error(error.code(), error.message() + " (and the audit log couldn't be written)");
}

}  // namespace cloister::cli
