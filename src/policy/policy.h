// Rules in, decision with a reason out. Pure: no clock, no files, no state. docs/formats/policy.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/index.h"

namespace cloister::policy {

// Rules that were checked and found as their author expected. Doesn't change: any number of threads may decide by it.
class Policy {
 public:
  // No policy: refuses everything.
  Policy() = default;

  // What the document calls itself; the caller keeps the hash of the exact bytes beside it. Empty for no policy.
  const std::string& id() const { return id_; }
  const Validity& validity() const { return validity_; }
  // By name.
  const std::vector<Rule>& rules() const { return rules_; }
  const std::map<std::string, Quota, std::less<>>& quotas() const { return quotas_; }
  // The tenant's own, else the one for any; nothing where there is neither.
  std::optional<Quota> quota_of(std::string_view tenant) const;

 private:
  friend Result<Policy> compile(Document document);
  friend Decision decide(const Policy& policy, const Request& request);

  bool loaded_ = false;
  std::string id_;
  Validity validity_;
  std::vector<Rule> rules_;
  std::map<std::string, Quota, std::less<>> quotas_;
  RuleIndex allows_, denies_;
};

// The whole way from text to a policy in use. kInvalid, with the line, for what isn't a policy and for one that doesn't
// do what its [[expect]] tables say; kUnsupported for a newer version. Text without keys is a policy that refuses
// everything.
Result<Policy> load_policy(std::string_view text);

// Refuses unless the request is complete, the policy is in force, a rule allows it, none denies it and the tenant's
// quota covers it. Doesn't depend on the order of rules. Not constant time.
Decision decide(const Policy& policy, const Request& request);

// What is in a document, for the one who writes it. Errors as load_policy, but for expectations that fail: those are
// listed, "line 40: …".
struct CheckReport {
  std::string id;
  Validity validity;
  std::size_t allow_rules = 0, deny_rules = 0, quotas = 0, expectations = 0;
  std::vector<std::string> failures;
};
Result<CheckReport> check_policy(std::string_view text);

}  // namespace cloister::policy
