#include "probe/path/evidence.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "base/reader.h"
#include "base/suggestion.h"

namespace cloister::probe::path {
namespace {

constexpr std::array<std::string_view, kSourceCount> kSources = {"active-probe", "configuration", "capture",
                                                                 "sockets",      "receipt",       "provider"};
constexpr std::array<std::string_view, kClaimCount> kClaims = {
    "encrypted", "enforced", "plaintext-refused", "plaintext-accepted", "plaintext-seen", "bypass",
    "client-not-proven", "unrecognised", "connected"};
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

Error field_error(std::string_view name, const std::string& what) {
  return Error(Code::kInvalid, std::string(name) + " " + what);
}

Result<std::string> text_of(const JsonValue& object, std::string_view name) {
  const JsonValue* found = object.find(name);
  if (found == nullptr) return std::string();
  if (found->string() == nullptr) return field_error(name, "isn't text");
  return *found->string();
}

Result<std::uint64_t> number_of(const JsonValue& object, std::string_view name, std::uint64_t max) {
  const JsonValue* found = object.find(name);
  if (found == nullptr) return std::uint64_t{0};
  const auto number = found->unsigned_integer();
  if (!number || *number > max) return field_error(name, "isn't a whole number from 0 to " + std::to_string(max));
  return *number;
}

Result<std::size_t> word_of(const JsonValue& object, std::string_view name, std::span<const std::string_view> words) {
  CLOISTER_TRY(const std::string text, text_of(object, name));
  const auto found = std::ranges::find(words, text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  return field_error(name, "can't be \"" + plain_detail(text) + "\"" + suggestion(text, words));
}

Result<Time> time_of(const JsonValue& object, std::string_view name) {
  CLOISTER_TRY(const std::string text, text_of(object, name));
  auto time = parse_rfc3339(text);
  if (!time.ok()) return field_error(name, "isn't a time like 2027-01-01T00:00:00Z");
  return *time;
}

Status expect_only(const JsonValue& object, std::span<const std::string_view> names) {
  for (const auto& [name, value] : *object.object()) {
    if (std::ranges::find(names, name) == names.end()) {
      return Error(Code::kInvalid, "there is no field " + plain_detail(name) + suggestion(name, names));
    }
  }
  return {};
}

Result<Party> parse_party(const JsonValue& statement, std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames = {"component", "address", "spiffe_id", "executable", "workload"};
  Party party;
  const JsonValue* object = statement.find(name);
  if (object == nullptr) return party;
  if (object->object() == nullptr) return field_error(name, "isn't an object");
  CLOISTER_RETURN_IF_ERROR(expect_only(*object, kNames).with_context(name));
  CLOISTER_TRY(party.component, text_of(*object, "component"));
  CLOISTER_TRY(party.executable, text_of(*object, "executable"));
  CLOISTER_TRY(party.workload, text_of(*object, "workload"));
  CLOISTER_TRY(const std::string address, text_of(*object, "address"));
  if (!address.empty()) {
    CLOISTER_TRY(party.address, IpAddress::parse(address).with_context(name));
  }
  CLOISTER_TRY(const std::string spiffe_id, text_of(*object, "spiffe_id"));
  if (!spiffe_id.empty()) {
    CLOISTER_TRY(party.spiffe_id, identity::SpiffeId::parse(spiffe_id).with_context(name));
  }
  return party;
}

Status parse_protection_fields(const JsonValue& object, Statement& statement) {
  if (object.find("protection") != nullptr) {
    CLOISTER_TRY(const std::string protection, text_of(object, "protection"));
    CLOISTER_TRY(statement.protection, parse_protection(protection));
  }
  if (object.find("tls_version") != nullptr) {
    CLOISTER_TRY(const std::size_t version, word_of(object, "tls_version", kVersionTexts));
    statement.tls_version = kVersions[version];
  }
  return {};
}

Result<Statement> parse_statement(const JsonValue& object) {
  constexpr std::array<std::string_view, 12> kNames = {"class", "claim", "from",       "to",          "port",   "transport",
                                                       "begin", "end",   "protection", "tls_version", "flows", "detail"};
  if (object.object() == nullptr) return Error(Code::kInvalid, "a statement isn't an object");
  CLOISTER_RETURN_IF_ERROR(expect_only(object, kNames));
  Statement statement;
  CLOISTER_TRY(const std::size_t source, word_of(object, "class", kSources));
  CLOISTER_TRY(const std::size_t claim, word_of(object, "claim", kClaims));
  statement.source = static_cast<Source>(source);
  statement.claim = static_cast<Claim>(claim);
  if (!may_claim(statement.source, statement.claim)) {
    return Error(Code::kInvalid, "a file of statements can't claim " + std::string(kClaims[claim]) + " as " +
                                     std::string(kSources[source]));
  }
  CLOISTER_TRY(statement.from, parse_party(object, "from"));
  CLOISTER_TRY(statement.to, parse_party(object, "to"));
  if (statement.to.is_any()) return Error(Code::kInvalid, "a statement names whom it is about, in to");
  CLOISTER_TRY(const std::uint64_t port, number_of(object, "port", 65535));
  statement.port = static_cast<std::uint16_t>(port);
  if (object.find("transport") != nullptr) {
    CLOISTER_TRY(const std::size_t transport, word_of(object, "transport", kTransports));
    statement.transport = static_cast<Transport>(transport);
  }
  CLOISTER_TRY(statement.begin, time_of(object, "begin"));
  CLOISTER_TRY(statement.end, time_of(object, "end"));
  if (statement.end < statement.begin) return Error(Code::kInvalid, "end is before begin");
  CLOISTER_RETURN_IF_ERROR(parse_protection_fields(object, statement));
  CLOISTER_TRY(statement.flows, number_of(object, "flows", UINT64_MAX));
  CLOISTER_TRY(const std::string detail, text_of(object, "detail"));
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
  CLOISTER_TRY(const JsonValue document, parse_json(json, kLimits));
  CLOISTER_TRY(const std::string format, text_of(document, "format"));
  if (format != kEvidenceFormat) return Error(Code::kInvalid, "its format isn't " + std::string(kEvidenceFormat));
  constexpr std::array<std::string_view, 3> kNames = {"format", "version", "statements"};
  CLOISTER_TRY(const std::uint64_t version, number_of(document, "version", UINT64_MAX));
  if (version > 1) return Error(Code::kUnsupported, "version " + std::to_string(version) + " is newer than this program");
  if (version != 1) return Error(Code::kInvalid, "version isn't 1");
  CLOISTER_RETURN_IF_ERROR(expect_only(document, kNames));
  const JsonValue* list = document.find("statements");
  if (list == nullptr || list->array() == nullptr) return Error(Code::kInvalid, "statements isn't a list");
  std::vector<Statement> statements;
  for (const JsonValue& item : *list->array()) {
    CLOISTER_TRY(Statement statement,
                 parse_statement(item).with_context("statement " + std::to_string(statements.size() + 1)));
    statements.push_back(std::move(statement));
  }
  return statements;
}

std::string format_evidence(const std::vector<Statement>& statements) {
  JsonValue::Array list;
  for (const Statement& statement : statements) list.emplace_back(statement_json(statement));
  return JsonValue(JsonValue::Object{{"format", std::string(kEvidenceFormat)},
                                     {"version", std::uint64_t{1}},
                                     {"statements", std::move(list)}})
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
