#include "cloisterd/config.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/toml_fields.h"
#include "cloisterd/config_collateral.h"
#include "cloisterd/config_dialects.h"
#include "cloisterd/config_identities.h"
#include "cloisterd/config_tables.h"

namespace cloister::daemon {
namespace {

constexpr std::array<std::string_view, 2> kTopKeys = {"home", "trust_domain"};

using ReadTable = Status (*)(const TomlFields& fields, Config& config);
struct TableKind {
  std::string_view name;
  bool listed;
  ReadTable read;
};
constexpr std::array<TableKind, 19> kTables = {{{"server", false, read_server},
                                                {"listen", false, read_listen},
                                                {"policy", false, read_policy},
                                                {"identity", false, read_identity},
                                                {"leases", false, read_leases},
                                                {"limits", false, read_limits},
                                                {"log", false, read_log},
                                                {"rotation", false, read_rotation},
                                                {"anomalies", false, read_anomalies},
                                                {"collateral", false, read_collateral_table},
                                                {"dialect_aws", false, read_dialect_aws},
                                                {"dialect_kbs", false, read_dialect_kbs},
                                                {"dialect_kubernetes", false, read_dialect_kubernetes},
                                                {"dialect_vault", false, read_dialect_vault},
                                                {"workload_api", false, read_workload_api},
                                                {"bundle_endpoint", false, read_bundle_endpoint},
                                                {"federates_with", true, read_federates_with},
                                                {"unix_user", true, read_unix_user},
                                                {"unix_workload", true, read_unix_workload}}};

Result<const TableKind*> kind_of(const TomlTable& table) {
  const auto found = std::ranges::find(kTables, table.name, &TableKind::name);
  const auto written = [](std::string_view name, bool listed) {
    return (listed ? "[[" : "[") + std::string(name) + (listed ? "]]" : "]");
  };
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

Result<Config> read_top(const TomlTable& top) {
  const TomlFields fields(top, "");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kTopKeys));
  CLOISTER_TRY(const std::string home, fields.text("home"));
  CLOISTER_RETURN_IF_ERROR(check_absolute(fields, "home", home));
  CLOISTER_TRY(const std::string name, fields.text("trust_domain"));
  auto domain = identity::TrustDomain::parse(name);
  if (!domain.ok()) return fields.error(fields.line_of("trust_domain"), "trust_domain: " + domain.error().message());
  auto own = identity::SpiffeId::of(*domain, "/cloister/keys");
  if (!own.ok()) return own.error();
  Config config(std::move(*domain), std::move(*own));
  config.home = home;
  return config;
}

Status check_whole(const Config& config) {
  if (config.policy_file.empty()) {
    return Error(Code::kInvalid, "there is no [policy] with its file: without a policy everything is refused");
  }
  if (config.tls.empty() && config.enroll.empty() && config.unix_socket.empty() && !config.workload_api) {
    return Error(Code::kInvalid, "there is no [listen] with an address: nobody could reach it");
  }
  if (config.unix_socket.empty() && !config.unix_workloads.empty()) {
    return Error(Code::kInvalid, "[[unix_workload]] needs [listen] unix");
  }
  if (config.unix_socket.empty() && !config.kubernetes && !config.unix_callers.empty()) {
    return Error(Code::kInvalid, "[[unix_user]] needs [listen] unix or [dialect_kubernetes]");
  }
  if (config.kubernetes && config.unix_callers.empty()) {
    return Error(Code::kInvalid, "[dialect_kubernetes] needs a [[unix_user]]: who the API server is");
  }
  if (config.kubernetes && config.kubernetes->socket == config.unix_socket) {
    return Error(Code::kInvalid, "[dialect_kubernetes] and [listen] need a socket each");
  }
  CLOISTER_RETURN_IF_ERROR(check_identities(config));
  for (const auto& [uid, id] : config.unix_callers) {
    if (id == config.own_id.uri()) return Error(Code::kInvalid, "[[unix_user]]: " + id + " is the server's own name");
  }
  for (const UnixWorkload& workload : config.unix_workloads) {
    if (workload.id == config.own_id || workload.id.path().starts_with("/cloister/")) {
      return Error(Code::kInvalid, "[[unix_workload]]: " + workload.id.uri() + " is a name of the service itself");
    }
  }
  CLOISTER_RETURN_IF_ERROR(identity::check_rules(config.rules).with_context("[identity]"));
  return config.limits.check().with_context("[limits]");
}

std::string list_of(const std::vector<net::TcpAddress>& addresses) {
  std::string list;
  for (const net::TcpAddress& address : addresses) list += (list.empty() ? "" : ", ") + address.to_string();
  return list.empty() ? "nowhere" : list;
}

std::string seconds_of(Duration duration) { return std::to_string(duration.ms / 1000) + " s"; }

}  // namespace

std::vector<uid_t> Config::unix_users() const {
  std::vector<uid_t> users = {0, ::geteuid()};
  for (const auto& [uid, id] : unix_callers) users.push_back(uid);
  for (const UnixWorkload& workload : unix_workloads) users.push_back(workload.uid);
  std::ranges::sort(users);
  const auto twins = std::ranges::unique(users);
  users.erase(twins.begin(), twins.end());
  return users;
}

Result<Config> parse_config(std::string_view text) {
  CLOISTER_TRY(const TomlDocument document, parse_toml(text, TomlSubset::kSettings));
  CLOISTER_TRY(Config config, read_top(document.top));
  for (const TomlTable& table : document.tables) {
    CLOISTER_TRY(const TableKind* kind, kind_of(table));
    const TomlFields fields(table, (table.listed ? "[[" : "[") + table.name + (table.listed ? "]]" : "]"));
    CLOISTER_RETURN_IF_ERROR(kind->read(fields, config));
  }
  CLOISTER_RETURN_IF_ERROR(check_whole(config));
  return config;
}

Result<Config> read_config(const Path& path) {
  CLOISTER_TRY(const File file, File::open(path));
  CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kUnwritten));
  CLOISTER_TRY(const Bytes bytes, read_rest(file, kConfigSizeMax));
  return parse_config(as_text(bytes)).with_context(path.string());
}

std::string describe(const Config& config) {
  std::string text = "serves the home " + config.home + " as " + config.own_id.uri() + "\n";
  text += "  mutual TLS: " + list_of(config.tls) + "\n";
  text += "  enrolment, without a client certificate: " + list_of(config.enroll) + "\n";
  text += "  Unix socket: " + (config.unix_socket.empty() ? "none" : config.unix_socket);
  if (config.unix_everybody) text += ", open to every user";
  text += "\n";
  for (const auto& [uid, id] : config.unix_callers) text += "    user " + std::to_string(uid) + " is " + id + "\n";
  for (const UnixWorkload& workload : config.unix_workloads) {
    text += "    user " + std::to_string(workload.uid) + " may become " + workload.id.uri() + "\n";
  }
  if (config.kubernetes) {
    text += "  Kubernetes KMS v2: " + config.kubernetes->socket + ", under " + config.kubernetes->dataset.text() + "\n";
  }
  if (config.aws) {
    text += "  AWS KMS: " + list_of(config.aws->listen) + ", region " + config.aws->region + "\n";
  }
  if (config.kbs) {
    text += "  Confidential Containers' guests: " + list_of(config.kbs->listen) + ", secrets in " +
            config.kbs->resources + "\n";
  }
  if (config.vault) {
    text += "  Vault's API: " + list_of(config.vault->tls) + "; by certificate: " + list_of(config.vault->mutual_tls) +
            "\n";
  }
  text += describe_identities(config);
  text += "  policy: " + config.policy_file + "\n";
  text += "  identities last " + seconds_of(config.rules.x509_svid_lifetime) + ", tokens " +
          seconds_of(config.rules.jwt_svid_lifetime) + ", authorities " + seconds_of(config.rules.authority_lifetime) +
          "\n  keys may be kept " + seconds_of(config.lease) + "\n";
  text += config.rotate ? "  rotation: looked for every " + seconds_of(config.rotation_check) + "\n"
                        : std::string("  rotation: by others\n");
  text += std::string("  anomalies: ") + (config.anomalies ? "watched for" : "not watched for") + "\n";
  return text + describe_collateral(config);
}

}  // namespace cloister::daemon
