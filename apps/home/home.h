// A home as programs find it: its configuration, its root key and its store. Programs that ask people for passphrases
// hand them in.
#pragma once

#include <memory>
#include <optional>

#include "crypto/random.h"
#include "home/home_config.h"
#include "keys/store.h"

namespace cloister::home {

inline Path config_path(const Path& folder) { return folder / "config.json"; }
inline Path root_key_path(const Path& folder) { return folder / "root.key"; }
inline Path sqlite_path(const Path& folder) { return folder / "keys.db"; }

// kNotFound where there is no home; kDenied for a folder that others may write.
Result<HomeConfig> read_home(const Path& folder);

// The passphrase or PIN that the configuration says is in a file; nothing where there is none. kInvalid when it is to
// be asked for: that is for whoever has a terminal.
Result<std::optional<crypto::Secret>> stored_root_secret(const HomeConfig& config);

struct Root {
  std::unique_ptr<crypto::KeyWrapper> key;
  std::string id;
};
enum class IfNoKey { kRefuse, kMake };  // in a token
Result<Root> open_root(const Path& folder, const HomeConfig& config, std::optional<crypto::Secret> secret,
                       IfNoKey if_no_key, crypto::Random& random);

Result<std::unique_ptr<keys::Database>> open_postgres(const PostgresConfig& config, keys::IfAbsent if_absent,
                                                      crypto::Random& random);
// Where the configuration says it is.
Result<keys::Store> open_store(const Path& folder, const HomeConfig& config, crypto::Random& random);

}  // namespace cloister::home
