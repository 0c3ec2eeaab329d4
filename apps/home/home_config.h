// config.json of a home: where its root key and its store are. No secrets.
#pragma once

#include <optional>
#include <string>

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

struct HomeConfig {
  std::string root_kind = "software";  // or "pkcs11"
  enum class Passphrase { kNone, kFile, kPrompt };
  Passphrase passphrase = Passphrase::kNone;  // of root.key; for a token, its PIN: kFile or kPrompt
  std::string passphrase_file;
  std::string pkcs11_module, pkcs11_token, pkcs11_key;
  std::string pkcs11_parameters;           // for modules that take text when they start
  std::optional<PostgresConfig> postgres;  // without: keys.db in the home
};

// kInvalid for paths and labels that aren't plain UTF-8: JSON can't hold them.
Result<std::string> home_config_text(const HomeConfig& config);
// kInvalid: no configuration. kUnsupported: of another version.
Result<HomeConfig> parse_home_config(ByteView bytes);
// kDenied when somebody else could have written it: it names a library to load.
Result<HomeConfig> read_home_config(const Path& path);

}  // namespace cloister::home
