#include "mesh/manifest/plan.h"

#include <algorithm>
#include <set>

#include "base/toml_fields.h"

namespace cloister::mesh {
namespace {

constexpr std::size_t kNameMax = 63;
constexpr std::size_t kHostMax = 253;

Error at_line(std::uint32_t line, const std::string& message) {
  return Error(Code::kInvalid, "line " + std::to_string(line) + ": " + message);
}

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// RFC 1123 label, as Kubernetes names namespaces, services and accounts.
bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax && is_lower_or_digit(name.front()) &&
         is_lower_or_digit(name.back()) &&
         std::ranges::all_of(name, [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= kHostMax && is_lower_or_digit(host.front()) &&
         is_lower_or_digit(host.back()) && host.find("..") == std::string_view::npos &&
         std::ranges::all_of(host, [](char c) { return is_lower_or_digit(c) || c == '-' || c == '.'; });
}

bool is_label_text(std::string_view text, bool with_slash) {
  return !text.empty() && text.size() <= kHostMax && std::ranges::all_of(text, [with_slash](char c) {
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.' ||
           (with_slash && c == '/');
  });
}

Result<std::string> name_of(const TomlFields& fields, std::string_view key) {
  CLOISTER_TRY(const std::string name, fields.text(key));
  if (!is_name(name))
    return fields.error(fields.line_of(key), std::string(key) + " isn't a name that Kubernetes takes");
  return name;
}

Result<std::string> name_or(const TomlFields& fields, std::string_view key, const std::string& otherwise) {
  return fields.has(key) ? name_of(fields, key) : Result<std::string>(otherwise);
}

Result<std::vector<std::uint16_t>> ports_of(const TomlTable& table, const TomlFields& fields) {
  const TomlValue* value = table.find("ports");
  if (value == nullptr || value->kind != TomlValue::Kind::kList || value->list.empty()) {
    return fields.error(value == nullptr ? fields.line() : value->line, "ports is a list of at least one port");
  }
  std::vector<std::uint16_t> ports;
  for (const TomlValue& port : value->list) {
    if (port.kind != TomlValue::Kind::kInteger || port.integer < 1 || port.integer > 65535) {
      return fields.error(port.line, "a port is a number from 1 to 65535");
    }
    ports.push_back(static_cast<std::uint16_t>(port.integer));
  }
  std::ranges::sort(ports);
  if (std::ranges::adjacent_find(ports) != ports.end()) return fields.error(value->line, "a port is there twice");
  return ports;
}

Result<std::map<std::string, std::string>> labels_of(const TomlFields& fields, const std::string& name) {
  if (!fields.has("labels")) return std::map<std::string, std::string>{{"app", name}};
  std::map<std::string, std::string> labels;
  CLOISTER_TRY(const std::vector<TomlFields::Word> words, fields.words("labels"));
  for (const TomlFields::Word& word : words) {
    const std::size_t equals = word.text.find('=');
    const std::string key = word.text.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : word.text.substr(equals + 1);
    if (!is_label_text(key, true) || !is_label_text(value, false))
      return fields.error(word.line, "a label is written name=value");
    if (!labels.emplace(key, value).second) return fields.error(word.line, "a label is there twice");
  }
  return labels;
}

// The service account in "/ns/NAMESPACE/sa/ACCOUNT".
std::optional<std::pair<std::string, std::string>> account_in(const std::string& path) {
  constexpr std::string_view kSpace = "/ns/", kAccount = "/sa/";
  const std::size_t at = path.find(kAccount);
  if (!path.starts_with(kSpace) || at == std::string::npos || at < kSpace.size()) return std::nullopt;
  std::pair<std::string, std::string> account{path.substr(kSpace.size(), at - kSpace.size()),
                                              path.substr(at + kAccount.size())};
  if (!is_name(account.first) || !is_name(account.second)) return std::nullopt;
  return account;
}

Result<PlanCaller> caller_of(const TomlFields& fields, const TomlFields::Word& word, const std::string& trust_domain) {
  std::string uri = word.text;
  if (!uri.starts_with("spiffe://")) {
    const std::size_t slash = uri.find('/');
    const std::string name_space = uri.substr(0, slash);
    const std::string account = slash == std::string::npos ? "" : uri.substr(slash + 1);
    if (!is_name(name_space) || !is_name(account)) {
      return fields.error(word.line, "a caller is written NAMESPACE/SERVICE-ACCOUNT, or is a SPIFFE ID");
    }
    uri = "spiffe://" + trust_domain + "/ns/" + name_space + "/sa/" + account;
  }
  auto id = identity::SpiffeId::parse(uri);
  if (!id.ok()) return fields.error(word.line, id.error().message());
  if (id.value().path().empty()) return fields.error(word.line, "a trust domain is no caller");
  auto account = id.value().trust_domain().name() == trust_domain ? account_in(id.value().path()) : std::nullopt;
  return PlanCaller{std::move(id).value(), std::move(account)};
}

Result<PlanService> service_of(const TomlTable& table, const std::string& trust_domain) {
  constexpr std::string_view kKeys[] = {"name", "namespace", "service_account", "labels", "ports", "callers"};
  TomlFields fields(table, "[[service]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  PlanService service;
  CLOISTER_TRY(service.name, name_of(fields, "name"));
  fields.set_what("[[service]] \"" + service.name + "\"");
  CLOISTER_TRY(service.name_space, name_of(fields, "namespace"));
  CLOISTER_TRY(service.service_account, name_or(fields, "service_account", service.name));
  CLOISTER_TRY(service.labels, labels_of(fields, service.name));
  CLOISTER_TRY(service.ports, ports_of(table, fields));
  if (!fields.has("callers")) return service;
  CLOISTER_TRY(const std::vector<TomlFields::Word> words, fields.words("callers"));
  for (const TomlFields::Word& word : words) {
    CLOISTER_TRY(PlanCaller caller, caller_of(fields, word, trust_domain));
    service.callers.push_back(std::move(caller));
  }
  return service;
}

Result<PlanExternal> external_of(const TomlTable& table) {
  constexpr std::string_view kKeys[] = {"host", "port"};
  const TomlFields fields(table, "[[external]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(const std::string host, fields.text("host"));
  if (!is_host(host)) return fields.error(fields.line_of("host"), "host isn't the name of a host in lower case");
  CLOISTER_TRY(const std::uint32_t port, fields.integer_or("port", 1, 65535, 443));
  return PlanExternal{host, static_cast<std::uint16_t>(port)};
}

Status take_table(MeshPlan& plan, const TomlTable& table) {
  if (table.name == "service") {
    CLOISTER_TRY(PlanService service, service_of(table, plan.trust_domain));
    const bool twice = std::ranges::any_of(plan.services, [&service](const PlanService& other) {
      return other.name == service.name && other.name_space == service.name_space;
    });
    if (twice) return at_line(table.line, "service " + service.name_space + "/" + service.name + " is there twice");
    plan.services.push_back(std::move(service));
    return ok_status();
  }
  if (table.name != "external") return at_line(table.line, "a plan has tables [[service]] and [[external]]");
  CLOISTER_TRY(PlanExternal external, external_of(table));
  plan.externals.push_back(std::move(external));
  return ok_status();
}

}  // namespace

Result<MeshPlan> parse_mesh_plan(std::string_view text) {
  constexpr std::string_view kKeys[] = {"trust_domain", "root_namespace"};
  CLOISTER_TRY(const TomlDocument document, parse_toml(text));
  const TomlFields top(document.top, "the plan");
  CLOISTER_RETURN_IF_ERROR(top.expect_only(kKeys));
  MeshPlan plan;
  CLOISTER_TRY(const std::optional<std::string> domain, top.optional_text("trust_domain"));
  const auto parsed = identity::TrustDomain::parse(domain.value_or("cluster.local"));
  if (!parsed.ok()) return at_line(top.line_of("trust_domain"), parsed.error().message());
  plan.trust_domain = parsed.value().name();
  CLOISTER_TRY(plan.root_namespace, name_or(top, "root_namespace", "istio-system"));
  if (document.tables.size() > kPlanServicesMax) return Error(Code::kInvalid, "a plan has at most 1000 tables");
  for (const TomlTable& table : document.tables) CLOISTER_RETURN_IF_ERROR(take_table(plan, table));
  if (plan.services.empty()) return Error(Code::kInvalid, "the plan has no [[service]]");
  return plan;
}

}  // namespace cloister::mesh
