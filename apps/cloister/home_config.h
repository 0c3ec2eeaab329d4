// config.json of a home: where its root key is. No secrets.
#pragma once

#include <string>

#include "base/file.h"

namespace cloister::cli {

struct HomeConfig {
  std::string root_kind = "software";  // or "pkcs11"
  enum class Passphrase { kNone, kFile, kPrompt };
  Passphrase passphrase = Passphrase::kNone;  // of root.key; for a token, its PIN: kFile or kPrompt
  std::string passphrase_file;
  std::string pkcs11_module, pkcs11_token, pkcs11_key;
  std::string pkcs11_parameters;  // for modules that take text when they start
};

// kInvalid for paths and labels that aren't plain UTF-8: JSON can't hold them.
Result<std::string> home_config_text(const HomeConfig& config);
// kInvalid: no configuration. kUnsupported: of another version.
Result<HomeConfig> parse_home_config(ByteView bytes);
// kDenied when somebody else could have written it: it names a library to load.
Result<HomeConfig> read_home_config(const Path& path);

}  // namespace cloister::cli
