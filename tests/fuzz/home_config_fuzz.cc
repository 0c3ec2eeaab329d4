// A config.json of any bytes: parsed or refused, and what was parsed and can be written again means the same.
#include "home/home_config.h"

#include <string>
#include <vector>

using namespace cloister;

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  home::HomeConfig config{{{"first", {}}}, {}};
  seeds->push_back(to_bytes(as_bytes(home::home_config_text(config).value())));
  home::RootConfig token{"pkcs11", "pkcs11:0123:root", home::RootConfig::Passphrase::kFile, "/run/pin", {}};
  token.options = {{"module", "/usr/lib/softhsm/libsofthsm2.so"}, {"token", "cloister"}, {"key", "root"}};
  token.options["parameters"] = "configdir='sql:/srv/nss'";
  config.roots = {{"first", token}};
  seeds->push_back(to_bytes(as_bytes(home::home_config_text(config).value())));
  config.postgres = {"/etc/cloister/postgres", "keys", home::Standby::kRequired};
  seeds->push_back(to_bytes(as_bytes(home::home_config_text(config).value())));
  config.roots["file"] = {"software", "file:0123", home::RootConfig::Passphrase::kNone, "", {{"key_file", "roots/a"}}};
  seeds->push_back(to_bytes(as_bytes(home::home_config_text(config).value())));
  config.anchor = "/mnt/elsewhere/anchor";
  seeds->push_back(to_bytes(as_bytes(home::home_config_text(config).value())));
  for (const char* text : {R"({"version": "1", "root": {}})", R"({"version": 1, "root": {"kind": 7}})", "[[[[{}]]]]"})
    seeds->push_back(to_bytes(as_bytes(text)));
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config = home::parse_home_config({data, size});
  if (!config.ok()) return 0;
  CLOISTER_CHECK(!config->roots.empty());
  for (const auto& [name, root] : config->roots) CLOISTER_CHECK(home::check_root(root).ok());
  const auto text = home::home_config_text(*config);
  if (!text.ok()) return 0;
  const auto again = home::parse_home_config(as_bytes(*text));
  CLOISTER_CHECK(again.ok() && home::home_config_text(*again).value() == *text);
  return 0;
}
