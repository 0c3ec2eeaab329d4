#include "verdict_text.h"

#include <algorithm>

namespace cloister::cli {
namespace {

constexpr std::string_view kReportData = "report-data";

bool counts(const attest::Check& check, Fresh fresh) {
  if (check.state == attest::CheckState::kPassed) return false;
  return fresh == Fresh::kRequired || check.state == attest::CheckState::kFailed || check.name != kReportData;
}

const attest::Check* problem_of(const attest::Verdict& verdict, Fresh fresh) {
  for (const auto state : {attest::CheckState::kFailed, attest::CheckState::kNotEvaluated}) {
    for (const attest::Check& check : verdict.checks) {
      if (check.state == state && counts(check, fresh)) return &check;
    }
  }
  return nullptr;
}

std::vector<const attest::Verdict*> parts_of(const attest::SetVerdict& verdict) {
  std::vector<const attest::Verdict*> parts{&verdict.primary};
  for (const attest::Verdict& device : verdict.devices) parts.push_back(&device);
  return parts;
}

std::string state_text(attest::CheckState state) {
  switch (state) {
    case attest::CheckState::kPassed: return "passed";
    case attest::CheckState::kFailed: return "FAILED";
    case attest::CheckState::kNotEvaluated: return "not evaluated";
  }
  CLOISTER_CHECK(false);
  return {};
}

std::string why_text(const attest::Check& check) {
  const std::string reason = check.reason ? std::string(attest::reason_name(*check.reason)) : "";
  if (reason.empty() || check.detail.empty()) return reason + printable(check.detail);
  return reason + ": " + printable(check.detail);
}

// As policies have them: text, whatever kind of value.
struct ClaimText {
  std::string operator()(bool truth) const { return truth ? "true" : "false"; }
  std::string operator()(std::uint64_t number) const { return std::to_string(number); }
  std::string operator()(const std::string& text) const { return printable(text); }
  std::string operator()(const Bytes& bytes) const { return to_hex(bytes); }
};

std::string indented(const std::string& lines) {
  std::string text = "  ";
  for (const char c : lines) text += c == '\n' ? std::string("\n  ") : std::string(1, c);
  text.resize(text.size() - 2);
  return text;
}

std::string part_text(const attest::Verdict& verdict) {
  Table checks({"CHECK", "OUTCOME", "WHY"});
  for (const attest::Check& check : verdict.checks) checks.row({check.name, state_text(check.state), why_text(check)});
  std::string text = std::string(attest::kind_name(verdict.kind)) + ", assurance " +
                     std::string(attest::assurance_name(verdict.assurance)) + "\n" + indented(checks.text());
  text += claims_text(verdict);
  for (const std::string& advisory : verdict.advisories) text += "  advisory " + printable(advisory) + "\n";
  for (const attest::UsedCollateral& used : verdict.used) {
    text += "  collateral " + printable(used.name) + "\n";
  }
  return text;
}

Json part_json(const attest::Verdict& verdict) {
  Json json = {{"kind", attest::kind_name(verdict.kind)},
               {"assurance", attest::assurance_name(verdict.assurance)},
               {"checks", Json::array()},
               {"claims", Json::object()},
               {"advisories", verdict.advisories},
               {"collateral", Json::array()},
               {"floors", Json::object()}};
  for (const attest::Check& check : verdict.checks) {
    Json one = {{"name", check.name}, {"state", attest::check_state_name(check.state)}};
    if (check.reason) one["reason"] = attest::reason_name(*check.reason);
    if (!check.detail.empty()) one["detail"] = printable(check.detail);
    json["checks"].push_back(std::move(one));
  }
  json["claims"] = claims_json(verdict);
  for (const attest::UsedCollateral& used : verdict.used) {
    json["collateral"].push_back({{"name", used.name}, {"sha256", to_hex(used.digest)}});
  }
  for (const auto& [name, value] : verdict.seen) json["floors"][name] = value;
  return json;
}

std::string conclusion(const attest::SetVerdict& verdict, Fresh fresh) {
  const Standing standing = standing_of(verdict, fresh);
  std::string text = std::string(standing_name(standing)) + " as of " + to_rfc3339(verdict.primary.at);
  if (standing != Standing::kVerified) return text + ": " + problem_text(verdict, fresh) + "\n";
  text += ", assurance " + std::string(attest::assurance_name(verdict.assurance())) + "\n";
  if (fresh == Fresh::kAny) text += "  it wasn't asked whose question it answers: it may be an old one shown again\n";
  if (verdict.assurance() != attest::Assurance::kHardware) {
    text += "  no hardware stands behind it: whoever has the software's key can say the same\n";
  }
  return text;
}

}  // namespace

std::string_view standing_name(Standing standing) {
  switch (standing) {
    case Standing::kVerified: return "verified";
    case Standing::kIncomplete: return "incomplete";
    case Standing::kRefused: return "refused";
  }
  CLOISTER_CHECK(false);
  return {};
}

Standing standing_of(const attest::Verdict& verdict, Fresh fresh) {
  const attest::Check* problem = problem_of(verdict, fresh);
  if (problem == nullptr) return verdict.checks.empty() ? Standing::kIncomplete : Standing::kVerified;
  return problem->state == attest::CheckState::kFailed ? Standing::kRefused : Standing::kIncomplete;
}

Standing standing_of(const attest::SetVerdict& verdict, Fresh fresh) {
  Standing worst = Standing::kVerified;
  for (const attest::Verdict* part : parts_of(verdict)) worst = std::max(worst, standing_of(*part, fresh));
  return worst;
}

std::string problem_text(const attest::SetVerdict& verdict, Fresh fresh) {
  const Standing standing = standing_of(verdict, fresh);
  for (const attest::Verdict* part : parts_of(verdict)) {
    if (standing_of(*part, fresh) != standing) continue;
    const attest::Check* check = problem_of(*part, fresh);
    if (check == nullptr) continue;
    return std::string(attest::kind_name(part->kind)) + " " + check->name + " " + state_text(check->state) + ", " +
           why_text(*check);
  }
  return {};
}

std::string claims_text(const attest::Verdict& verdict) {
  if (verdict.claims.empty()) return {};
  Table claims({"CLAIM", "VALUE"});
  for (const auto& [name, value] : verdict.claims) claims.row({printable(name), std::visit(ClaimText(), value)});
  return indented(claims.text());
}

Json claims_json(const attest::Verdict& verdict) {
  Json json = Json::object();
  for (const auto& [name, value] : verdict.claims) json[printable(name)] = std::visit(ClaimText(), value);
  return json;
}

std::string verdict_text(const attest::SetVerdict& verdict, Fresh fresh) {
  std::string text;
  for (const attest::Verdict* part : parts_of(verdict)) text += part_text(*part);
  return text + conclusion(verdict, fresh);
}

Json verdict_json(const attest::SetVerdict& verdict, Fresh fresh) {
  Json json = {{"verdict", standing_name(standing_of(verdict, fresh))},
               {"at", to_rfc3339(verdict.primary.at)},
               {"assurance", attest::assurance_name(verdict.assurance())},
               {"sound", verdict.sound()},
               {"primary", part_json(verdict.primary)},
               {"devices", Json::array()}};
  for (const attest::Verdict& device : verdict.devices) json["devices"].push_back(part_json(device));
  return json;
}

}  // namespace cloister::cli
