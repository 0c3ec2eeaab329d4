#include "probe/path/graph.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/toml_fields.h"

namespace cloister::probe::path {
namespace {

constexpr std::array<std::string_view, 3> kTopKeys = {"version", "id", "evidence_days"};
constexpr std::array<std::string_view, 9> kComponentKeys = {
    "name", "spiffe_id", "address", "executable", "workload", "inside_port", "cloud", "region", "zone"};
constexpr std::array<std::string_view, 12> kEdgeKeys = {
    "from",     "to",      "port", "port_last", "transport",       "protocol",
    "requires", "tls_min", "via",  "exception", "exception_owner", "exception_until"};
constexpr std::array<std::string_view, 2> kTableNames = {"component", "edge"};
constexpr std::array<std::string_view, 3> kTransports = {"tcp", "udp", "rdma"};
constexpr std::array<std::string_view, 3> kProtections = {"encrypted", "tls", "mutual-tls"};
constexpr std::array<std::string_view, 3> kClouds = {"aws", "azure", "google"};
constexpr std::array<std::string_view, 2> kVias = {"load-balancer", "transit"};
constexpr std::size_t kNameMax = 64;
constexpr std::size_t kTextMax = 512;
constexpr std::uint32_t kEvidenceDaysMax = 366;
constexpr std::uint32_t kEvidenceDays = 7;

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

bool is_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= kNameMax && std::ranges::all_of(text, fits);
}

template <typename Parsed, typename Parse>
Result<std::vector<Parsed>> parse_each(const TomlFields& fields, std::string_view key, const Parse& parse) {
  std::vector<Parsed> out;
  if (!fields.has(key)) return out;
  CLOISTER_TRY(const auto words, fields.words(key));
  for (const TomlFields::Word& word : words) {
    auto parsed = parse(word.text);
    if (!parsed.ok()) {
      return fields.error(word.line, std::string(key) + " " + in_quotes(word.text) + ": " + parsed.error().message());
    }
    out.push_back(std::move(parsed).value());
  }
  return out;
}

Result<std::string> parse_path(std::string_view text) {
  if (!text.starts_with('/') || text.size() > kTextMax) return Error(Code::kInvalid, "an absolute path is needed");
  return std::string(text);
}

Result<std::string> parse_workload(std::string_view text) {
  const std::size_t slash = text.find('/');
  const bool halves = slash != std::string_view::npos && slash > 0 && slash + 1 < text.size() &&
                      text.find('/', slash + 1) == std::string_view::npos;
  if (!halves || text.size() > kTextMax) return Error(Code::kInvalid, "a workload is NAMESPACE/NAME");
  return std::string(text);
}

// One of a closed list; `otherwise` where the key isn't written.
Result<std::string> one_of(const TomlFields& fields, std::string_view key, std::span<const std::string_view> words,
                           std::string_view otherwise) {
  if (!fields.has(key)) return std::string(otherwise);
  CLOISTER_TRY(std::string text, fields.text(key));
  if (std::ranges::find(words, text) != words.end()) return text;
  return fields.error(fields.line_of(key),
                      "there is no " + std::string(key) + " " + in_quotes(text) + suggestion(text, words));
}

Result<std::vector<std::uint16_t>> parse_ports(const TomlFields& fields, const TomlTable& table, std::string_view key) {
  std::vector<std::uint16_t> ports;
  const TomlValue* value = table.find(key);
  if (value == nullptr) return ports;
  const auto add = [&](const TomlValue& item) {
    const bool fits = item.kind == TomlValue::Kind::kInteger && item.integer >= 1 && item.integer <= 65535;
    if (fits) ports.push_back(static_cast<std::uint16_t>(item.integer));
    return fits;
  };
  const bool good = value->kind == TomlValue::Kind::kList ? std::ranges::all_of(value->list, add) : add(*value);
  if (!good) return fields.error(value->line, std::string(key) + " must be a port from 1 to 65535, or a list of them");
  return ports;
}

Result<std::string> short_text(const TomlFields& fields, std::string_view key) {
  CLOISTER_TRY(const auto text, fields.optional_text(key));
  if (text && text->size() > kTextMax) {
    return fields.error(fields.line_of(key),
                        std::string(key) + " is longer than " + std::to_string(kTextMax) + " bytes");
  }
  return text.value_or("");
}

Result<Place> parse_place(const TomlFields& fields) {
  Place place;
  CLOISTER_TRY(place.cloud, one_of(fields, "cloud", kClouds, ""));
  CLOISTER_TRY(place.region, short_text(fields, "region"));
  CLOISTER_TRY(place.zone, short_text(fields, "zone"));
  if (place.cloud.empty() && !(place.region.empty() && place.zone.empty())) {
    return fields.error(fields.line(), "region and zone belong to a cloud, which isn't written");
  }
  if (place.region.empty() && !place.zone.empty())
    return fields.error(fields.line(), "a zone belongs to a region, which isn't written");
  return place;
}

Result<Component> parse_component(const TomlTable& table) {
  TomlFields fields(table, "[[component]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kComponentKeys));
  Component component;
  CLOISTER_TRY(component.name, fields.text("name"));
  if (!is_name(component.name)) {
    return fields.error(fields.line_of("name"),
                        "a name is of lower-case letters, digits, '-', '_' and '.', 64 at most");
  }
  fields.set_what("[[component]] " + in_quotes(component.name));
  CLOISTER_TRY(component.spiffe_ids, parse_each<identity::SpiffeId>(fields, "spiffe_id", [](std::string_view text) {
                 return identity::SpiffeId::parse(text);
               }));
  CLOISTER_TRY(component.addresses,
               parse_each<Network>(fields, "address", [](std::string_view text) { return Network::parse(text); }));
  CLOISTER_TRY(component.executables, parse_each<std::string>(fields, "executable", parse_path));
  CLOISTER_TRY(component.workloads, parse_each<std::string>(fields, "workload", parse_workload));
  CLOISTER_TRY(component.inside_ports, parse_ports(fields, table, "inside_port"));
  CLOISTER_TRY(component.place, parse_place(fields));
  const bool can_be_told = !component.spiffe_ids.empty() || !component.addresses.empty() ||
                           !component.executables.empty() || !component.workloads.empty();
  if (!can_be_told) {
    return fields.error(fields.line(), "nothing says how it is recognised: spiffe_id, address, executable or workload");
  }
  return component;
}

Result<std::optional<Exception>> parse_exception(const TomlFields& fields) {
  if (!fields.has("exception")) {
    if (fields.has("exception_owner") || fields.has("exception_until")) {
      return fields.error(fields.line(), "an exception needs its reason, in exception");
    }
    return std::optional<Exception>();
  }
  Exception exception;
  CLOISTER_TRY(exception.reason, fields.text("exception"));
  CLOISTER_TRY(exception.owner, fields.text("exception_owner"));
  CLOISTER_TRY(exception.until, fields.time("exception_until"));
  if (exception.reason.empty() || exception.owner.empty()) {
    return fields.error(fields.line_of("exception"), "an exception names its reason and its owner");
  }
  return std::optional<Exception>(std::move(exception));
}

Result<std::size_t> component_of(const Graph& graph, const TomlFields& fields, std::string_view key) {
  CLOISTER_TRY(const std::string name, fields.text(key));
  const auto found = std::ranges::find(graph.components, name, &Component::name);
  if (found != graph.components.end()) return static_cast<std::size_t>(found - graph.components.begin());
  return fields.error(fields.line_of(key), "there is no component " + in_quotes(name));
}

Result<std::uint16_t> parse_tls_min(const TomlFields& fields) {
  constexpr std::array<std::string_view, 2> kVersions = {"1.3", "1.2"};
  CLOISTER_TRY(const std::string text, one_of(fields, "tls_min", kVersions, "1.3"));
  return static_cast<std::uint16_t>(text == "1.3" ? 0x0304 : 0x0303);
}

Result<Edge> parse_edge(const Graph& graph, const TomlTable& table) {
  TomlFields fields(table, "[[edge]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kEdgeKeys));
  Edge edge;
  CLOISTER_TRY(edge.from, component_of(graph, fields, "from"));
  CLOISTER_TRY(edge.to, component_of(graph, fields, "to"));
  fields.set_what("[[edge]] " + graph.components[edge.from].name + " to " + graph.components[edge.to].name);
  CLOISTER_TRY(const std::string transport, one_of(fields, "transport", kTransports, "tcp"));
  edge.transport = static_cast<Transport>(std::ranges::find(kTransports, transport) - kTransports.begin());
  if (edge.transport == Transport::kRdma) {
    if (fields.has("port") || fields.has("port_last")) return fields.error(fields.line(), "RDMA has no ports");
  } else {
    CLOISTER_TRY(const std::uint32_t port, fields.integer("port", 1, 65535));
    CLOISTER_TRY(const std::uint32_t last, fields.integer_or("port_last", port, 65535, port));
    edge.port = static_cast<std::uint16_t>(port);
    edge.port_last = static_cast<std::uint16_t>(last);
  }
  CLOISTER_TRY(edge.protocol, short_text(fields, "protocol"));
  CLOISTER_TRY(const std::string required, one_of(fields, "requires", kProtections, "mutual-tls"));
  CLOISTER_TRY(edge.requires_at_least, parse_protection(required));
  CLOISTER_TRY(edge.tls_min, parse_tls_min(fields));
  CLOISTER_TRY(edge.via, one_of(fields, "via", kVias, ""));
  CLOISTER_TRY(edge.exception, parse_exception(fields));
  return edge;
}

Status check_table_names(const TomlDocument& document) {
  for (const TomlTable& table : document.tables) {
    if (std::ranges::find(kTableNames, table.name) == kTableNames.end()) {
      return Error(Code::kInvalid, "line " + std::to_string(table.line) + ": there is no table [[" + table.name + "]]" +
                                       suggestion(table.name, kTableNames));
    }
  }
  return {};
}

Status parse_top(const TomlDocument& document, Graph& graph) {
  const TomlFields top(document.top, "");
  CLOISTER_TRY(const std::uint32_t version, top.integer("version", 1, UINT32_MAX));
  if (version != 1) {
    return Error(Code::kUnsupported, "version " + std::to_string(version) + " is newer than this program");
  }
  CLOISTER_RETURN_IF_ERROR(top.expect_only(kTopKeys));
  CLOISTER_TRY(graph.id, top.text("id"));
  if (!is_name(graph.id)) return top.error(top.line_of("id"), "an id is of the letters a name is of");
  CLOISTER_TRY(const std::uint32_t age, top.integer_or("evidence_days", 1, kEvidenceDaysMax, kEvidenceDays));
  graph.evidence_age_max = days(age);
  return {};
}

bool overlap(const Edge& a, const Edge& b) {
  return a.from == b.from && a.to == b.to && a.transport == b.transport && a.port <= b.port_last &&
         b.port <= a.port_last;
}

}  // namespace

std::string_view name_of(Transport transport) { return kTransports[static_cast<std::size_t>(transport)]; }
std::string_view name_of(Protection protection) { return kProtections[static_cast<std::size_t>(protection)]; }

Result<Protection> parse_protection(std::string_view text) {
  const auto found = std::ranges::find(kProtections, text);
  if (found != kProtections.end()) return static_cast<Protection>(found - kProtections.begin());
  return Error(Code::kInvalid, "there is no protection " + in_quotes(text) + suggestion(text, kProtections));
}

const Component* Graph::find(std::string_view name) const {
  const auto found = std::ranges::find(components, name, &Component::name);
  return found == components.end() ? nullptr : &*found;
}

Result<Graph> parse_graph(std::string_view text) {
  if (text.size() > kGraphSizeMax) return Error(Code::kInvalid, "the graph is larger than 1 MiB");
  CLOISTER_TRY(const TomlDocument document, parse_toml(text));
  return parse_graph(document);
}

Result<Graph> parse_graph(const TomlDocument& document) {
  Graph graph;
  CLOISTER_RETURN_IF_ERROR(parse_top(document, graph));
  CLOISTER_RETURN_IF_ERROR(check_table_names(document));
  std::set<std::string> names;
  for (const TomlTable& table : document.tables) {
    if (table.name != "component") continue;
    CLOISTER_TRY(Component component, parse_component(table));
    const TomlFields fields(table, "[[component]] " + in_quotes(component.name));
    if (!names.insert(component.name).second) return fields.error(table.line, "two components have that name");
    if (names.size() > kComponentsMax) return fields.error(table.line, "a graph has at most 512 components");
    graph.components.push_back(std::move(component));
  }
  for (const TomlTable& table : document.tables) {
    if (table.name != "edge") continue;
    CLOISTER_TRY(Edge edge, parse_edge(graph, table));
    const TomlFields fields(table, "[[edge]]");
    if (std::ranges::any_of(graph.edges, [&edge](const Edge& other) { return overlap(edge, other); })) {
      return fields.error(table.line, "that edge is declared already");
    }
    if (graph.edges.size() == kEdgesMax) return fields.error(table.line, "a graph has at most 4096 edges");
    graph.edges.push_back(std::move(edge));
  }
  if (graph.components.empty()) return Error(Code::kInvalid, "the graph has no [[component]]");
  return graph;
}

std::string tls_version_text(std::uint16_t version) {
  switch (version) {
    case 0x0304: return "1.3";
    case 0x0303: return "1.2";
    case 0x0302: return "1.1";
    case 0x0301: return "1.0";
    case 0x0300: return "SSL 3";
    case 0x0002: return "SSL 2";
    default: return "?";
  }
}

}  // namespace cloister::probe::path
