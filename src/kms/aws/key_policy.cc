#include "kms/aws/key_policy.h"

#include <algorithm>
#include <optional>
#include <set>

namespace cloister::kms {
namespace {

constexpr std::string_view kAttestation = "kms:recipientattestation:";
// Only a pattern for every operation matches it.
constexpr std::string_view kAnyOperation = "kms:an operation that no service has";

Error not_understood(std::string_view what) {
  return Error(Code::kInvalid, "the policy's " + std::string(what) + " isn't understood");
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// A string, or an array of them.
Result<std::vector<std::string>> strings_of(const JsonValue& value, std::string_view what) {
  std::vector<std::string> strings;
  if (value.string() != nullptr) return std::vector{*value.string()};
  if (value.array() == nullptr) return not_understood(what);
  for (const JsonValue& element : *value.array()) {
    if (element.string() == nullptr) return not_understood(what);
    strings.push_back(*element.string());
  }
  return strings;
}

// IAM's patterns: * for any run, ? for one character. Both are in lower case.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t star = std::string_view::npos, behind_star = 0, at = 0, in = 0;
  while (in < text.size()) {
    if (at < pattern.size() && (pattern[at] == '?' || (pattern[at] == text[in] && pattern[at] != '*'))) {
      ++at, ++in;
    } else if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      behind_star = in;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in = ++behind_star;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

struct Condition {
  std::string operation;  // lower case: "stringequals"
  std::string key;        // lower case: "kms:calleraccount"
  std::vector<std::string> values;

  // One that holds only where the request says what is listed, and not for everything.
  bool binds() const {
    static const std::set<std::string_view> kBinding{"stringequals",
                                                     "stringequalsignorecase",
                                                     "stringlike",
                                                     "arnequals",
                                                     "arnlike",
                                                     "foranyvalue:stringequals",
                                                     "foranyvalue:stringlike"};
    const auto any = [](const std::string& value) { return value.find_first_not_of("*?") == std::string::npos; };
    return kBinding.contains(operation) && !values.empty() && std::ranges::none_of(values, any);
  }
  bool binds_caller() const {
    static const std::set<std::string_view> kWho{
        "kms:calleraccount",     "aws:principalaccount", "aws:principalarn", "aws:principalorgid",
        "aws:principalorgpaths", "aws:sourceaccount",    "aws:sourceorgid",  "aws:userid"};
    return kWho.contains(key) && binds();
  }
  // Whether it lets in nobody of another account.
  bool binds_to(std::string_view account) const {
    static const std::set<std::string_view> kAccounts{"kms:calleraccount", "aws:principalaccount", "aws:principalarn",
                                                      "aws:sourceaccount"};
    const auto own = [account](const std::string& value) { return aws_account_of(value) == account; };
    return kAccounts.contains(key) && binds() && std::ranges::all_of(values, own);
  }
  bool is_attestation() const { return key.starts_with(kAttestation); }
};

struct Statement {
  bool allow = false;
  bool everybody = false;             // principal *, or everyone but some
  std::vector<std::string> accounts;  // of principals
  std::vector<std::string> actions;   // lower case
  bool all_but = false;               // NotAction
  std::vector<Condition> conditions;

  bool covers(std::string_view action) const {
    const bool listed = std::ranges::any_of(actions, [action](const auto& p) { return matches(p, action); });
    return listed != all_but;
  }
};

Status read_principal(const JsonValue& principal, Statement& statement) {
  if (principal.string() != nullptr && *principal.string() == "*") {
    statement.everybody = true;
    return {};
  }
  if (principal.object() == nullptr) return not_understood("principal");
  for (const auto& [kind, value] : *principal.object()) {
    CLOISTER_TRY(const auto names, strings_of(value, "principal"));
    if (kind == "Service") continue;
    if (kind != "AWS") return not_understood("principal");
    for (const std::string& name : names) {
      if (name == "*") {
        statement.everybody = true;
      } else if (const std::string account = aws_account_of(name); !account.empty()) {
        statement.accounts.push_back(account);
      }
    }
  }
  return {};
}

Status read_conditions(const JsonValue* block, Statement& statement) {
  if (block == nullptr) return {};
  if (block->object() == nullptr) return not_understood("condition");
  for (const auto& [operation, keys] : *block->object()) {
    if (keys.object() == nullptr) return not_understood("condition");
    for (const auto& [key, value] : *keys.object()) {
      Condition condition{lower(operation), lower(key), {}};
      if (const auto flag = value.boolean()) {
        condition.values = {*flag ? "true" : "false"};
      } else if (value.number()) {
        condition.values = {value.serialize()};
      } else {
        CLOISTER_TRY(condition.values, strings_of(value, "condition"));
      }
      statement.conditions.push_back(std::move(condition));
    }
  }
  return {};
}

Result<Statement> read_statement(const JsonValue& json) {
  Statement statement;
  const JsonValue* effect = json.find("Effect");
  if (effect == nullptr || effect->string() == nullptr) return not_understood("effect");
  statement.allow = *effect->string() == "Allow";
  if (!statement.allow && *effect->string() != "Deny") return not_understood("effect");

  const JsonValue* principal = json.find("Principal");
  const JsonValue* all_but = json.find("NotPrincipal");
  if ((principal == nullptr) == (all_but == nullptr)) return not_understood("principal");
  // A denial of all but some isn't one of everybody.
  if (principal == nullptr) statement.everybody = statement.allow;
  if (principal != nullptr) CLOISTER_RETURN_IF_ERROR(read_principal(*principal, statement));

  const JsonValue* action = json.find("Action");
  const JsonValue* not_action = json.find("NotAction");
  if ((action == nullptr) == (not_action == nullptr)) return not_understood("action");
  statement.all_but = action == nullptr;
  CLOISTER_TRY(const auto actions, strings_of(action == nullptr ? *not_action : *action, "action"));
  for (const std::string& name : actions) statement.actions.push_back(lower(name));
  CLOISTER_RETURN_IF_ERROR(read_conditions(json.find("Condition"), statement));
  return statement;
}

// Denies decryption to everybody who shows no, or not that, evidence.
bool demands_attestation(const Statement& statement) {
  if (statement.allow || !statement.everybody || !statement.covers("kms:decrypt")) return false;
  if (statement.conditions.empty()) return true;  // denied to all
  // Several conditions must hold together before it denies: then somebody may slip between them.
  if (statement.conditions.size() != 1 || !statement.conditions.front().is_attestation()) return false;
  const Condition& condition = statement.conditions.front();
  static const std::set<std::string_view> kUnlessEqual{"stringnotequals", "stringnotequalsignorecase", "stringnotlike"};
  const auto any = [](const std::string& value) { return value.find_first_not_of("*?") == std::string::npos; };
  if (kUnlessEqual.contains(condition.operation)) {
    return !condition.values.empty() && std::ranges::none_of(condition.values, any);
  }
  return condition.operation == "null" && condition.values == std::vector<std::string>{"true"};
}

void judge(const Statement& statement, std::string_view account, bool attested, std::set<PolicyFinding>& findings) {
  const auto binds_caller = [](const Condition& condition) { return condition.binds_caller(); };
  const bool bound = std::ranges::any_of(statement.conditions, binds_caller);
  if (statement.everybody && !bound) findings.insert(PolicyFinding::kPublicPrincipal);
  const auto is_all = [](const std::string& action) { return matches(action, kAnyOperation); };
  if (statement.all_but || std::ranges::any_of(statement.actions, is_all)) {
    findings.insert(PolicyFinding::kWildcardAction);
  }
  const auto other = [account](const std::string& named) { return named != account; };
  const auto binds_to_own = [account](const Condition& condition) { return condition.binds_to(account); };
  const bool some_of_others = statement.everybody && bound && std::ranges::none_of(statement.conditions, binds_to_own);
  const bool other_account = some_of_others || std::ranges::any_of(statement.accounts, other);
  if (other_account) findings.insert(PolicyFinding::kOtherAccount);
  const auto attests = [](const Condition& condition) { return condition.is_attestation() && condition.binds(); };
  if (statement.covers("kms:decrypt") && !attested && std::ranges::none_of(statement.conditions, attests)) {
    findings.insert(PolicyFinding::kDecryptUnattested);
  }
}

}  // namespace

std::string aws_account_of(std::string_view principal) {
  if (!principal.starts_with("arn:")) {
    const bool digits =
        principal.size() == 12 && std::ranges::all_of(principal, [](char c) { return c >= '0' && c <= '9'; });
    return digits ? std::string(principal) : std::string();
  }
  for (int colon = 0; colon < 4; ++colon) {
    const std::size_t at = principal.find(':');
    if (at == std::string_view::npos) return {};
    principal.remove_prefix(at + 1);
  }
  return std::string(principal.substr(0, principal.find(':')));
}

Result<std::vector<PolicyFinding>> key_policy_findings(std::string_view policy, std::string_view account) {
  CLOISTER_TRY(const JsonValue json, parse_json(policy));
  const JsonValue* member = json.find("Statement");
  if (member == nullptr) return not_understood("list of statements");
  const JsonValue::Array one{*member};
  const JsonValue::Array& all = member->array() == nullptr ? one : *member->array();
  std::vector<Statement> statements;
  for (const JsonValue& element : all) {
    CLOISTER_TRY(Statement statement, read_statement(element));
    statements.push_back(std::move(statement));
  }
  const bool attested = std::ranges::any_of(statements, demands_attestation);
  std::set<PolicyFinding> findings;
  for (const Statement& statement : statements) {
    if (statement.allow) judge(statement, account, attested, findings);
  }
  return std::vector(findings.begin(), findings.end());
}

Result<std::vector<PolicyFinding>> grant_findings(const JsonValue& grant, std::string_view account) {
  const JsonValue* grantee = grant.find("GranteePrincipal");
  const JsonValue* operations = grant.find("Operations");
  if (grantee == nullptr || grantee->string() == nullptr || operations == nullptr) {
    return Error(Code::kInvalid, "a grant lacks its grantee or operations");
  }
  CLOISTER_TRY(const auto names, strings_of(*operations, "grant"));
  std::vector<PolicyFinding> findings;
  const std::string its = aws_account_of(*grantee->string());
  if (!its.empty() && its != account) findings.push_back(PolicyFinding::kOtherAccount);
  if (std::ranges::find(names, "Decrypt") != names.end()) findings.push_back(PolicyFinding::kDecryptUnattested);
  return findings;
}

}  // namespace cloister::kms
