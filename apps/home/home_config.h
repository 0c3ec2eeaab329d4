// config.json of a home: where its roots and its store are. No secrets. docs/formats/home-config.md.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "keys/postgres.h"

namespace cloister::home {

using Standby = keys::PostgresLocation::Standby;

// Where a store in PostgreSQL is. The password, if there is one, is in the file.
struct PostgresConfig {
  std::string connection_file;  // empty: the environment says it (PGHOST, …)
  std::string schema = "cloister";
  Standby standby = Standby::kOptional;
  std::string text() const;  // for people
};
// `connection` is a file, or the word "environment". kNotFound for no file, kInvalid for one that later runs can't read
// again and for what can't be a schema's name.
Result<PostgresConfig> make_postgres_config(const std::string& connection, const std::string& schema, Standby standby);

// Where a root is and how it is opened.
struct RootConfig {
  std::string kind = "software";  // or another of root_kinds()
  std::string id;                 // how its wraps name it; empty: known once it was opened
  enum class Passphrase { kNone, kFile, kPrompt };
  Passphrase passphrase = Passphrase::kNone;  // of a key file; for a token, its PIN: kFile or kPrompt
  std::string passphrase_file;
  std::map<std::string, std::string, std::less<>> options;  // those of its kind; none is empty

  const std::string& option(std::string_view name) const;  // empty where there is none
  friend bool operator==(const RootConfig&, const RootConfig&) = default;
};

// What a kind of root is told.
struct RootKind {
  std::string_view name;
  std::vector<std::string_view> needed, possible;
};
const std::vector<RootKind>& root_kinds();
// kInvalid: no such kind, an option that it doesn't have, or one missing.
Status check_root(const RootConfig& root);

struct HomeConfig {
  std::map<std::string, RootConfig, std::less<>> roots;  // by name; one at least
  std::optional<PostgresConfig> postgres;                // without: keys.db in the home
  // Where it is written down how far the store went, outside of the home; empty: nowhere. keys/anchor.h.
  std::string anchor = {};
};

// kInvalid for paths and labels that aren't plain UTF-8: JSON can't hold them.
Result<std::string> home_config_text(const HomeConfig& config);
// kInvalid: no configuration. kUnsupported: of another version.
Result<HomeConfig> parse_home_config(ByteView bytes);
// kDenied when somebody else could have written it: it names a library to load.
Result<HomeConfig> read_home_config(const Path& path);

}  // namespace cloister::home
