// A policy as it was written: rules, quotas, expectations. Every value has been checked.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/pattern.h"
#include "policy/request.h"

namespace cloister::policy {

enum class Effect : std::uint8_t { kAllow, kDeny };

// From not_before on, until just before not_after; unset is without a bound.
struct Validity {
  std::optional<Time> not_before, not_after;
  bool covers(Time now) const { return (!not_before || *not_before <= now) && (!not_after || now < *not_after); }
  bool bounded() const { return not_before || not_after; }
  friend bool operator==(const Validity&, const Validity&) = default;
};

// A request is the rule's when each part of it is matched by one of the values here.
struct Rule {
  std::string name;
  Effect effect = Effect::kDeny;
  std::uint32_t line = 0;
  std::vector<CallerPattern> callers;
  // Only operations that act on everything the rule restricts: none on the service where `tenants` isn't any.
  OperationSet operations;
  PurposeSet purposes;
  // Empty where no operation of the rule acts on one.
  std::vector<NamePattern> tenants, environments, datasets;
  Validity validity;
};

// A request and the answer the author wants to it.
struct Expectation {
  std::uint32_t line = 0;
  std::string caller, tenant, environment, dataset;
  Operation operation = Operation::kRandom;
  std::optional<Purpose> purpose;
  std::uint32_t keys = 1;
  Time at;
  bool allowed = false;
  std::optional<std::string> rule;

  Request request() const { return {caller, operation, tenant, environment, dataset, purpose, keys, at}; }
};

// The key `*` of the quotas is the one for every tenant without its own.
inline constexpr const char* kQuotaOfOthers = "*";

struct Document {
  std::string id;
  Validity validity;
  std::vector<Rule> rules;  // by name
  std::map<std::string, Quota, std::less<>> quotas;
  std::vector<Expectation> expectations;
};

}  // namespace cloister::policy
