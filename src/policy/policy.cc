#include "policy/policy.h"

#include <algorithm>

#include "policy/document.h"

namespace cloister::policy {
namespace {

constexpr std::size_t kFailuresTold = 5;

bool any_matches(const std::vector<NamePattern>& patterns, std::string_view name) {
  return std::ranges::any_of(patterns, [name](const NamePattern& pattern) { return pattern.matches(name); });
}

bool has_caller(const Rule& rule, const CallerId& caller) {
  return std::ranges::any_of(rule.callers, [&caller](const CallerPattern& each) { return each.matches(caller); });
}

bool has_tenant(const Rule& rule, const Request& request) {
  return scope_of(request.operation) < Scope::kTenant ||
         (any_matches(rule.tenants, request.tenant) && any_matches(rule.environments, request.environment));
}

bool has_dataset(const Rule& rule, const Request& request) {
  return scope_of(request.operation) < Scope::kDataset || any_matches(rule.datasets, request.dataset);
}

// PO-16. What is cheap and tells rules of one caller apart comes first.
bool is_about(const Rule& rule, const Request& request, const CallerId& caller) {
  return rule.operations.has(request.operation) && rule.purposes.has(*request.purpose) &&
         rule.validity.covers(request.now) && has_dataset(rule, request) && has_tenant(rule, request) &&
         has_caller(rule, caller);
}

// Of the rules that are about the request the first by name, so that the order in the document changes nothing (PO-19).
const Rule* rule_about(const std::vector<Rule>& rules, const RuleIndex& index, const Request& request,
                       const CallerId& caller) {
  const Rule* first = nullptr;
  index.visit(request.tenant, caller, [&](std::uint32_t number) {
    const Rule* rule = &rules[number];
    if (first != nullptr && first <= rule) return false;
    if (!is_about(*rule, request, caller)) return true;
    first = rule;
    return false;
  });
  return first;
}

Decision refuse(std::string reason, std::string rule = "") { return {false, std::move(rule), std::move(reason), {}}; }

std::string rule_text(const Rule& rule) { return "rule \"" + rule.name + "\""; }

std::string why_not_valid(std::string_view what, const Validity& validity, Time now) {
  if (validity.not_before && now < *validity.not_before) {
    return std::string(what) + " isn't valid before " + to_rfc3339(*validity.not_before);
  }
  return std::string(what) + " ended at " + to_rfc3339(*validity.not_after);
}

// What keeps a rule from being about a request, in the order in which it is told.
enum class Miss : std::uint8_t { kTime, kPurpose, kDataset, kAll };

Miss miss_of(const Rule& rule, const Request& request, const CallerId& caller) {
  const bool is_theirs =
      rule.operations.has(request.operation) && has_tenant(rule, request) && has_caller(rule, caller);
  if (!is_theirs) return Miss::kAll;
  if (!has_dataset(rule, request)) return Miss::kDataset;
  return rule.purposes.has(*request.purpose) ? Miss::kTime : Miss::kPurpose;
}

std::string miss_text(Miss miss, const Rule& rule, const Request& request) {
  const std::string operation(operation_name(request.operation));
  switch (miss) {
    case Miss::kDataset:
      return rule_text(rule) + " allows " + operation + " of other datasets, not of " + std::string(request.dataset);
    case Miss::kPurpose:
      return rule_text(rule) + " allows " + operation + " for other purposes, not for " +
             std::string(purpose_name(*request.purpose));
    case Miss::kTime: return why_not_valid(rule_text(rule), rule.validity, request.now);
    case Miss::kAll: break;
  }
  const std::string target = target_of(request);
  return "no rule allows this caller " + operation + (target.empty() ? "" : " of " + target) + " for " +
         std::string(purpose_name(*request.purpose));
}

// PO-20. Names a rule only where caller, operation, tenant and environment are this rule's: who asks about a tenant
// that no rule gives them anything of hears the same whether or not there is such a tenant.
std::string why_not_allowed(const std::vector<Rule>& rules, const RuleIndex& allows, const Request& request,
                            const CallerId& caller) {
  Miss least = Miss::kAll;
  const Rule* nearest = nullptr;
  allows.visit(request.tenant, caller, [&](std::uint32_t number) {
    const Rule* rule = &rules[number];
    const Miss miss = miss_of(*rule, request, caller);
    if (miss < least || (miss == least && nearest != nullptr && rule < nearest)) {
      least = miss;
      nearest = rule;
    }
    return true;
  });
  return nearest == nullptr ? miss_text(Miss::kAll, Rule(), request) : miss_text(least, *nearest, request);
}

Decision allow(const Rule& rule, std::optional<Quota> quota) {
  return {true, rule.name, rule_text(rule) + " allows it", quota};
}

std::string expected_text(const Expectation& expectation) {
  std::string text = expectation.allowed ? "allow" : "deny";
  if (expectation.rule) text += " by rule \"" + *expectation.rule + "\"";
  return text;
}

std::vector<std::string> failures_of(const Policy& policy, const std::vector<Expectation>& expectations) {
  std::vector<std::string> failures;
  for (const Expectation& expectation : expectations) {
    const Decision decision = decide(policy, expectation.request());
    const bool is_right =
        decision.allowed == expectation.allowed && (!expectation.rule || *expectation.rule == decision.rule);
    if (is_right) continue;
    failures.push_back("line " + std::to_string(expectation.line) + ": expected " + expected_text(expectation) +
                       ", but it is " + (decision.allowed ? "allowed" : "refused") + ": " + decision.reason);
  }
  return failures;
}

}  // namespace

std::optional<Quota> Policy::quota_of(std::string_view tenant) const {
  auto found = quotas_.find(tenant);
  if (found == quotas_.end()) found = quotas_.find(kQuotaOfOthers);
  if (found == quotas_.end()) return std::nullopt;
  return found->second;
}

Result<Policy> compile(Document document) {
  Policy policy;
  policy.loaded_ = true;
  policy.id_ = std::move(document.id);
  policy.validity_ = document.validity;
  policy.rules_ = std::move(document.rules);
  policy.quotas_ = std::move(document.quotas);
  for (std::uint32_t i = 0; i < policy.rules_.size(); ++i) {
    const Rule& rule = policy.rules_[i];
    (rule.effect == Effect::kAllow ? policy.allows_ : policy.denies_).add(rule, i);
    if (policy.allows_.entries() + policy.denies_.entries() > kIndexEntriesMax) {
      return Error(Code::kInvalid, "line " + std::to_string(rule.line) +
                                       ": callers times tenants, of all rules together, are more than " +
                                       std::to_string(kIndexEntriesMax));
    }
  }
  return policy;
}

Result<Policy> load_policy(std::string_view text) {
  CLOISTER_TRY(Document document, parse_document(text));
  const std::vector<Expectation> expectations = std::move(document.expectations);
  CLOISTER_TRY(Policy policy, compile(std::move(document)));
  const std::vector<std::string> failures = failures_of(policy, expectations);
  if (failures.empty()) return policy;
  std::string message = std::to_string(failures.size()) + " of " + std::to_string(expectations.size()) +
                        " expectations of the policy fail";
  for (std::size_t i = 0; i < failures.size() && i < kFailuresTold; ++i) message += "; " + failures[i];
  return Error(Code::kInvalid, message);
}

Decision decide(const Policy& policy, const Request& request) {
  if (!policy.loaded_) return refuse("no policy is loaded");
  const auto caller = check_request(request);
  if (!caller.ok()) return refuse(caller.error().message());
  if (!policy.validity_.covers(request.now)) return refuse(why_not_valid("the policy", policy.validity_, request.now));

  const Rule* allowing = rule_about(policy.rules_, policy.allows_, request, *caller);
  if (allowing == nullptr) return refuse(why_not_allowed(policy.rules_, policy.allows_, request, *caller));
  const Rule* denying = rule_about(policy.rules_, policy.denies_, request, *caller);
  if (denying != nullptr) return refuse(rule_text(*denying) + " denies it", denying->name);

  if (scope_of(request.operation) == Scope::kService) return allow(*allowing, std::nullopt);
  const std::optional<Quota> quota = policy.quota_of(request.tenant);
  const std::string tenant(request.tenant);
  if (!quota) return refuse("no quota is set for tenant " + tenant);
  if (request.keys > quota->keys_per_batch) {
    return refuse(std::to_string(request.keys) + " keys at once are more than the " +
                  std::to_string(quota->keys_per_batch) + " that tenant " + tenant + " may ask for");
  }
  return allow(*allowing, quota);
}

Result<CheckReport> check_policy(std::string_view text) {
  CLOISTER_TRY(Document document, parse_document(text));
  CheckReport report;
  report.id = document.id;
  report.validity = document.validity;
  report.allow_rules = static_cast<std::size_t>(std::ranges::count(document.rules, Effect::kAllow, &Rule::effect));
  report.deny_rules = document.rules.size() - report.allow_rules;
  report.quotas = document.quotas.size();
  report.expectations = document.expectations.size();
  const std::vector<Expectation> expectations = std::move(document.expectations);
  CLOISTER_TRY(const Policy policy, compile(std::move(document)));
  report.failures = failures_of(policy, expectations);
  return report;
}

}  // namespace cloister::policy
