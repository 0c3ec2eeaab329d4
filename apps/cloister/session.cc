#include "session.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "home/service_file.h"
#include "keys/sqlite.h"
#include "kms/software_key.h"
#include "policy/words.h"
#include "secret_input.h"

namespace cloister::cli {
namespace {

constexpr const char* kHomeFiles[] = {"config.json", "root.key", "keys.db", "keys.db-wal", "keys.db-shm"};

Status check_free(const Path& folder) {
  for (const char* name : kHomeFiles) {
    struct stat info{};
    if (::lstat((folder / name).c_str(), &info) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) continue;
      return error_from_errno(errno, "look at " + (folder / name).string());
    }
    if (name == kHomeFiles[0]) return Error(Code::kExists, "there is a home already");
    return Error(Code::kExists, "it has a " + std::string(name) +
                                    " but no config.json: not a home, and not for this program to replace");
  }
  return {};
}

Result<keys::Store> create_in_postgres(const PostgresConfig& config, crypto::Random& random) {
  CLOISTER_TRY(auto database, home::open_postgres(config, keys::IfAbsent::kCreate, random));
  return keys::Store::open(std::move(database));
}

std::optional<crypto::Secret> copy(const std::optional<crypto::Secret>& secret) {
  if (!secret) return std::nullopt;
  return crypto::Secret::copy_of(secret->expose());
}

}  // namespace

Path Session::home() const {
  if (!globals_->home.empty()) return globals_->home;
  if (const char* home = std::getenv("CLOISTER_HOME"); home != nullptr && *home != '\0') return home;
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') return Path(home) / ".cloister";
  const passwd* entry = ::getpwuid(::getuid());
  return entry == nullptr ? Path(".cloister") : Path(entry->pw_dir) / ".cloister";
}

Path Session::service_file() const {
  if (!globals_->service.empty()) return globals_->service;
  const char* named = globals_->home.empty() ? std::getenv("CLOISTER_SERVICE") : nullptr;
  return named == nullptr ? "" : named;
}

Result<std::optional<crypto::Secret>> Session::root_secret(const std::string& name, const RootConfig& root,
                                                           Ask ask) const {
  if (root.passphrase != RootConfig::Passphrase::kPrompt) return home::stored_root_secret(root);
  const bool first = name == keys::kFirstRoot;
  const std::string prompt = root.kind == "pkcs11" ? "PIN of token " + root.option("token")
                             : first               ? std::string("passphrase of the root key")
                                                   : "passphrase of root " + name;
  const bool twice = ask == Ask::kTwice && root.kind == "software";
  CLOISTER_TRY(crypto::Secret secret, twice ? ask_new_secret(prompt, *progress_) : ask_secret(prompt, *progress_));
  return std::optional(std::move(secret));
}

Result<std::shared_ptr<kms::KeyService>> Session::key_service(std::string_view purpose) {
  if (service_) return service_;
  CLOISTER_TRY(service_, broker(service_file(), purpose));
  return service_;
}

Result<std::shared_ptr<kms::KeyService>> Session::broker(const Path& path, std::string_view purpose) {
  const std::string word = globals_->purpose.empty() ? std::string(purpose) : globals_->purpose;
  if (word.empty())
    return invalid("the key service is to be told what for: give --purpose (train, evaluate, infer, …)");
  CLOISTER_TRY([[maybe_unused]] const policy::Purpose known, policy::parse_purpose(word).with_context("--purpose"));
  CLOISTER_TRY(const auto file, home::read_current_service_file(path, system_time(), *random_));
  CLOISTER_TRY(auto client, home::connect_to(file));
  return std::make_shared<kms::KeyService>(std::move(client), file.address, word, kms::ServicePatience{});
}

Result<bool> Session::has_home() const {
  if (!service_file().empty()) return false;
  const Path path = home::config_path(home());
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return error_from_errno(errno, "look at the home: " + path.string());
}

Status Session::create_home(const HomeConfig& config, const std::string& log_server) {
  const Path folder = home();
  const std::string doing = "init " + folder.string();
  // Whatever waits for a person comes before the lock and the checks that count.
  CLOISTER_RETURN_IF_ERROR(check_free(folder).with_context(doing));
  CLOISTER_RETURN_IF_ERROR(home_config_text(config).with_context(doing));
  const auto& [name, root] = *config.roots.begin();
  CLOISTER_TRY(auto secret, root_secret(name, root, Ask::kTwice));

  CLOISTER_RETURN_IF_ERROR(create_directories(folder, 0700).with_context(doing));
  CLOISTER_TRY(const File locked, File::open_directory(folder));
  CLOISTER_RETURN_IF_ERROR(locked.lock_exclusive().with_context(doing));
  CLOISTER_RETURN_IF_ERROR(check_free(folder).with_context(doing));
  if (::fchmod(locked.descriptor(), 0700) != 0) return error_from_errno(errno, "protect " + folder.string());
  CLOISTER_RETURN_IF_ERROR(check_guarded(locked, Guard::kUnwritten).with_context(doing));

  std::vector<Path> made;
  const Status status = make_home(config, log_server, std::move(secret), made);
  if (status.ok()) return {};
  // Nothing was ever wrapped by this root key, so a second attempt may start afresh.
  hierarchy_.reset();
  for (const Path& path : made) ::unlink(path.c_str());
  return status.error().with_context(doing);
}

// `made` gets what is this run's own, the failed step's as well.
Status Session::make_home(const HomeConfig& config, const std::string& log_server, std::optional<crypto::Secret> secret,
                          std::vector<Path>& made) {
  const Path folder = home();
  CLOISTER_TRY(const std::string text, home_config_text(config));
  const RootConfig& root = config.roots.begin()->second;
  if (root.kind == "software") {
    const Path key = home::key_file_of(folder, root);
    CLOISTER_RETURN_IF_ERROR(kms::create_key_file(key, copy(secret), crypto::Argon2Cost{}, *random_));
    made.push_back(key);
  }
  CLOISTER_TRY(root_, home::open_root(folder, root, std::move(secret), home::IfNoKey::kMake, *random_));
  CLOISTER_TRY(auto store, config.postgres ? create_in_postgres(*config.postgres, *random_) : create_sqlite(made));
  CLOISTER_TRY(hierarchy_,
               keys::Hierarchy::create(std::move(store), *root_.key, {root_.id, log_server}, *random_, caller()));
  // Last, since it is what makes the folder a home.
  return write_file(home::config_path(folder), as_bytes(text), Overwrite::kRefuse, 0600);
}

Path Session::sqlite_path() const { return home::sqlite_path(home()); }

Result<keys::Store> Session::create_sqlite(std::vector<Path>& made) const {
  auto store = keys::Store::create(sqlite_path());
  if (store.ok() || store.error().code() != Code::kExists) {
    for (const char* suffix : {"", "-wal", "-shm"}) made.push_back(sqlite_path().string() + suffix);
  }
  return store;
}

Result<HomeConfig> Session::read_config() const {
  if (!service_file().empty()) {
    return invalid("this works on a home, not through a key service: leave out --service and $CLOISTER_SERVICE");
  }
  return home::read_home(home());
}

Status Session::edit_config(const std::function<Status(HomeConfig&)>& edit) {
  CLOISTER_TRY(const File locked, File::open_directory(home()));
  CLOISTER_RETURN_IF_ERROR(locked.lock_exclusive().with_context("change the configuration"));
  CLOISTER_TRY(HomeConfig config, read_config());
  CLOISTER_RETURN_IF_ERROR(edit(config));
  CLOISTER_TRY(const std::string text, home_config_text(config));
  return write_file(home::config_path(home()), as_bytes(text), Overwrite::kReplace, 0600);
}

Result<std::string> Session::store_text() const {
  CLOISTER_TRY(const HomeConfig config, read_config());
  return config.postgres ? config.postgres->text() : "SQLite, " + sqlite_path().string();
}

Result<keys::Moved> Session::move_store(const PostgresConfig& target) {
  CLOISTER_TRY(const HomeConfig config, read_config());
  if (config.postgres) return Error(Code::kExists, "the store is in " + config.postgres->text() + " already");
  CLOISTER_TRY(auto source, keys::open_sqlite(sqlite_path(), keys::IfMoved::kOpen));
  CLOISTER_TRY(auto database, home::open_postgres(target, keys::IfAbsent::kCreate, *random_));
  const keys::Caller who = caller();
  const audit::Event event{who.now, who.actor, "store.move", "", "store", audit::Outcome::kAllowed, "from SQLite"};
  CLOISTER_TRY(auto moved, keys::move_store(*source, *database, event, target.text()).with_context("move the store"));
  // Last: until it says so the old store is what this home names, and that one refuses.
  CLOISTER_RETURN_IF_ERROR(edit_config([&](HomeConfig& now) -> Status {
    now.postgres = target;
    return {};
  }));
  return moved;
}

Result<keys::Store*> Session::store() {
  if (hierarchy_) return &hierarchy_->store();
  if (store_) return &*store_;
  CLOISTER_TRY(const HomeConfig config, read_config());
  CLOISTER_TRY(store_, home::open_store(home(), config, *random_));
  return &*store_;
}

Result<keys::Hierarchy*> Session::hierarchy() {
  if (hierarchy_) return &*hierarchy_;
  CLOISTER_TRY(const HomeConfig config, read_config());
  const auto secret = [this](const std::string& name, const RootConfig& root) {
    return root_secret(name, root, Ask::kOnce);
  };
  roots_ = home::roots_of(home(), config, secret, *random_);
  CLOISTER_TRY(auto store, home::open_store(home(), config, *random_));
  CLOISTER_TRY(hierarchy_, keys::Hierarchy::open(std::move(store), roots_, *random_));
  return &*hierarchy_;
}

Result<service::AuthenticSettings> Session::service_settings() {
  CLOISTER_TRY(keys::Hierarchy * opened, hierarchy());
  keys::Store& store = opened->store();
  keys::HomeRoot root(roots_, [&store] { return store.setting("root_id"); });
  return service::AuthenticSettings::open(store, root, *random_, caller());
}

keys::Caller Session::caller() const {
  std::string actor = "uid:" + std::to_string(::getuid());
  if (const passwd* entry = ::getpwuid(::getuid()); entry != nullptr) actor += " " + std::string(entry->pw_name);
  return {std::move(actor), system_time()};
}

Status Session::log_event(audit::Event event) {
  CLOISTER_TRY(const bool there, has_home());
  if (!there) return {};
  auto log = store();
  if (!log.ok()) return log.error().with_context("open the audit log");
  return (*log)->record(std::move(event)).with_context("write the audit log");
}

Status Session::record(std::string action, std::string tenant, std::string subject, std::string detail) {
  const keys::Caller who = caller();
  return log_event({who.now, who.actor, std::move(action), std::move(tenant), std::move(subject),
                    audit::Outcome::kAllowed, std::move(detail)});
}

Status Session::record_refusal(std::string action, std::string tenant, std::string subject, const Error& error) {
  const bool refused = error.code() == Code::kDenied || error.code() == Code::kCorrupt;
  const keys::Caller who = caller();
  return log_event({who.now, who.actor, std::move(action), std::move(tenant), std::move(subject),
                    refused ? audit::Outcome::kRefused : audit::Outcome::kFailed, error.message()});
}

Error Session::record_failure(std::string action, std::string tenant, std::string subject, Error error) {
  const Status recorded = record_refusal(std::move(action), std::move(tenant), std::move(subject), error);
  if (recorded.ok()) return error;
  return Error(error.code(), error.message() + " (and it isn't on record: " + recorded.error().message() + ")");
}

}  // namespace cloister::cli
