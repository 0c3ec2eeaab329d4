#include "home/home.h"

#include <sys/stat.h>

#include "home/providers.h"
#include "home/secret_file.h"
#include "keys/anchor.h"
#include "kms/pkcs11/pkcs11_key.h"
#include "kms/provider_key.h"
#include "kms/software_key.h"

namespace cloister::home {

Result<HomeConfig> read_home(const Path& folder) {
  const Path path = config_path(folder);
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) return error_from_errno(errno, "look at the home: " + path.string());
    return Error(Code::kNotFound,
                 "there is no home at " + folder.string() + ": `cloister init` makes one, --home DIR names another");
  }
  CLOISTER_TRY(const File opened, File::open_directory(folder));
  CLOISTER_RETURN_IF_ERROR(check_guarded(opened, Guard::kUnwritten).with_context("open the home"));
  return read_home_config(path);
}

Path key_file_of(const Path& folder, const RootConfig& root) {
  const std::string& file = root.option("key_file");
  return file.empty() ? folder / "root.key" : folder / file;
}

Result<std::optional<crypto::Secret>> stored_root_secret(const RootConfig& root) {
  switch (root.passphrase) {
    case RootConfig::Passphrase::kNone: return std::optional<crypto::Secret>();
    case RootConfig::Passphrase::kFile: {
      CLOISTER_TRY(crypto::Secret secret, read_secret_file(root.passphrase_file));
      return std::optional(std::move(secret));
    }
    case RootConfig::Passphrase::kPrompt: break;
  }
  return Error(Code::kInvalid, "the root key's passphrase is to be asked for, and nobody is there to answer");
}

Result<keys::OpenedRoot> open_root(const Path& folder, const RootConfig& root, std::optional<crypto::Secret> secret,
                                   IfNoKey if_no_key, crypto::Random& random) {
  CLOISTER_RETURN_IF_ERROR(check_root(root));
  if (root.kind == "pkcs11") {
    using kms::Pkcs11Key;
    const auto if_absent = if_no_key == IfNoKey::kMake ? Pkcs11Key::IfAbsent::kGenerate : Pkcs11Key::IfAbsent::kRefuse;
    if (!secret) return Error(Code::kInvalid, "a token needs a PIN");
    const kms::Pkcs11Location location{root.option("module"), root.option("token"), root.option("key"),
                                       root.option("parameters")};
    CLOISTER_TRY(auto key, Pkcs11Key::open(location, *secret, if_absent, random));
    std::string id = key->key_id();
    return keys::OpenedRoot{std::move(key), std::move(id)};
  }
  if (is_provider_kind(root.kind)) {
    CLOISTER_TRY(auto provider, open_provider(root, {}));
    CLOISTER_TRY(auto key, kms::ProviderKey::open(std::move(provider), provider_key(root), random));
    std::string id = key->key_id();
    return keys::OpenedRoot{std::move(key), std::move(id)};
  }
  CLOISTER_CHECK(root.kind == "software");  // check_root() knows every kind
  CLOISTER_TRY(auto key, kms::SoftwareKey::open(key_file_of(folder, root), std::move(secret), random));
  std::string id = key->key_id();
  return keys::OpenedRoot{std::move(key), std::move(id)};
}

namespace {

std::vector<keys::RootEntry> entries_of(const Path& folder, const HomeConfig& config, const RootSecret& secret,
                                        crypto::Random& random) {
  std::vector<keys::RootEntry> entries;
  for (const auto& [name, root] : config.roots) {
    const auto open = [folder, name, root, secret, &random]() -> Result<keys::OpenedRoot> {
      CLOISTER_TRY(auto given, secret(name, root));
      return open_root(folder, root, std::move(given), IfNoKey::kRefuse, random);
    };
    entries.push_back({name, root.id, open});
  }
  return entries;
}

}  // namespace

std::shared_ptr<keys::Roots> roots_of(const Path& folder, const HomeConfig& config, RootSecret secret,
                                      crypto::Random& random) {
  const auto learn = [folder, secret, &random]() -> Result<std::vector<keys::RootEntry>> {
    CLOISTER_TRY(const HomeConfig now, read_home(folder));
    return entries_of(folder, now, secret, random);
  };
  return std::make_shared<keys::Roots>(entries_of(folder, config, secret, random), learn);
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

namespace {

Result<keys::Store> open_unanchored(const Path& folder, const HomeConfig& config, crypto::Random& random) {
  if (!config.postgres) return keys::Store::open(sqlite_path(folder));
  CLOISTER_TRY(auto database, open_postgres(*config.postgres, keys::IfAbsent::kRefuse, random));
  return keys::Store::open(std::move(database));
}

bool is_within(const Path& file, const Path& folder) {
  std::error_code error;
  const Path within = std::filesystem::weakly_canonical(file, error);
  const Path whole = std::filesystem::weakly_canonical(folder, error);
  const auto relative = within.lexically_relative(whole);
  return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

Result<keys::Store> open_store(const Path& folder, const HomeConfig& config, crypto::Random& random) {
  CLOISTER_TRY(keys::Store store, open_unanchored(folder, config, random));
  if (!config.anchor.empty()) CLOISTER_RETURN_IF_ERROR(store.follow(keys::Anchor(config.anchor)));
  return store;
}

Status make_anchor(const Path& folder, const HomeConfig& config, const Path& file, crypto::Random& random) {
  if (!file.is_absolute()) return Error(Code::kInvalid, "name the anchor from the root of the file system");
  if (is_within(file, folder)) {
    return Error(Code::kInvalid, file.string() + " is in the home, so that who puts an old home back puts it back too");
  }
  CLOISTER_TRY(keys::Store store, open_unanchored(folder, config, random));
  return keys::Anchor(file).make(store);
}

}  // namespace cloister::home
