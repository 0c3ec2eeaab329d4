#include "session.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "kms/pkcs11_key.h"
#include "kms/software_key.h"
#include "secret_input.h"

namespace cloister::cli {
namespace {

constexpr int kConfigVersion = 1;

Path config_path(const Path& home) { return home / "config.json"; }
Path root_key_path(const Path& home) { return home / "root.key"; }
Path store_path(const Path& home) { return home / "keys.db"; }

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
  return Json{{"version", kConfigVersion}, {"root", root}}.dump(2) + "\n";
}

std::string text_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

Result<HomeConfig> parse_config(const Path& path, ByteView bytes) {
  const Json json = Json::parse(as_text(bytes), nullptr, false);
  const auto malformed = [&path](std::string_view what) {
    return invalid("read " + path.string() + ": " + std::string(what));
  };
  if (!json.is_object() || !json.contains("root") || !json["root"].is_object()) return malformed("not a configuration");
  if (json.value("version", 0) != kConfigVersion) {
    return Error(Code::kUnsupported, "read " + path.string() + ": made by another version of this program");
  }
  const Json& root = json["root"];
  HomeConfig config;
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

bool Session::has_home() const {
  std::error_code ignored;
  return std::filesystem::exists(config_path(home()), ignored);
}

Status Session::create_home(const HomeConfig& config) {
  const Path folder = home();
  if (has_home()) return Error(Code::kExists, "init " + folder.string() + ": there is a home already");
  for (const Path& path : {root_key_path(folder), store_path(folder)}) {
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
  const Path folder = home();
  CLOISTER_RETURN_IF_ERROR(open_root(config, true));
  CLOISTER_TRY(auto store, keys::Store::create(store_path(folder)));
  CLOISTER_TRY(hierarchy_, keys::Hierarchy::create(std::move(store), *root_, root_id_, *random_, caller()));
  // Last, since it is what makes the folder a home.
  return write_file(config_path(folder), as_bytes(config_text(config)), Overwrite::kRefuse, 0600);
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

Status Session::check_home() const {
  if (has_home()) return {};
  return Error(Code::kNotFound,
               "there is no home at " + home().string() + ": `cloister init` makes one, --home DIR names another");
}

Result<keys::Store*> Session::store() {
  if (hierarchy_) return &hierarchy_->store();
  if (store_) return &*store_;
  CLOISTER_RETURN_IF_ERROR(check_home());
  CLOISTER_TRY(store_, keys::Store::open(store_path(home())));
  return &*store_;
}

Result<keys::Hierarchy*> Session::hierarchy() {
  if (hierarchy_) return &*hierarchy_;
  CLOISTER_RETURN_IF_ERROR(check_home());
  const Path folder = home();
  CLOISTER_TRY(const Bytes bytes, read_file(config_path(folder), 64 * 1024));
  CLOISTER_TRY(const HomeConfig config, parse_config(config_path(folder), bytes));
  CLOISTER_RETURN_IF_ERROR(open_root(config, false).with_context("open root key"));
  CLOISTER_TRY(auto store, keys::Store::open(store_path(folder)));
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
