#include "home/home_config.h"

#include <nlohmann/json.hpp>

#include "base/reader.h"
#include "keys/postgres_rules.h"

namespace cloister::home {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;
// Says that the store is elsewhere: a program that knows version 1 alone must not go on with an old keys.db.
constexpr int kVersionElsewhere = 2;
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

Json store_json(const PostgresConfig& config) {
  return {{"kind", "postgres"},
          {"connection_file", config.connection_file},
          {"schema", config.schema},
          {"standby", config.standby == Standby::kRequired ? "required" : "optional"}};
}

Result<PostgresConfig> parse_store(const Json& store) {
  if (!store.is_object()) return malformed("the store must be an object");
  CLOISTER_TRY(const std::string kind, text_of(store, "kind"));
  if (kind != "postgres") return malformed("unknown kind of store");
  PostgresConfig config;
  CLOISTER_TRY(config.connection_file, text_of(store, "connection_file"));
  CLOISTER_TRY(config.schema, text_of(store, "schema"));
  CLOISTER_RETURN_IF_ERROR(keys::check_schema_name(config.schema));
  CLOISTER_TRY(const std::string standby, text_of(store, "standby"));
  if (standby != "required" && standby != "optional") return malformed("standby must be required or optional");
  config.standby = standby == "required" ? Standby::kRequired : Standby::kOptional;
  return config;
}

}  // namespace

std::string PostgresConfig::text() const {
  return "PostgreSQL, schema " + schema + ", by " +
         (connection_file.empty() ? std::string("the environment") : connection_file) +
         (standby == Standby::kRequired ? ", standby required" : "");
}

Result<PostgresConfig> make_postgres_config(const std::string& connection, const std::string& schema, Standby standby) {
  CLOISTER_RETURN_IF_ERROR(keys::check_schema_name(schema));
  PostgresConfig config{"", schema, standby};
  if (connection == "environment") return config;
  std::error_code error;
  const auto type = std::filesystem::status(connection, error).type();
  if (type == std::filesystem::file_type::not_found) {
    return Error(Code::kNotFound, "there is no connection file " + connection);
  }
  // Every later run reads it again.
  if (type != std::filesystem::file_type::regular) return malformed(connection + " isn't a file that stays");
  config.connection_file = std::filesystem::absolute(connection, error).string();
  return config;
}

Result<std::string> home_config_text(const HomeConfig& config) {
  for (const std::string* text : {&config.passphrase_file, &config.pkcs11_module, &config.pkcs11_token,
                                  &config.pkcs11_key, &config.pkcs11_parameters}) {
    if (!is_plain_utf8(*text)) return malformed("names of files and of keys in the configuration must be plain UTF-8");
  }
  if (config.postgres && !is_plain_utf8(config.postgres->connection_file)) {
    return malformed("the connection file's name must be plain UTF-8");
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
  if (!config.postgres) return Json{{"version", kVersion}, {"root", root}}.dump(2) + "\n";
  return Json{{"version", kVersionElsewhere}, {"root", root}, {"store", store_json(*config.postgres)}}.dump(2) + "\n";
}

Result<HomeConfig> parse_home_config(ByteView bytes) {
  const Json json = Json::parse(as_text(bytes), nullptr, false);
  const auto found_root = json.is_object() ? json.find("root") : json.end();
  if (!json.is_object() || found_root == json.end() || !found_root->is_object())
    return malformed("not a configuration");
  const auto version = json.find("version");
  if (version == json.end() || !version->is_number_integer())
    return malformed("not a configuration: it has no version");
  if (*version != kVersion && *version != kVersionElsewhere) {
    return Error(Code::kUnsupported, "made by another version of this program");
  }
  const auto store = json.find("store");
  if ((store != json.end()) != (*version == kVersionElsewhere)) {
    return malformed("version 2 names a store, version 1 none");
  }

  const Json& root = *found_root;
  HomeConfig config;
  if (store != json.end()) {
    CLOISTER_TRY(config.postgres, parse_store(*store));
  }
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

}  // namespace cloister::home
