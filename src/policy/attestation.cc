#include "policy/attestation.h"

#include <algorithm>
#include <charconv>

#include "policy/attestation_document.h"

namespace cloister::policy {
namespace {

constexpr std::size_t kFailuresTold = 5;
constexpr std::string_view kBound = "report-data";

using Claims = std::map<std::string, std::string, std::less<>>;
using Miss = std::optional<std::string>;  // why not; nothing: all is well

const std::string* claim_of(const AttestedPart& part, std::string_view name) {
  const auto found = part.claims.find(name);
  return found == part.claims.end() ? nullptr : &found->second;
}

template <typename Range, typename Value>
bool has(const Range& range, const Value& value) {
  return std::ranges::find(range, value) != range.end();
}

bool any_matches(const std::vector<NamePattern>& patterns, std::string_view name) {
  return std::ranges::any_of(patterns, [name](const NamePattern& pattern) { return pattern.matches(name); });
}

std::optional<std::uint64_t> number_of(const std::string* text) {
  std::uint64_t number = 0;
  if (text == nullptr || text->empty()) return std::nullopt;
  const char* end = text->data() + text->size();
  const auto read = std::from_chars(text->data(), end, number);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return number;
}

std::string name_of_part(const ReleaseRequest& request, std::size_t i) {
  return (i == 0 ? "the machine (" : "device " + std::to_string(i) + " (") + request.parts[i].platform + ")";
}

// AP-12: what no rule can lower.
Miss below_floor(const ReleaseRequest& request) {
  if (!request.purpose) return "the request names no purpose";
  if (request.parts.empty()) return "there is no evidence";
  for (std::size_t i = 0; i < request.parts.size(); ++i) {
    const AttestedPart& part = request.parts[i];
    if (!part.unmet.empty()) return name_of_part(request, i) + ": the check " + part.unmet.front() + " isn't passed";
    if (part.assurance == Assurance::kNone) return name_of_part(request, i) + " proves no root that is trusted";
    if (!has(part.passed, kBound)) return name_of_part(request, i) + " isn't bound to this request";
    const std::string* debug = claim_of(part, "debug");
    if (debug != nullptr && *debug != "false") return name_of_part(request, i) + " can be debugged by its host";
  }
  return std::nullopt;
}

Miss miss_of_claim(const ClaimRule& rule, const AttestedPart& part) {
  const std::string* claim = claim_of(part, rule.name);
  if (claim == nullptr) return "it has no " + rule.name;
  if (!rule.is.empty() && !has(rule.is, *claim)) return "its " + rule.name + " isn't one that is accepted";
  if (!rule.min && !rule.max) return std::nullopt;
  const auto number = number_of(claim);
  if (!number) return "its " + rule.name + " is no number";
  if (rule.min && *number < *rule.min) {
    return "its " + rule.name + " is " + *claim + ", below " + std::to_string(*rule.min);
  }
  if (rule.max && *number > *rule.max) {
    return "its " + rule.name + " is " + *claim + ", above " + std::to_string(*rule.max);
  }
  return std::nullopt;
}

// What a rule may leave unwritten: then it isn't asked.
Miss miss_of_optional(const std::optional<AllowedTexts>& allowed, const AttestedPart& part, std::string_view name) {
  const std::string* claim = claim_of(part, name);
  if (!allowed || allowed->accepts(claim)) return std::nullopt;
  return claim == nullptr ? "it has no " + std::string(name)
                          : "its " + std::string(name) + " isn't one that is accepted";
}

Miss miss_of_part(const PartRule& rule, const AttestedPart& part) {
  if (!has(rule.platforms, part.platform)) return "the rule isn't about " + part.platform;
  if (!has(rule.assurances, part.assurance)) {
    return std::string("its assurance is ") + std::string(assurance_word(part.assurance)) +
           ", which the rule doesn't accept";
  }
  if (!rule.product.accepts(claim_of(part, "product"))) return "its product isn't one that is accepted";
  if (!rule.chip.accepts(claim_of(part, "chip_id"))) return "its chip isn't one that is accepted";
  if (Miss miss = miss_of_optional(rule.measurement, part, "measurement")) return miss;
  if (Miss miss = miss_of_optional(rule.signer, part, "signer")) return miss;
  const std::string* status = claim_of(part, "tcb_status");
  if (status != nullptr && (!rule.tcb_status || !rule.tcb_status->accepts(status))) {
    return "its TCB status is " + *status + ", which the rule doesn't accept";
  }
  if (status == nullptr && has_tcb_status(part.platform)) return "it has no tcb_status";
  for (const std::string& advisory : part.advisories) {
    if (!rule.advisory || !rule.advisory->accepts(&advisory)) return "the advisory " + advisory + " isn't accepted";
  }
  if (rule.svn_min) {
    const auto svn = number_of(claim_of(part, "svn"));
    if (!svn) return "it has no svn";
    if (*svn < *rule.svn_min) return "its svn is " + std::to_string(*svn) + ", below " + std::to_string(*rule.svn_min);
  }
  for (const ClaimRule& claim : rule.claims) {
    if (claim.platform != part.platform) continue;
    if (Miss miss = miss_of_claim(claim, part)) return miss;
  }
  return std::nullopt;
}

// Each device is one that some table takes, and each table has as many as it wants.
Miss miss_of_devices(const ReleaseRule& rule, const ReleaseRequest& request) {
  std::vector<std::uint32_t> counts(rule.devices.size());
  for (std::size_t i = 1; i < request.parts.size(); ++i) {
    Miss nearest = "the rule takes no devices";
    bool taken = false;
    for (std::size_t j = 0; j < rule.devices.size() && !taken; ++j) {
      Miss miss = miss_of_part(rule.devices[j].part, request.parts[i]);
      taken = !miss;
      if (taken) ++counts[j];
      if (miss) nearest = std::move(miss);
    }
    if (!taken) return name_of_part(request, i) + ": " + *nearest;
  }
  for (std::size_t j = 0; j < counts.size(); ++j) {
    if (counts[j] >= rule.devices[j].count_min) continue;
    return std::to_string(counts[j]) + " devices of " + rule.devices[j].part.platforms.front() + " are fewer than " +
           std::to_string(rule.devices[j].count_min);
  }
  return std::nullopt;
}

bool is_target(const ReleaseRule& rule, std::string_view tenant, std::string_view environment,
               std::string_view dataset) {
  return any_matches(rule.tenants, tenant) && any_matches(rule.environments, environment) &&
         any_matches(rule.datasets, dataset);
}

// In the order in which a refusal is most useful: what is nearest to being right comes last.
struct Distance {
  int stage = 0;
  Miss miss;
};

Distance distance_of(const ReleaseRule& rule, const ReleaseRequest& request) {
  if (!is_target(rule, request.tenant, request.environment, request.dataset)) return {0, "it is about other datasets"};
  if (!rule.purposes.has(*request.purpose)) {
    return {1, "it isn't for the purpose " + std::string(purpose_name(*request.purpose))};
  }
  if (!rule.validity.covers(request.now)) return {2, "it isn't in force at this time"};
  if (!rule.roles.accepts(&request.role)) return {3, "it isn't for the role " + request.role};
  if (Miss miss = miss_of_part(rule.machine, request.parts.front())) {
    const bool other = !has(rule.machine.platforms, request.parts.front().platform);
    return {other ? 4 : 5, name_of_part(request, 0) + ": " + *miss};
  }
  if (!rule.manifests.accepts(&request.manifest)) return {6, "the workload manifest isn't one that is accepted"};
  if (Miss miss = miss_of_devices(rule, request)) return {7, std::move(miss)};
  return {8, std::nullopt};
}

bool denies(const PartDenial& denial, const AttestedPart& part) {
  if (!denial.platforms.empty() && !has(denial.platforms, part.platform)) return false;
  return std::ranges::all_of(denial.claims, [&part](const auto& claim) {
    const std::string* text = claim_of(part, claim.first);
    return text != nullptr && has(claim.second, *text);
  });
}

ReleaseDecision refuse(std::string reason, std::string rule = "") {
  return {false, std::move(rule), std::move(reason), {}, std::nullopt};
}

std::optional<Time> end_of(const Validity& policy, const Validity& rule) {
  if (!policy.not_after || !rule.not_after) return policy.not_after ? policy.not_after : rule.not_after;
  return std::min(*policy.not_after, *rule.not_after);
}

std::vector<std::string> failures_of(const AttestationPolicy& policy,
                                     const std::vector<ReleaseExpectation>& expectations) {
  std::vector<std::string> failures;
  for (const ReleaseExpectation& expectation : expectations) {
    const ReleaseDecision decision = decide(policy, expectation.request);
    const bool is_right =
        decision.allowed == expectation.allowed && (!expectation.rule || *expectation.rule == decision.rule);
    if (is_right) continue;
    failures.push_back("line " + std::to_string(expectation.line) + ": expected " +
                       (expectation.allowed ? "allow" : "deny") +
                       (expectation.rule ? " by rule \"" + *expectation.rule + "\"" : "") + ", but it is " +
                       (decision.allowed ? "allowed" : "refused") + ": " + decision.reason);
  }
  return failures;
}

}  // namespace

std::string_view assurance_word(Assurance assurance) {
  switch (assurance) {
    case Assurance::kHardware: return "hardware";
    case Assurance::kInsecureSoftware: return "insecure_software";
    case Assurance::kNone: break;
  }
  return "none";
}

bool AllowedTexts::accepts(const std::string* text) const {
  return any_ || (text != nullptr && std::ranges::find(texts_, *text) != texts_.end());
}

bool AttestationPolicy::guards(std::string_view tenant, std::string_view environment, std::string_view dataset) const {
  return std::ranges::any_of(document_.rules,
                             [&](const ReleaseRule& rule) { return is_target(rule, tenant, environment, dataset); });
}

Result<AttestationPolicy> load_attestation_policy(std::string_view text) {
  AttestationPolicy policy;
  CLOISTER_TRY(policy.document_, parse_attestation_document(text));
  policy.loaded_ = true;
  const std::vector<std::string> failures = failures_of(policy, policy.document_.expectations);
  if (failures.empty()) return policy;
  std::string message = std::to_string(failures.size()) + " of " +
                        std::to_string(policy.document_.expectations.size()) +
                        " expectations of the attestation policy fail";
  for (std::size_t i = 0; i < failures.size() && i < kFailuresTold; ++i) message += "; " + failures[i];
  return Error(Code::kInvalid, message);
}

ReleaseDecision decide(const AttestationPolicy& policy, const ReleaseRequest& request) {
  if (!policy.loaded_) return refuse("no attestation policy is loaded");
  if (!policy.validity().covers(request.now)) return refuse("the attestation policy isn't in force at this time");
  if (const Miss miss = below_floor(request)) return refuse(*miss);

  const ReleaseRule* allowing = nullptr;
  const ReleaseRule* nearest = nullptr;
  Distance least;
  for (const ReleaseRule& rule : policy.rules()) {
    Distance distance = distance_of(rule, request);
    if (!distance.miss) {
      allowing = &rule;
      break;
    }
    if (nearest != nullptr && distance.stage <= least.stage) continue;
    nearest = &rule;
    least = std::move(distance);
  }
  if (allowing == nullptr && (nearest == nullptr || least.stage == 0)) {
    return refuse("no rule releases keys of this dataset");
  }
  if (allowing == nullptr) return refuse("rule \"" + nearest->name + "\" doesn't release it: " + *least.miss);
  for (const PartDenial& denial : policy.document_.denials) {
    for (const AttestedPart& part : request.parts) {
      if (denies(denial, part)) return refuse("rule \"" + denial.name + "\" denies it", denial.name);
    }
  }
  return {true, allowing->name, "rule \"" + allowing->name + "\" releases it", allowing->lease,
          end_of(policy.validity(), allowing->validity)};
}

}  // namespace cloister::policy
