// A config.json of any bytes: parsed or refused, and what was parsed and can be written again means the same.
#include "home/home_config.h"

#include <string>
#include <vector>

using namespace cloister;

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  home::HomeConfig config;
  seeds->push_back(to_bytes(as_bytes(home::home_config_text(config).value())));
  config.root_kind = "pkcs11";
  config.passphrase = home::HomeConfig::Passphrase::kFile;
  config.passphrase_file = "/run/pin";
  config.pkcs11_module = "/usr/lib/softhsm/libsofthsm2.so";
  config.pkcs11_token = "cloister";
  config.pkcs11_key = "root";
  config.pkcs11_parameters = "configdir='sql:/srv/nss'";
  seeds->push_back(to_bytes(as_bytes(home::home_config_text(config).value())));
  config.postgres = {"/etc/cloister/postgres", "keys", home::Standby::kRequired};
  seeds->push_back(to_bytes(as_bytes(home::home_config_text(config).value())));
  for (const char* text : {R"({"version": "1", "root": {}})", R"({"version": 1, "root": {"kind": 7}})", "[[[[{}]]]]"})
    seeds->push_back(to_bytes(as_bytes(text)));
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config = home::parse_home_config({data, size});
  if (!config.ok()) return 0;
  CLOISTER_CHECK(config->root_kind == "software" || config->root_kind == "pkcs11");
  const auto text = home::home_config_text(*config);
  if (!text.ok()) return 0;
  const auto again = home::parse_home_config(as_bytes(*text));
  CLOISTER_CHECK(again.ok() && home::home_config_text(*again).value() == *text);
  return 0;
}
