#include "home_config.h"

#include <nlohmann/json.hpp>

#include "base/reader.h"

namespace cloister::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr std::uint64_t kSizeMax = 64 * 1024;

std::string_view passphrase_word(HomeConfig::Passphrase passphrase) {
  switch (passphrase) {
    case HomeConfig::Passphrase::kNone: return "none";
    case HomeConfig::Passphrase::kFile: return "file";
    case HomeConfig::Passphrase::kPrompt: return "prompt";
  }
  return "none";
}

Error malformed(std::string_view what) { return Error(Code::kInvalid, std::string(what)); }

// Empty where there is none.
Result<std::string> text_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end()) return std::string();
  if (!found->is_string()) return malformed(std::string(name) + " must be text");
  return found->get<std::string>();
}

}  // namespace

Result<std::string> home_config_text(const HomeConfig& config) {
  for (const std::string* text : {&config.passphrase_file, &config.pkcs11_module, &config.pkcs11_token,
                                  &config.pkcs11_key, &config.pkcs11_parameters}) {
    if (!is_plain_utf8(*text)) return malformed("names of files and of keys in the configuration must be plain UTF-8");
  }
  Json root = {{"kind", config.root_kind}};
  if (config.root_kind == "pkcs11") {
    root["module"] = config.pkcs11_module;
    root["token"] = config.pkcs11_token;
    root["key"] = config.pkcs11_key;
    if (!config.pkcs11_parameters.empty()) root["parameters"] = config.pkcs11_parameters;
  }
  root["passphrase"] = passphrase_word(config.passphrase);
  if (config.passphrase == HomeConfig::Passphrase::kFile) root["passphrase_file"] = config.passphrase_file;
  return Json{{"version", kVersion}, {"root", root}}.dump(2) + "\n";
}

Result<HomeConfig> parse_home_config(ByteView bytes) {
  const Json json = Json::parse(as_text(bytes), nullptr, false);
  const auto found_root = json.is_object() ? json.find("root") : json.end();
  if (!json.is_object() || found_root == json.end() || !found_root->is_object())
    return malformed("not a configuration");
  const auto version = json.find("version");
  if (version == json.end() || !version->is_number_integer())
    return malformed("not a configuration: it has no version");
  if (*version != kVersion) return Error(Code::kUnsupported, "made by another version of this program");

  const Json& root = *found_root;
  HomeConfig config;
  CLOISTER_TRY(config.root_kind, text_of(root, "kind"));
  if (config.root_kind != "software" && config.root_kind != "pkcs11") return malformed("unknown kind of root");
  CLOISTER_TRY(const std::string word, text_of(root, "passphrase"));
  if (word == "file") {
    config.passphrase = HomeConfig::Passphrase::kFile;
  } else if (word == "prompt") {
    config.passphrase = HomeConfig::Passphrase::kPrompt;
  } else if (word != "none") {
    return malformed("passphrase must be none, file or prompt");
  }
  CLOISTER_TRY(config.passphrase_file, text_of(root, "passphrase_file"));
  CLOISTER_TRY(config.pkcs11_module, text_of(root, "module"));
  CLOISTER_TRY(config.pkcs11_token, text_of(root, "token"));
  CLOISTER_TRY(config.pkcs11_key, text_of(root, "key"));
  CLOISTER_TRY(config.pkcs11_parameters, text_of(root, "parameters"));
  return config;
}

Result<HomeConfig> read_home_config(const Path& path) {
  CLOISTER_TRY(const File file, File::open(path));
  CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kUnwritten));
  CLOISTER_TRY(const Bytes bytes, read_rest(file, kSizeMax));
  return parse_home_config(bytes).with_context("read " + path.string());
}

}  // namespace cloister::cli
