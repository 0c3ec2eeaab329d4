#include "probe/path/evidence.h"

#include <algorithm>
#include <array>

#include "probe/path/json_fields.h"

namespace cloister::probe::path {
namespace {

constexpr std::array<std::string_view, kSourceCount> kSources = {"active-probe", "configuration", "capture",
                                                                 "sockets",      "receipt",       "provider"};
constexpr std::array<std::string_view, kClaimCount> kClaims = {
    "encrypted", "enforced",          "plaintext-refused", "plaintext-accepted", "plaintext-seen",
    "bypass",    "client-not-proven", "unrecognised",      "connected"};
constexpr std::array<std::string_view, 6> kVersionTexts = {"1.3", "1.2", "1.1", "1.0", "SSL 3", "SSL 2"};
constexpr std::array<std::uint16_t, 6> kVersions = {0x0304, 0x0303, 0x0302, 0x0301, 0x0300, 0x0002};
constexpr std::array<std::string_view, 3> kTransports = {"tcp", "udp", "rdma"};
constexpr std::size_t kDetailMax = 256;
constexpr JsonLimits kLimits = {kEvidenceFileSizeMax, 8, 1'000'000};

// What a class can know. A configuration that claims to have seen something isn't one.
bool may_claim(Source source, Claim claim) {
  switch (source) {
    case Source::kProbe:
      return claim == Claim::kEncrypted || claim == Claim::kPlaintextRefused || claim == Claim::kPlaintextAccepted ||
             claim == Claim::kClientNotProven;
    case Source::kConfiguration:
      return claim == Claim::kEnforced || claim == Claim::kBypass || claim == Claim::kClientNotProven;
    case Source::kSockets: return claim == Claim::kConnected || claim == Claim::kEncrypted;
    case Source::kProvider: return claim == Claim::kEncrypted;
    case Source::kCapture:
    case Source::kReceipt: break;
  }
  return false;
}

Result<Party> parse_party(const JsonFields& statement, std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames = {"component", "address", "spiffe_id", "executable", "workload"};
  Party party;
  if (!statement.has(name)) return party;
  CLOISTER_TRY(const JsonFields fields, JsonFields::open(*statement.find(name), kNames).with_context(name));
  CLOISTER_TRY(party.component, fields.text("component"));
  CLOISTER_TRY(party.executable, fields.text("executable"));
  CLOISTER_TRY(party.workload, fields.text("workload"));
  CLOISTER_TRY(const std::string address, fields.text("address"));
  if (!address.empty()) {
    CLOISTER_TRY(party.address, IpAddress::parse(address).with_context(name));
  }
  CLOISTER_TRY(const std::string spiffe_id, fields.text("spiffe_id"));
  if (!spiffe_id.empty()) {
    CLOISTER_TRY(party.spiffe_id, identity::SpiffeId::parse(spiffe_id).with_context(name));
  }
  return party;
}

Status parse_manner(const JsonFields& fields, Statement& statement) {
  if (fields.has("transport")) {
    CLOISTER_TRY(const std::size_t transport, fields.word("transport", kTransports));
    statement.transport = static_cast<Transport>(transport);
  }
  if (fields.has("protection")) {
    CLOISTER_TRY(const std::string protection, fields.text("protection"));
    CLOISTER_TRY(statement.protection, parse_protection(protection));
  }
  if (fields.has("tls_version")) {
    CLOISTER_TRY(const std::size_t version, fields.word("tls_version", kVersionTexts));
    statement.tls_version = kVersions[version];
  }
  return {};
}

Result<Statement> parse_statement(const JsonValue& value) {
  constexpr std::array<std::string_view, 12> kNames = {"class",      "claim",       "from",  "to",
                                                       "port",       "transport",   "begin", "end",
                                                       "protection", "tls_version", "flows", "detail"};
  CLOISTER_TRY(const JsonFields fields, JsonFields::open(value, kNames));
  Statement statement;
  CLOISTER_TRY(const std::size_t source, fields.word("class", kSources));
  CLOISTER_TRY(const std::size_t claim, fields.word("claim", kClaims));
  statement.source = static_cast<Source>(source);
  statement.claim = static_cast<Claim>(claim);
  if (!may_claim(statement.source, statement.claim)) {
    return Error(Code::kInvalid, "a file of statements can't claim " + std::string(kClaims[claim]) + " as " +
                                     std::string(kSources[source]));
  }
  CLOISTER_TRY(statement.from, parse_party(fields, "from"));
  CLOISTER_TRY(statement.to, parse_party(fields, "to"));
  if (statement.to.is_any()) return Error(Code::kInvalid, "a statement names whom it is about, in to");
  CLOISTER_TRY(const std::uint64_t port, fields.number("port", 65535));
  statement.port = static_cast<std::uint16_t>(port);
  CLOISTER_RETURN_IF_ERROR(parse_manner(fields, statement));
  CLOISTER_TRY(statement.begin, fields.time("begin"));
  CLOISTER_TRY(statement.end, fields.time("end"));
  if (statement.end < statement.begin) return Error(Code::kInvalid, "end is before begin");
  CLOISTER_TRY(statement.flows, fields.number("flows", UINT64_MAX));
  CLOISTER_TRY(const std::string detail, fields.text("detail"));
  statement.detail = plain_detail(detail);
  return statement;
}

JsonValue::Object party_json(const Party& party) {
  JsonValue::Object object;
  const auto add = [&object](const char* name, const std::string& text) {
    if (!text.empty()) object.emplace_back(name, text);
  };
  add("component", party.component);
  add("address", party.address ? party.address->to_string() : "");
  add("spiffe_id", party.spiffe_id ? party.spiffe_id->uri() : "");
  add("executable", party.executable);
  add("workload", party.workload);
  return object;
}

JsonValue::Object statement_json(const Statement& statement) {
  JsonValue::Object object = {{"class", std::string(name_of(statement.source))},
                              {"claim", std::string(name_of(statement.claim))}};
  if (!statement.from.is_any()) object.emplace_back("from", party_json(statement.from));
  object.emplace_back("to", party_json(statement.to));
  if (statement.port != 0) object.emplace_back("port", std::uint64_t{statement.port});
  object.emplace_back("transport", std::string(name_of(statement.transport)));
  object.emplace_back("begin", to_rfc3339(statement.begin));
  object.emplace_back("end", to_rfc3339(statement.end));
  object.emplace_back("protection", std::string(name_of(statement.protection)));
  if (statement.tls_version != 0) object.emplace_back("tls_version", tls_version_text(statement.tls_version));
  if (statement.flows != 0) object.emplace_back("flows", statement.flows);
  if (!statement.detail.empty()) object.emplace_back("detail", statement.detail);
  return object;
}

}  // namespace

std::string_view name_of(Source source) { return kSources[static_cast<std::size_t>(source)]; }
std::string_view name_of(Claim claim) { return kClaims[static_cast<std::size_t>(claim)]; }

bool Party::is_any() const {
  return component.empty() && !address && !spiffe_id && executable.empty() && workload.empty();
}

std::string Party::to_string() const {
  if (!component.empty()) return plain_detail(component);
  if (spiffe_id) return spiffe_id->uri();
  if (!workload.empty()) return plain_detail(workload);
  if (address && !executable.empty()) return address->to_string() + " " + plain_detail(executable);
  if (address) return address->to_string();
  return executable.empty() ? "any" : plain_detail(executable);
}

Result<std::vector<Statement>> parse_evidence(std::string_view json) {
  constexpr std::array<std::string_view, 2> kNames = {"format", "statements"};
  CLOISTER_TRY(const JsonValue document, parse_json(json, kLimits));
  CLOISTER_TRY(const JsonFields fields, JsonFields::open(document, kNames));
  CLOISTER_TRY(const std::string format, fields.text("format"));
  if (format != kEvidenceFormat) return Error(Code::kInvalid, "its format isn't " + std::string(kEvidenceFormat));
  CLOISTER_TRY(const JsonValue::Array* list, fields.list("statements"));
  std::vector<Statement> statements;
  for (const JsonValue& item : *list) {
    CLOISTER_TRY(Statement statement,
                 parse_statement(item).with_context("statement " + std::to_string(statements.size() + 1)));
    statements.push_back(std::move(statement));
  }
  return statements;
}

std::string format_evidence(const std::vector<Statement>& statements) {
  JsonValue::Array list;
  for (const Statement& statement : statements) list.emplace_back(statement_json(statement));
  return JsonValue(JsonValue::Object{{"format", std::string(kEvidenceFormat)}, {"statements", std::move(list)}})
      .serialize();
}

std::string plain_detail(std::string_view text) {
  std::string plain(text.substr(0, kDetailMax));
  for (char& c : plain) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  }
  return plain;
}

}  // namespace cloister::probe::path
