#include "home/home_config.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/reader.h"
#include "keys/postgres_rules.h"
#include "keys/root_use.h"

namespace cloister::home {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;
// Says that the store is elsewhere: a program that knows version 1 alone must not go on with an old keys.db.
constexpr int kVersionElsewhere = 2;
// Says that there may be several roots, of kinds and in places that the older ones don't have.
constexpr int kVersionRoots = 3;
// Says that an anchor holds the store to what it was: a program that doesn't know it must not open an old one.
constexpr int kVersionAnchor = 4;
constexpr std::uint64_t kSizeMax = 256 * 1024;
constexpr std::size_t kRootsMax = 100;

using Passphrase = RootConfig::Passphrase;

std::string_view passphrase_word(Passphrase passphrase) {
  switch (passphrase) {
    case Passphrase::kNone: return "none";
    case Passphrase::kFile: return "file";
    case Passphrase::kPrompt: return "prompt";
  }
  return "none";
}

Result<Passphrase> parse_passphrase(std::string_view word) {
  for (const Passphrase passphrase : {Passphrase::kNone, Passphrase::kFile, Passphrase::kPrompt}) {
    if (word == passphrase_word(passphrase)) return passphrase;
  }
  return Error(Code::kInvalid, "passphrase must be none, file or prompt");
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

Json root_json(const RootConfig& root) {
  Json json = {{"kind", root.kind}};
  if (!root.id.empty()) json["id"] = root.id;
  for (const auto& [name, value] : root.options) json[name] = value;
  json["passphrase"] = passphrase_word(root.passphrase);
  if (root.passphrase == Passphrase::kFile) json["passphrase_file"] = root.passphrase_file;
  return json;
}

const RootKind* find_kind(std::string_view name) {
  const auto kind = std::ranges::find(root_kinds(), name, &RootKind::name);
  return kind == root_kinds().end() ? nullptr : &*kind;
}

bool is_common_member(std::string_view name) {
  return name == "kind" || name == "id" || name == "passphrase" || name == "passphrase_file";
}

Result<RootConfig> parse_root(const Json& json) {
  if (!json.is_object()) return malformed("a root must be an object");
  RootConfig root;
  CLOISTER_TRY(root.kind, text_of(json, "kind"));
  if (find_kind(root.kind) == nullptr) return malformed("unknown kind of root");
  CLOISTER_TRY(root.id, text_of(json, "id"));
  CLOISTER_TRY(const std::string word, text_of(json, "passphrase"));
  CLOISTER_TRY(root.passphrase, parse_passphrase(word));
  CLOISTER_TRY(root.passphrase_file, text_of(json, "passphrase_file"));
  for (const auto& [name, value] : json.items()) {
    if (is_common_member(name)) continue;
    if (!value.is_string()) return malformed(name + " must be text");
    if (const auto text = value.get<std::string>(); !text.empty()) root.options[name] = text;
  }
  CLOISTER_RETURN_IF_ERROR(check_root(root));
  return root;
}

// A configuration that the versions before could read is written as they wrote it.
bool is_as_before(const HomeConfig& config) {
  if (!config.anchor.empty()) return false;
  if (config.roots.size() != 1 || config.roots.begin()->first != keys::kFirstRoot) return false;
  const RootConfig& root = config.roots.begin()->second;
  return root.kind == "pkcs11" || (root.kind == "software" && root.options.empty());
}

Status check_anchor(const std::string& anchor) {
  if (anchor.empty()) return {};
  if (!is_plain_utf8(anchor)) return malformed("the anchor's name must be plain UTF-8");
  if (!Path(anchor).is_absolute()) return malformed("the anchor must be named from the root of the file system");
  return {};
}

Result<HomeConfig> parse_roots(const Json& json) {
  if (!json.is_object() || json.empty() || json.size() > kRootsMax) return malformed("there must be 1 to 100 roots");
  HomeConfig config;
  for (const auto& [name, value] : json.items()) {
    CLOISTER_RETURN_IF_ERROR(keys::check_root_name(name));
    CLOISTER_TRY(RootConfig root, parse_root(value).with_context("root " + name));
    if (root.id.empty() && json.size() > 1) return malformed("root " + name + " must say its id");
    config.roots.emplace(name, std::move(root));
  }
  return config;
}

}  // namespace

const std::string& RootConfig::option(std::string_view name) const {
  static const std::string none;
  const auto found = options.find(name);
  return found == options.end() ? none : found->second;
}

const std::vector<RootKind>& root_kinds() {
  static const std::vector<RootKind> kinds = {
      {"software", {}, {"key_file"}},
      {"pkcs11", {"module", "token", "key"}, {"parameters"}},
      {"aws-kms",
       {"key", "region"},
       {"endpoint", "fips", "dual_stack", "authorities_file", "profile", "sts_endpoint", "metadata_endpoint"}},
      {"kmip",
       {"key", "host", "authorities_file", "certificate_file", "private_key_file"},
       {"port", "cipher", "newest"}},
      {"vault-transit",
       {"key", "address"},
       {"mount", "namespace", "authorities_file", "certificate_file", "private_key_file", "auth", "auth_mount", "role",
        "secret_file"}},
      {"azure-key-vault",
       {"key", "vault"},
       {"tenant", "resource", "algorithm", "authorities_file", "credential", "login", "metadata_endpoint", "client_id",
        "client_secret_file", "federated_token_file"}},
      {"google-kms",
       {"key", "location"},
       {"key_ring", "endpoint", "quota_project", "authorities_file", "credential", "credential_file",
        "metadata_endpoint"}},
  };
  return kinds;
}

Status check_root(const RootConfig& root) {
  const RootKind* kind = find_kind(root.kind);
  if (kind == nullptr) return malformed("unknown kind of root");
  for (const std::string_view name : kind->needed) {
    if (root.option(name).empty()) return malformed("a root of kind " + root.kind + " needs " + std::string(name));
  }
  for (const auto& [name, value] : root.options) {
    const auto has = [&](const auto& list) { return std::ranges::find(list, name) != list.end(); };
    if (!has(kind->needed) && !has(kind->possible)) {
      return malformed("a root of kind " + root.kind + " has no " + name);
    }
  }
  return {};
}

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
  for (const auto& [name, root] : config.roots) {
    bool plain = is_plain_utf8(root.id) && is_plain_utf8(root.passphrase_file);
    for (const auto& [option, value] : root.options) plain = plain && is_plain_utf8(value);
    if (!plain) return malformed("names of files and of keys in the configuration must be plain UTF-8");
  }
  if (config.postgres && !is_plain_utf8(config.postgres->connection_file)) {
    return malformed("the connection file's name must be plain UTF-8");
  }
  CLOISTER_RETURN_IF_ERROR(check_anchor(config.anchor));
  Json json;
  if (is_as_before(config)) {
    RootConfig root = config.roots.begin()->second;
    root.id.clear();
    json = {{"version", config.postgres ? kVersionElsewhere : kVersion}, {"root", root_json(root)}};
  } else {
    json = {{"version", config.anchor.empty() ? kVersionRoots : kVersionAnchor}, {"roots", Json::object()}};
    for (const auto& [name, root] : config.roots) json["roots"][name] = root_json(root);
  }
  if (!config.anchor.empty()) json["anchor"] = config.anchor;
  if (config.postgres) json["store"] = store_json(*config.postgres);
  return json.dump(2) + "\n";
}

Result<HomeConfig> parse_home_config(ByteView bytes) {
  const Json json = Json::parse(as_text(bytes), nullptr, false);
  if (!json.is_object() || (!json.contains("root") && !json.contains("roots"))) return malformed("not a configuration");
  const auto version = json.find("version");
  if (version == json.end() || !version->is_number_integer())
    return malformed("not a configuration: it has no version");
  if (*version != kVersion && *version != kVersionElsewhere && *version != kVersionRoots &&
      *version != kVersionAnchor) {
    return Error(Code::kUnsupported, "made by another version of this program");
  }
  const bool several = *version == kVersionRoots || *version == kVersionAnchor;
  if (several == json.contains("root") || several != json.contains("roots")) {
    return malformed("version 3 has roots and so has 4, versions 1 and 2 have one root");
  }
  if (!several && !json["root"].is_object()) return malformed("not a configuration");
  const auto store = json.find("store");
  if (!several && (store != json.end()) != (*version == kVersionElsewhere)) {
    return malformed("version 2 names a store, version 1 none");
  }
  if ((*version == kVersionAnchor) != json.contains("anchor")) return malformed("version 4 alone names an anchor");
  HomeConfig config;
  if (several) {
    CLOISTER_TRY(config, parse_roots(json["roots"]));
  } else {
    CLOISTER_TRY(RootConfig root, parse_root(json["root"]));
    config.roots.emplace(keys::kFirstRoot, std::move(root));
  }
  if (store != json.end()) {
    CLOISTER_TRY(config.postgres, parse_store(*store));
  }
  CLOISTER_TRY(config.anchor, text_of(json, "anchor"));
  if (json.contains("anchor") && config.anchor.empty()) return malformed("the anchor must name a file");
  CLOISTER_RETURN_IF_ERROR(check_anchor(config.anchor));
  return config;
}

Result<HomeConfig> read_home_config(const Path& path) {
  CLOISTER_TRY(const File file, File::open(path));
  CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kUnwritten));
  CLOISTER_TRY(const Bytes bytes, read_rest(file, kSizeMax));
  return parse_home_config(bytes).with_context("read " + path.string());
}

}  // namespace cloister::home
