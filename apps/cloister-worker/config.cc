#include "cloister-worker/config.h"

#include <algorithm>
#include <array>
#include <limits>

#include "attest/workload_manifest.h"
#include "base/toml_fields.h"
#include "cloister-worker/engine_reach.h"
#include "mesh/relay/config_tables.h"

namespace cloister::worker {
namespace {

constexpr std::string_view kInference = "inference";
constexpr std::string_view kInferenceRole = "infer";
constexpr std::string_view kService = "service";
constexpr std::string_view kIdentity = "identity";
constexpr std::array<std::string_view, 6> kIdentityKeys = {"certificate",       "key",        "bundle", "workload_api",
                                                           "workload_api_user", "conformance"};
constexpr std::size_t kKeyringIdSize = 16;
constexpr std::uint32_t kUserMax = std::numeric_limits<std::uint32_t>::max() - 1;

Result<Path> absolute(const TomlFields& fields, std::string_view key) {
  CLOISTER_TRY(const std::string text, fields.text(key));
  if (text.starts_with('/')) return Path(text);
  return fields.error(fields.line_of(key), std::string(key) + " isn't an absolute path");
}

Result<std::vector<Path>> paths(const TomlFields& fields, std::string_view key) {
  std::vector<Path> list;
  if (!fields.has(key)) return list;
  CLOISTER_TRY(const auto words, fields.words(key));
  for (const TomlFields::Word& word : words) {
    if (!word.text.starts_with('/')) return fields.error(word.line, std::string(key) + " takes absolute paths");
    list.emplace_back(word.text);
  }
  return list;
}

// A name as it stands in a path of the key service.
Result<std::string> segment(const TomlFields& fields, std::string_view key) {
  CLOISTER_TRY(const std::string text, fields.text(key));
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  if (!text.empty() && text.front() != '.' && std::ranges::all_of(text, plain)) return text;
  return fields.error(fields.line_of(key), std::string(key) + " isn't a name");
}

Result<crypto::Sha256Digest> digest(const TomlFields& fields, std::string_view key) {
  CLOISTER_TRY(const std::string text, fields.text(key));
  auto parsed = attest::parse_digest_text(text);
  if (!parsed.ok()) return fields.error(fields.line_of(key), std::string(key) + " " + parsed.error().message());
  return parsed;
}

Status read_top(const TomlFields& fields, WorkerConfig& config) {
  constexpr std::array<std::string_view, 3> kKeys = {"name", "role", "manifest"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(config.name, segment(fields, "name"));
  CLOISTER_TRY(config.role, segment(fields, "role"));
  CLOISTER_TRY(config.manifest, absolute(fields, "manifest"));
  return {};
}

Status read_reach(const TomlFields& fields, KeyServiceSettings& service) {
  if (fields.has("address") == fields.has("socket")) {
    return fields.error(fields.line(), "it is reached by address and id, or by socket and user");
  }
  if (fields.has("socket")) {
    CLOISTER_TRY(service.socket, absolute(fields, "socket"));
    CLOISTER_TRY(service.user, fields.integer("user", 0, kUserMax));
    return {};
  }
  CLOISTER_TRY(const std::string text, fields.text("address"));
  auto address = net::parse_tcp_address(text);
  if (!address.ok()) return fields.error(fields.line_of("address"), address.error().message());
  service.address = std::move(address).value();
  CLOISTER_TRY(service.id, fields.text("id"));
  return {};
}

// [service]: the only one.
Status read_service(const TomlFields& fields, WorkerConfig& config) {
  constexpr std::array<std::string_view, 4> kKeys = {"address", "id", "socket", "user"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  return read_reach(fields, config.services.emplace_back());
}

Result<std::string> read_keyring(const TomlFields& fields) {
  CLOISTER_TRY(const std::string text, fields.text("keyring"));
  const auto bytes = from_hex(text);
  if (bytes.ok() && bytes->size() == kKeyringIdSize && to_hex(*bytes) == text) return text;
  return fields.error(fields.line_of("keyring"), "keyring is 32 hexadecimal digits, as `cloister inspect` shows them");
}

// [[service]]: one of several, with what says who this worker is to it, where [identity] doesn't.
Status read_broker(const TomlTable& table, WorkerConfig& config) {
  constexpr std::array<std::string_view, 6> kKeys = {"name", "keyring", "address", "id", "socket", "user"};
  TomlTable own{table.name, table.line, table.listed, {}}, identity = own;
  for (const TomlEntry& entry : table.entries) {
    const bool known = std::ranges::find(kIdentityKeys, entry.key) != kIdentityKeys.end();
    (known ? identity : own).entries.push_back(entry);
  }
  TomlFields fields(own, "[[service]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  if (config.services.size() == kKeyServicesMax) return fields.error(table.line, "there are at most 16 of them");
  KeyServiceSettings service;
  CLOISTER_TRY(service.name, segment(fields, "name"));
  fields.set_what("[[service]] \"" + service.name + "\"");
  CLOISTER_TRY(service.keyring, read_keyring(fields));
  for (const KeyServiceSettings& other : config.services) {
    if (other.name == service.name) return fields.error(table.line, "the name is there twice");
    if (other.keyring == service.keyring) return fields.error(table.line, "the keyring is there twice");
  }
  CLOISTER_RETURN_IF_ERROR(read_reach(fields, service));
  if (!identity.entries.empty()) {
    if (!service.address) return fields.error(table.line, "an identity goes with an address");
    mesh::RelayConfig relay;
    CLOISTER_RETURN_IF_ERROR(mesh::read_relay_identity(TomlFields(identity, "[[service]]"), relay));
    service.identity = std::move(relay.identity);
  }
  config.services.push_back(std::move(service));
  return {};
}

bool has_identity(const KeyServiceSettings& service) {
  return !service.identity.certificate.empty() || !service.identity.workload_api.empty();
}

// [identity]: to every service that has none of its own.
Status read_identity(const TomlTable& table, WorkerConfig& config) {
  mesh::RelayConfig relay;
  CLOISTER_RETURN_IF_ERROR(mesh::read_relay_identity(TomlFields(table, "[identity]"), relay));
  for (KeyServiceSettings& service : config.services) {
    if (!has_identity(service)) service.identity = relay.identity;
  }
  return {};
}

Status read_release(const TomlFields& fields, WorkerConfig& config) {
  constexpr std::array<std::string_view, 4> kKeys = {"tenant", "environment", "dataset", "purpose"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(config.target.tenant, segment(fields, "tenant"));
  if (fields.has("environment")) {
    CLOISTER_TRY(config.target.environment, segment(fields, "environment"));
  }
  CLOISTER_TRY(config.target.dataset, segment(fields, "dataset"));
  CLOISTER_TRY(config.target.purpose, segment(fields, "purpose"));
  return {};
}

Status read_model(const TomlFields& fields, WorkerConfig& config) {
  constexpr std::array<std::string_view, 2> kKeys = {"path", "sha256"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(config.model, absolute(fields, "path"));
  CLOISTER_TRY(config.model_digest, digest(fields, "sha256"));
  return {};
}

Status read_attester(const TomlFields& fields, WorkerConfig& config) {
  using enum attest::Kind;
  constexpr std::array<std::string_view, 4> kKeys = {"kind", "key", "tpm", "gpus"};
  constexpr std::array kKinds = {kSgx, kTdx, kSnp, kCca, kTpm, kInsecureSoftware};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(const std::string name, fields.text("kind"));
  const auto kind = attest::kind_of(name);
  if (!kind || std::ranges::find(kKinds, *kind) == kKinds.end()) {
    return fields.error(fields.line_of("kind"), "there is no attester of the kind " + name);
  }
  config.attester = *kind;
  CLOISTER_TRY(config.gpus, fields.boolean_or("gpus", false));
  if ((*kind == kInsecureSoftware) != fields.has("key")) {
    return fields.error(fields.line(), "a key belongs to insecure_software, and to that alone");
  }
  if ((*kind == kTpm) != fields.has("tpm")) {
    return fields.error(fields.line(), "how to reach it is for the kind tpm, and for that alone");
  }
  if (*kind == kTpm) {
    CLOISTER_TRY(config.tpm, fields.text("tpm"));
  }
  if (*kind != kInsecureSoftware) return {};
  CLOISTER_TRY(config.attester_key, absolute(fields, "key"));
  return {};
}

Status read_engine(const TomlFields& fields, WorkerConfig& config) {
  constexpr std::array<std::string_view, 1> kKeys = {"command"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(const auto words, fields.words("command"));
  for (const TomlFields::Word& word : words) config.engine.command.push_back(word.text);
  if (config.engine.command.front().starts_with('/')) return {};
  return fields.error(fields.line_of("command"), "command begins with an absolute path");
}

Status read_lockdown(const TomlFields& fields, WorkerConfig& config) {
  constexpr std::array<std::string_view, 6> kKeys = {"egress",   "readable",          "executable",
                                                     "writable", "executable_memory", "debug"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  if (fields.has("egress")) {
    CLOISTER_TRY(const auto words, fields.words("egress"));
    for (const TomlFields::Word& word : words) {
      if (!net::parse_tcp_address(word.text).ok()) return fields.error(word.line, "egress is a list of host:port");
      config.egress.push_back(word.text);
    }
  }
  CLOISTER_TRY(config.readable, paths(fields, "readable"));
  CLOISTER_TRY(config.executable, paths(fields, "executable"));
  CLOISTER_TRY(config.writable, paths(fields, "writable"));
  CLOISTER_TRY(config.executable_memory, fields.boolean_or("executable_memory", false));
  CLOISTER_TRY(config.debug, fields.boolean_or("debug", false));
  return {};
}

struct TableKind {
  std::string_view name;
  bool listed;
  bool needed;
  Status (*read)(const TomlFields& fields, WorkerConfig& config);
};
constexpr std::array<TableKind, 6> kTables = {{{kService, false, true, read_service},
                                               {"release", false, true, read_release},
                                               {"model", false, true, read_model},
                                               {"attester", false, true, read_attester},
                                               {"engine", false, false, read_engine},
                                               {"lockdown", false, false, read_lockdown}}};

std::string written(std::string_view name, bool listed) {
  return (listed ? "[[" : "[") + std::string(name) + (listed ? "]]" : "]");
}

Status read_table(const TomlTable& table, WorkerConfig& config) {
  if (table.name == kInference && !table.listed) {
    CLOISTER_TRY(config.inference, parse_inference_config(table));
    return {};
  }
  if (table.name == kIdentity && !table.listed) return {};  // after the services it is for
  if (table.name == kService && table.listed) return read_broker(table, config);
  const auto found = std::ranges::find(kTables, table.name, &TableKind::name);
  const std::string where = "line " + std::to_string(table.line) + ": ";
  if (found == kTables.end()) {
    std::vector<std::string_view> names = {kInference, kIdentity};
    for (const TableKind& kind : kTables) names.push_back(kind.name);
    return Error(Code::kInvalid,
                 where + "there is no table " + written(table.name, table.listed) + suggestion(table.name, names));
  }
  if (found->listed != table.listed)
    return Error(Code::kInvalid, where + "write " + written(table.name, found->listed));
  return found->read(TomlFields(table, written(table.name, table.listed)), config);
}

Status check_whole(const TomlDocument& document, const WorkerConfig& config) {
  for (const TableKind& kind : kTables) {
    if (kind.needed && std::ranges::find(document.tables, kind.name, &TomlTable::name) == document.tables.end()) {
      return Error(Code::kInvalid, "there is no " + written(kind.name, kind.listed));
    }
  }
  for (const KeyServiceSettings& service : config.services) {
    if (!service.address || has_identity(service)) continue;
    return Error(Code::kInvalid, "there is no [identity], which a key service behind an address asks for");
  }
  if (config.services.size() == 1 && !config.services.front().name.empty()) {
    return Error(Code::kInvalid, "there is one [[service]]: write [service], or name the others");
  }
  const auto& inference = config.inference;
  if (config.engine.command.empty() && !inference) {
    return Error(Code::kInvalid, "there is neither [engine] nor [inference]: nobody would use the model");
  }
  if (inference && config.role != kInferenceRole) {
    return Error(Code::kInvalid,
                 "[inference] is for the role infer: no client asks a worker of the role " + config.role);
  }
  if (inference && inference->onnx && !config.engine.command.empty()) {
    return Error(Code::kInvalid, "[inference] runs the model by its library: there is nothing for [engine] to do");
  }
  if (inference && inference->engine_socket && config.engine.command.empty()) {
    return Error(Code::kInvalid, "there is no [engine], which would listen at engine_socket and have the model");
  }
  return {};
}

bool names_hosts(const WorkerConfig& config) {
  return std::ranges::any_of(egress_of(config), [](const std::string& text) {
    const auto address = net::parse_tcp_address(text);
    return address.ok() && !net::numeric_address(*address).ok();
  });
}

}  // namespace

Result<WorkerConfig> parse_worker_config(std::string_view text) {
  CLOISTER_TRY(const TomlDocument document, parse_toml(text, TomlSubset::kSettings));
  WorkerConfig config;
  CLOISTER_RETURN_IF_ERROR(read_top(TomlFields(document.top, ""), config));
  for (const TomlTable& table : document.tables) CLOISTER_RETURN_IF_ERROR(read_table(table, config));
  for (const TomlTable& table : document.tables) {
    if (table.name == kIdentity) CLOISTER_RETURN_IF_ERROR(read_identity(table, config));
  }
  CLOISTER_RETURN_IF_ERROR(check_whole(document, config));
  config.target.role = config.role;
  config.digest = crypto::sha256(as_bytes(text));
  return config;
}

Result<WorkerConfig> read_worker_config(const Path& path) {
  CLOISTER_TRY(const File file, File::open(path));
  CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kUnwritten));
  CLOISTER_TRY(const Bytes text, read_rest(file, kWorkerConfigSizeMax));
  return parse_worker_config(as_text(text)).with_context("read " + path.string());
}

std::vector<std::string> egress_of(const WorkerConfig& config) {
  std::vector<std::string> all;
  for (const KeyServiceSettings& service : config.services) {
    if (service.address) all.push_back(service.address->to_string());
  }
  all.insert(all.end(), config.egress.begin(), config.egress.end());
  return all;
}

LockdownRequest lockdown_request(const WorkerConfig& config) {
  LockdownRequest request;
  request.debug = config.debug;
  request.executable_memory = config.executable_memory;
  request.name_service = names_hosts(config);
  LandlockRules& reach = request.reach;
  reach.readable = config.readable;
  reach.executable = config.executable;
  reach.writable = config.writable;
  reach.readable.insert(reach.readable.end(), {"/dev/null", "/dev/urandom", "/proc/self"});
  for (const KeyServiceSettings& service : config.services) {
    const mesh::IdentitySettings& identity = service.identity;
    for (const Path& path : {identity.certificate, identity.key, identity.bundle}) {
      // The folder: files are replaced.
      if (!path.empty()) reach.readable.push_back(path.parent_path());
    }
    for (const auto& federated : identity.federated) reach.readable.push_back(federated.file.parent_path());
  }
  if (!config.engine.command.empty()) {
    reach.executable.emplace_back(config.engine.command.front());
    reach.executable.insert(reach.executable.end(), kLibraryPaths.begin(), kLibraryPaths.end());
    reach.writable.emplace_back("/dev/null");
  }
  if (request.name_service) {
    reach.readable.insert(reach.readable.end(), kLibraryPaths.begin(), kLibraryPaths.end());
    reach.readable.insert(reach.readable.end(), kNameServicePaths.begin(), kNameServicePaths.end());
  }
  if (config.inference) {
    reach.writable.push_back(config.inference->listen.parent_path());
    const auto& engine = config.inference->engine_socket;
    if (engine) reach.writable.push_back(engine->socket.parent_path());
  }
  if (config.attester == attest::Kind::kSgx) reach.writable.emplace_back("/dev/attestation");
  if (config.attester == attest::Kind::kSnp || config.attester == attest::Kind::kTdx ||
      config.attester == attest::Kind::kCca) {
    reach.writable.emplace_back("/sys/kernel/config/tsm/report");
    reach.readable.emplace_back("/sys/firmware/acpi/tables/data");
  }
  for (const std::string& text : egress_of(config)) {
    const auto address = net::parse_tcp_address(text);
    CLOISTER_CHECK(address.ok());
    reach.connect_ports.push_back(address->port);
  }
  return request;
}

}  // namespace cloister::worker
