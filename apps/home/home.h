// A home as programs find it: its configuration, its roots and its store. Programs that ask people for passphrases hand
// them in.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "crypto/random.h"
#include "home/home_config.h"
#include "keys/roots.h"
#include "keys/store.h"

namespace cloister::home {

inline Path config_path(const Path& folder) { return folder / "config.json"; }
inline Path sqlite_path(const Path& folder) { return folder / "keys.db"; }

// kNotFound where there is no home; kDenied for a folder that others may write.
Result<HomeConfig> read_home(const Path& folder);

// Where a software root's key file is: in the home, or where its configuration says.
Path key_file_of(const Path& folder, const RootConfig& root);

// The passphrase or PIN of a root, from the file that its configuration names; nothing where there is none. kInvalid
// when it is to be asked for: that is for whoever has a terminal.
Result<std::optional<crypto::Secret>> stored_root_secret(const RootConfig& root);

enum class IfNoKey { kRefuse, kMake };  // in a token
Result<keys::OpenedRoot> open_root(const Path& folder, const RootConfig& root, std::optional<crypto::Secret> secret,
                                   IfNoKey if_no_key, crypto::Random& random);

// The passphrase or PIN of the root of that name; by whatever way the program has.
using RootSecret =
    std::function<Result<std::optional<crypto::Secret>>(const std::string& name, const RootConfig& root)>;
// All roots of a home, each opened at its first use. When one is wanted that isn't among them, config.json is read
// again: a root that was added meanwhile is found. `random` outlives them.
std::shared_ptr<keys::Roots> roots_of(const Path& folder, const HomeConfig& config, RootSecret secret,
                                      crypto::Random& random);

Result<std::unique_ptr<keys::Database>> open_postgres(const PostgresConfig& config, keys::IfAbsent if_absent,
                                                      crypto::Random& random);
// Where the configuration says it is. kDenied, kNotFound where its anchor says that it isn't what it was.
Result<keys::Store> open_store(const Path& folder, const HomeConfig& config, crypto::Random& random);
// Writes down in `file` how the store stands, before the configuration names it. kInvalid for one in the home itself;
// otherwise keys::Anchor::make()'s codes.
Status make_anchor(const Path& folder, const HomeConfig& config, const Path& file, crypto::Random& random);

}  // namespace cloister::home
