#include "probe/path/scan_result.h"

#include <array>

#include "base/json.h"
#include "net/address.h"

namespace cloister::probe::path {
namespace {

constexpr JsonLimits kLimits = {kEvidenceFileSizeMax, 12, 1'000'000};

// The oldest first: the weakest that is accepted is what counts.
struct VersionCheck {
  std::string_view check;
  std::uint16_t version;
};
constexpr std::array<VersionCheck, 6> kVersionChecks = {
    {{"P1", 0x0002}, {"P2", 0x0300}, {"P3", 0x0301}, {"P4", 0x0302}, {"P5", 0x0303}, {"P6", 0x0304}}};

std::string text_of(const JsonValue& object, std::string_view name) {
  const JsonValue* found = object.find(name);
  return found == nullptr || found->string() == nullptr ? std::string() : *found->string();
}

// "" where it wasn't looked at. An empty subject: any.
std::string seen(const JsonValue& target, std::string_view check, std::string_view subject) {
  const JsonValue* facts = target.find("facts");
  if (facts == nullptr || facts->array() == nullptr) return "";
  std::string any;
  for (const JsonValue& fact : *facts->array()) {
    if (text_of(fact, "check") != check || (!subject.empty() && text_of(fact, "subject") != subject)) continue;
    any = text_of(fact, "seen");
    if (any == "yes") return any;
  }
  return any;
}

void add_plaintext(const JsonValue& target, const Statement& about, std::vector<Statement>& statements) {
  const std::string answers = seen(target, "W2", "plaintext answers");
  const std::string h2c = seen(target, "W6", "h2c");
  Statement statement = about;
  if (answers == "yes" || h2c == "yes") {
    statement.claim = Claim::kPlaintextAccepted;
    statement.detail =
        answers == "yes" ? "something answered in the clear on the TLS port" : "HTTP/2 in the clear was answered";
    statements.push_back(std::move(statement));
  } else if (answers == "no" && (h2c == "no" || h2c == "not-applicable")) {
    statement.claim = Claim::kPlaintextRefused;
    statement.detail = "nothing answered in the clear";
    statements.push_back(std::move(statement));
  }
}

void add_tls(const JsonValue& target, const Statement& about, std::vector<Statement>& statements) {
  for (const VersionCheck& check : kVersionChecks) {
    if (seen(target, check.check, "") != "yes") continue;
    const std::string required = seen(target, "M1", "required");
    Statement statement = about;
    statement.claim = Claim::kEncrypted;
    statement.protection = required == "yes" ? Protection::kMutualTls : Protection::kTls;
    statement.tls_version = check.version;
    statement.detail = "accepts TLS from " + tls_version_text(check.version) + " on";
    statements.push_back(std::move(statement));
    if (required != "no") return;
    statement = about;
    statement.claim = Claim::kClientNotProven;
    statement.detail = "no client certificate is required";
    statements.push_back(std::move(statement));
    return;
  }
}

}  // namespace

Result<std::vector<Statement>> parse_scan_result(std::string_view json) {
  CLOISTER_TRY(const JsonValue document, parse_json(json, kLimits));
  if (text_of(document, "format") != kScanFormat)
    return Error(Code::kInvalid, "its format isn't " + std::string(kScanFormat));
  const JsonValue* targets = document.find("targets");
  if (targets == nullptr || targets->array() == nullptr) return Error(Code::kInvalid, "targets isn't a list");
  std::vector<Statement> statements;
  for (const JsonValue& target : *targets->array()) {
    const std::string resolved = text_of(target, "address");
    if (resolved.empty()) continue;
    CLOISTER_TRY(const net::TcpAddress address, net::parse_tcp_address(resolved));
    Statement about;
    about.source = Source::kProbe;
    CLOISTER_TRY(about.to.address, IpAddress::parse(address.host));
    about.port = address.port;
    CLOISTER_TRY(about.begin, parse_rfc3339(text_of(target, "time")));
    about.end = about.begin;
    add_plaintext(target, about, statements);
    add_tls(target, about, statements);
  }
  return statements;
}

}  // namespace cloister::probe::path
