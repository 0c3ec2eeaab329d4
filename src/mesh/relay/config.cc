#include "mesh/relay/config.h"

#include <algorithm>
#include <array>

#include "base/toml_fields.h"
#include "mesh/relay/config_tables.h"

namespace cloister::mesh {
namespace {

using ReadTable = Status (*)(const TomlFields& fields, RelayConfig& config);
struct TableKind {
  std::string_view name;
  bool listed;
  ReadTable read;
};
constexpr std::array<TableKind, 9> kTables = {{{"identity", false, read_relay_identity},
                                               {"federated", true, read_relay_federated},
                                               {"relay", false, read_relay_process},
                                               {"limits", false, read_relay_limits},
                                               {"log", false, read_relay_log},
                                               {"metrics", false, read_relay_metrics},
                                               {"receipts", false, read_relay_receipts},
                                               {"inbound", true, read_relay_inbound},
                                               {"outbound", true, read_relay_outbound}}};

std::string written(std::string_view name, bool listed) {
  return (listed ? "[[" : "[") + std::string(name) + (listed ? "]]" : "]");
}

Result<const TableKind*> kind_of(const TomlTable& table) {
  const auto found = std::ranges::find(kTables, table.name, &TableKind::name);
  const std::string where = "line " + std::to_string(table.line) + ": ";
  if (found == kTables.end()) {
    std::vector<std::string_view> names;
    for (const TableKind& kind : kTables) names.push_back(kind.name);
    return Error(Code::kInvalid,
                 where + "there is no table " + written(table.name, table.listed) + suggestion(table.name, names));
  }
  if (found->listed == table.listed) return &*found;
  return Error(Code::kInvalid, where + "write " + written(table.name, found->listed));
}

Status check_whole(const RelayConfig& config) {
  if (config.identity.workload_api.empty() && config.identity.certificate.empty()) {
    return Error(Code::kInvalid, "there is no [identity]: a relay that can't prove who it is serves nobody");
  }
  if (!config.identity.workload_api.empty() && !config.identity.federated.empty()) {
    return Error(Code::kInvalid, "[[federated]] goes with PEM files: the Workload API brings its bundles along");
  }
  if (config.listeners.empty()) return Error(Code::kInvalid, "there is no [[inbound]] and no [[outbound]]");
  if (config.listeners.size() > kRelayListenersMax) return Error(Code::kInvalid, "more than 256 listeners");
  for (auto one = config.listeners.begin(); one != config.listeners.end(); ++one) {
    for (auto other = config.listeners.begin(); other != one; ++other) {
      if (one->name == other->name) return Error(Code::kInvalid, "two listeners are named " + one->name);
      // Port 0 is a different one each time.
      const bool same = one->listen.to_string() == other->listen.to_string();
      if (same && (one->listen.is_unix() || one->listen.tcp.port != 0)) {
        return Error(Code::kInvalid, one->name + " and " + other->name + " listen at the same place");
      }
    }
  }
  return {};
}

std::string list_of(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "" : ", ") + word;
  return list;
}

std::string describe(const ListenerSettings& listener) {
  std::vector<std::string> targets, peers;
  for (const RelayAddress& target : listener.targets) targets.push_back(target.to_string());
  for (const std::string& peer : listener.peers.patterns()) peers.push_back(peer + (peer.ends_with('/') ? "*" : ""));
  const bool inbound = listener.direction == ListenerSettings::Direction::kInbound;
  std::string text = "  " + listener.name + ": " +
                     (inbound ? "mutual TLS at " : "plain, from this machine alone, at ") + listener.listen.to_string();
  if (listener.interception != Interception::kNone) text += ", intercepted";
  text += inbound ? "\n    for " + list_of(peers) + "\n    to the workload at " + list_of(targets)
                  : "\n    by mutual TLS to " + list_of(targets) + "\n    who must be " + list_of(peers);
  if (listener.proxy_header) text += ", with a PROXY header";
  if (!listener.protocols.empty()) text += "\n    ALPN " + list_of(listener.protocols);
  return text + "\n";
}

}  // namespace

std::string RelayAddress::to_string() const { return is_unix() ? "unix:" + path.string() : tcp.to_string(); }

Result<RelayAddress> parse_relay_address(std::string_view text) {
  RelayAddress address;
  if (text.starts_with("unix:")) {
    address.path = text.substr(5);
    if (!address.path.is_absolute()) return Error(Code::kInvalid, "a Unix socket is written unix:/with/its/whole/path");
    CLOISTER_TRY([[maybe_unused]] const auto checked, net::unix_address(address.path));
    return address;
  }
  CLOISTER_TRY(address.tcp, net::parse_tcp_address(text));
  return address;
}

Result<RelayConfig> parse_relay_config(std::string_view text) {
  CLOISTER_TRY(const TomlDocument document, parse_toml(text, TomlSubset::kSettings));
  CLOISTER_RETURN_IF_ERROR(TomlFields(document.top, "").expect_only({}));
  RelayConfig config;
  for (const TomlTable& table : document.tables) {
    CLOISTER_TRY(const TableKind* kind, kind_of(table));
    const TomlFields fields(table, written(table.name, table.listed));
    CLOISTER_RETURN_IF_ERROR(kind->read(fields, config));
  }
  CLOISTER_RETURN_IF_ERROR(check_whole(config));
  return config;
}

Result<RelayConfig> read_relay_config(const Path& path) {
  CLOISTER_TRY(const File file, File::open(path));
  CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kUnwritten));
  CLOISTER_TRY(const Bytes bytes, read_rest(file, kRelayConfigSizeMax));
  return parse_relay_config(as_text(bytes)).with_context(path.string());
}

std::string describe(const RelayConfig& config) {
  const IdentitySettings& identity = config.identity;
  std::string text = identity.workload_api.empty()
                         ? "identity: " + identity.certificate.string() + ", read again when it changes\n"
                         : "identity: from the Workload API at " + identity.workload_api + "\n";
  for (const BundleFile& one : identity.federated) text += "  federates with " + one.trust_domain.name() + "\n";
  for (const ListenerSettings& listener : config.listeners) text += describe(listener);
  text += "  metrics: " + (config.metrics ? config.metrics->to_string() : std::string("nowhere")) + "\n";
  text += "  receipts: " + (config.receipts.empty() ? std::string("none") : config.receipts.string()) + "\n";
  return text;
}

}  // namespace cloister::mesh
