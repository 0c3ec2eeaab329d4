// A capture's connections as JSON, out and in.
#include <array>

#include "probe/path/capture.h"
#include "probe/path/json_fields.h"

namespace cloister::probe::path {
namespace {

constexpr JsonLimits kLimits = {std::size_t{256} << 20, 6, 4'000'000};
constexpr std::array<std::string_view, 3> kCarriers = {"tcp", "udp", "esp"};
constexpr std::array<std::string_view, 5> kKinds = {"encrypted", "plaintext", "refused", "unrecognised", "incomplete"};
constexpr std::array<std::string_view, 3> kProofs = {"unknown", "shown", "not-shown"};

JsonValue::Object flow_json(const Flow& flow) {
  const FlowTraits& traits = flow.traits;
  JsonValue::Object object = {{"client", traits.client.to_string()},
                              {"server", traits.server.to_string()},
                              {"port", std::uint64_t{traits.server_port}},
                              {"carrier", std::string(kCarriers[static_cast<std::size_t>(traits.carrier)])},
                              {"kind", std::string(name_of(traits.kind))},
                              {"protocol", traits.protocol},
                              {"connections", flow.connections},
                              {"client_bytes", flow.client_bytes},
                              {"server_bytes", flow.server_bytes},
                              {"begin", to_rfc3339(flow.begin)},
                              {"end", to_rfc3339(flow.end)}};
  if (traits.tls_version != 0) {
    object.emplace_back("tls_version", std::uint64_t{traits.tls_version});
    object.emplace_back("suite", std::uint64_t{traits.suite});
    object.emplace_back("group", std::uint64_t{traits.group});
    object.emplace_back("client_proof", std::string(name_of(traits.client_proof)));
  }
  const auto add = [&object](const char* name, const std::string& text) {
    if (!text.empty()) object.emplace_back(name, text);
  };
  add("server_name", traits.server_name);
  add("alpn", traits.alpn);
  add("client_hello", flow.client_hello);
  add("server_hello", flow.server_hello);
  object.emplace_back("summary", describe(traits));
  return object;
}

Result<std::uint16_t> code_of(const JsonFields& fields, std::string_view name) {
  CLOISTER_TRY(const std::uint64_t number, fields.number(name, 65535));
  return static_cast<std::uint16_t>(number);
}

Result<std::string> plain_of(const JsonFields& fields, std::string_view name) {
  CLOISTER_TRY(const std::string text, fields.text(name));
  return plain_detail(text);
}

Result<IpAddress> address_of(const JsonFields& fields, std::string_view name) {
  CLOISTER_TRY(const std::string text, fields.text(name));
  return IpAddress::parse(text).with_context(name);
}

Status parse_tls_traits(const JsonFields& fields, FlowTraits& traits) {
  CLOISTER_TRY(traits.tls_version, code_of(fields, "tls_version"));
  CLOISTER_TRY(traits.suite, code_of(fields, "suite"));
  CLOISTER_TRY(traits.group, code_of(fields, "group"));
  CLOISTER_TRY(traits.server_name, plain_of(fields, "server_name"));
  CLOISTER_TRY(traits.alpn, plain_of(fields, "alpn"));
  if (!fields.has("client_proof")) return {};
  CLOISTER_TRY(const std::size_t proof, fields.word("client_proof", kProofs));
  traits.client_proof = static_cast<ClientProof>(proof);
  return {};
}

Result<Flow> parse_flow(const JsonValue& value) {
  constexpr std::array<std::string_view, 20> kNames = {
      "client",       "server",       "port",         "carrier",      "kind",         "protocol",    "connections",
      "client_bytes", "server_bytes", "begin",        "end",          "suite",        "tls_version", "group",
      "server_name",  "alpn",         "client_proof", "client_hello", "server_hello", "summary"};
  CLOISTER_TRY(const JsonFields fields, JsonFields::open(value, kNames));
  Flow flow;
  CLOISTER_TRY(flow.traits.client, address_of(fields, "client"));
  CLOISTER_TRY(flow.traits.server, address_of(fields, "server"));
  CLOISTER_TRY(flow.traits.server_port, code_of(fields, "port"));
  CLOISTER_TRY(const std::size_t carrier, fields.word("carrier", kCarriers));
  CLOISTER_TRY(const std::size_t kind, fields.word("kind", kKinds));
  flow.traits.carrier = static_cast<Carrier>(carrier);
  flow.traits.kind = static_cast<FlowKind>(kind);
  CLOISTER_TRY(flow.traits.protocol, plain_of(fields, "protocol"));
  CLOISTER_RETURN_IF_ERROR(parse_tls_traits(fields, flow.traits));
  CLOISTER_TRY(flow.connections, fields.number("connections", UINT64_MAX));
  CLOISTER_TRY(flow.client_bytes, fields.number("client_bytes", UINT64_MAX));
  CLOISTER_TRY(flow.server_bytes, fields.number("server_bytes", UINT64_MAX));
  CLOISTER_TRY(flow.begin, fields.time("begin"));
  CLOISTER_TRY(flow.end, fields.time("end"));
  CLOISTER_TRY(flow.client_hello, fields.text("client_hello"));
  CLOISTER_TRY(flow.server_hello, fields.text("server_hello"));
  if (flow.end < flow.begin) return Error(Code::kInvalid, "end is before begin");
  return flow;
}

}  // namespace

std::string format_flows(const Capture& capture) {
  JsonValue::Array flows;
  for (const Flow& flow : capture.flows) flows.emplace_back(flow_json(flow));
  return JsonValue(JsonValue::Object{{"format", std::string(kFlowsFormat)},
                                     {"from", capture.from},
                                     {"begin", to_rfc3339(capture.begin)},
                                     {"end", to_rfc3339(capture.end)},
                                     {"packets", capture.packets},
                                     {"unreadable", capture.unreadable},
                                     {"missed", capture.missed},
                                     {"overflow", capture.overflow},
                                     {"cut_short", capture.cut_short},
                                     {"flows", std::move(flows)}})
      .serialize();
}

Result<Capture> parse_flows(std::string_view json) {
  constexpr std::array<std::string_view, 10> kNames = {"format",     "from",   "begin",    "end",       "packets",
                                                       "unreadable", "missed", "overflow", "cut_short", "flows"};
  CLOISTER_TRY(const JsonValue document, parse_json(json, kLimits));
  CLOISTER_TRY(const JsonFields fields, JsonFields::open(document, kNames));
  CLOISTER_TRY(const std::string format, fields.text("format"));
  if (format != kFlowsFormat) return Error(Code::kInvalid, "its format isn't " + std::string(kFlowsFormat));
  Capture capture;
  CLOISTER_TRY(capture.from, plain_of(fields, "from"));
  CLOISTER_TRY(capture.begin, fields.time("begin"));
  CLOISTER_TRY(capture.end, fields.time("end"));
  CLOISTER_TRY(capture.packets, fields.number("packets", UINT64_MAX));
  CLOISTER_TRY(capture.unreadable, fields.number("unreadable", UINT64_MAX));
  CLOISTER_TRY(capture.missed, fields.number("missed", UINT64_MAX));
  CLOISTER_TRY(capture.overflow, fields.number("overflow", UINT64_MAX));
  CLOISTER_TRY(capture.cut_short, fields.boolean("cut_short"));
  CLOISTER_TRY(const JsonValue::Array* list, fields.list("flows"));
  if (list->size() > kFlowsMax) return Error(Code::kInvalid, "there are more than 65536 flows");
  for (const JsonValue& item : *list) {
    CLOISTER_TRY(Flow flow, parse_flow(item).with_context("flow " + std::to_string(capture.flows.size() + 1)));
    capture.flows.push_back(std::move(flow));
  }
  return capture;
}

}  // namespace cloister::probe::path
