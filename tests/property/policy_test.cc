// What holds for every policy: it decides as a reading of its text by hand would, more denies or fewer allows never let
// anyone do more, the order of rules changes nothing, and a diff that marks nothing as widening widens nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "policy/diff.h"

namespace cloister::policy {
namespace {

#ifdef CLOISTER_SANITIZED
constexpr int kPolicies = 100;
#else
constexpr int kPolicies = 600;
#endif
constexpr int kRequests = 60;

using Texts = std::vector<std::string>;

struct WrittenRule {
  bool allows = false;
  std::string name;
  Texts callers, operations, tenants, environments, datasets, purposes;
  std::optional<int> from_day, to_day;
};

struct WrittenRequest {
  std::string caller, operation, tenant, environment, dataset, purpose;
  int day = 0;
};

const Texts kCallers = {"spiffe://a",
                        "spiffe://a/x",
                        "spiffe://a/x/y",
                        "spiffe://a/z/y",
                        "spiffe://a/x-1",
                        "spiffe://b/x",
                        "spiffe://b/x/y/z/1/2/3/4/5/6",
                        "spiffe://b/x/y/z/1/2/3/4/5/7"};
const Texts kCallerPatterns = {"spiffe://a/x",
                               "spiffe://a/*",
                               "spiffe://a/x/*",
                               "spiffe://a/*/y",
                               "spiffe://a/**",
                               "spiffe://a/x/**",
                               "spiffe://a/x-*",
                               "spiffe://b/*",
                               "spiffe://b/x/**",
                               "spiffe://b/x/y/z/1/2/3/4/5/6",
                               "spiffe://b/x/y/z/1/2/3/4/5/*"};
const Texts kDatasetOperations = {"generate", "wrap", "unwrap"};
const Texts kTenantOperations = {"kek.rotate", "audit.read"};
const Texts kServiceOperations = {"policy.read", "random"};
const Texts kTenants = {"t1", "t2", "u1"}, kTenantPatterns = {"t1", "t2", "u1", "t*", "*1"};
const Texts kEnvironments = {"", "prod", "test"}, kEnvironmentPatterns = {"none", "prod", "p*"};
const Texts kDatasets = {"d1", "d2", "e1"}, kDatasetPatterns = {"d1", "d2", "d*", "*1"};
const Texts kPurposes = {"train", "infer", "export"};

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }
  bool one_in(std::size_t count) { return below(count) == 0; }
  const std::string& one_of(const Texts& texts) { return texts[below(texts.size())]; }
  void shuffle(std::vector<WrittenRule>& rules) { std::ranges::shuffle(rules, random_); }

  Texts some_of(const Texts& texts) {
    if (one_in(3)) return {"any"};
    Texts some;
    for (std::size_t i = below(2) + 1; i-- > 0;) some.push_back(one_of(texts));
    return some;
  }

  WrittenRule rule(bool allows, std::string name) {
    WrittenRule rule{allows, std::move(name), some_of(kCallerPatterns), {}, {}, {}, {}, some_of(kPurposes), {}, {}};
    const std::size_t kind = below(5);
    rule.operations = kind == 0 ? Texts{"any"} : kind == 1 ? Texts{one_of(kTenantOperations)} : Texts{};
    if (kind == 2) rule.operations = {one_of(kServiceOperations)};
    if (kind > 2) rule.operations = {one_of(kDatasetOperations), one_of(kDatasetOperations)};
    if (kind != 2) rule.tenants = some_of(kTenantPatterns);
    if (kind != 2) rule.environments = some_of(kEnvironmentPatterns);
    if (kind != 1 && kind != 2) rule.datasets = some_of(kDatasetPatterns);
    if (one_in(5)) rule.from_day = static_cast<int>(below(5)) + 1;
    if (one_in(5)) rule.to_day = rule.from_day.value_or(0) + static_cast<int>(below(5)) + 1;
    return rule;
  }

  std::vector<WrittenRule> rules() {
    std::vector<WrittenRule> rules;
    for (std::size_t i = below(9); i-- > 0;) rules.push_back(rule(!one_in(3), "r" + std::to_string(i)));
    return rules;
  }

  WrittenRequest request() {
    WrittenRequest request{one_of(kCallers),           one_of(kDatasetOperations), one_of(kTenants),
                           one_of(kEnvironments),      one_of(kDatasets),          one_of(kPurposes),
                           static_cast<int>(below(10))};
    if (one_in(3)) {
      request.operation = one_of(kTenantOperations);
      request.dataset = "";
    } else if (one_in(6)) {
      request.operation = one_of(kServiceOperations);
      request.tenant = request.environment = request.dataset = "";
    }
    return request;
  }

 private:
  std::mt19937_64 random_;
};

std::string list_text(std::string_view key, const Texts& texts) {
  if (texts.empty()) return "";
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "\"" : ", \"") + text + "\"";
  return std::string(key) + " = [" + out + "]\n";
}

std::string day_text(int day) {
  return "2027-01-" + std::string(day < 9 ? "0" : "") + std::to_string(day + 1) + "T00:00:00Z\n";
}

std::string text_of(const std::vector<WrittenRule>& rules) {
  std::string text = "version = 1\nid = \"p\"\nnot_after = \"never\"\n";
  for (const WrittenRule& rule : rules) {
    text += (rule.allows ? "[[allow]]\nname = \"" : "[[deny]]\nname = \"") + rule.name + "\"\n";
    text += list_text("caller", rule.callers) + list_text("operation", rule.operations);
    text += list_text("tenant", rule.tenants) + list_text("environment", rule.environments);
    text += list_text("dataset", rule.datasets) + list_text("purpose", rule.purposes);
    if (rule.from_day) text += "not_before = " + day_text(*rule.from_day);
    if (rule.to_day) text += "not_after = " + day_text(*rule.to_day);
  }
  return text + "[[quota]]\ntenant = \"any\"\nrequests_per_second = 1\nburst = 1\nkeys_per_batch = 1\n";
}

Policy policy_of(const std::vector<WrittenRule>& rules) {
  auto policy = load_policy(text_of(rules));
  EXPECT_TRUE(policy.ok()) << policy.error().message() << "\n" << text_of(rules);
  return policy.ok() ? std::move(policy).value() : Policy();
}

Decision decided(const Policy& policy, const WrittenRequest& request) {
  const Time start = parse_rfc3339("2027-01-01T00:00:00Z").value();
  return decide(policy,
                {request.caller, parse_operation(request.operation).value(), request.tenant, request.environment,
                 request.dataset, parse_purpose(request.purpose).value(), 1, start + days(request.day)});
}

// The reading by hand: plain text, character by character, nothing shared with the module.
bool glob(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern == "/**") return text.size() > 1 && text.front() == '/';
  if (pattern.front() == '*') {
    if (glob(pattern.substr(1), text)) return true;
    return !text.empty() && text.front() != '/' && glob(pattern, text.substr(1));
  }
  return !text.empty() && text.front() == pattern.front() && glob(pattern.substr(1), text.substr(1));
}

bool among(const Texts& patterns, std::string_view text) {
  return std::ranges::any_of(patterns, [text](const std::string& pattern) {
    return pattern == "any" || (pattern == "none" ? text.empty() : !text.empty() && glob(pattern, text));
  });
}

bool is_about(const WrittenRule& rule, const WrittenRequest& request) {
  const auto restricts = [](const Texts& patterns) { return !patterns.empty() && patterns != Texts{"any"}; };
  if (request.tenant.empty() && (restricts(rule.tenants) || restricts(rule.environments))) return false;
  if (request.dataset.empty() && restricts(rule.datasets)) return false;
  if (!request.tenant.empty() &&
      !(among(rule.tenants, request.tenant) && among(rule.environments, request.environment)))
    return false;
  if (!request.dataset.empty() && !among(rule.datasets, request.dataset)) return false;
  return among(rule.callers, request.caller) && among(rule.operations, request.operation) &&
         among(rule.purposes, request.purpose) && (!rule.from_day || *rule.from_day <= request.day) &&
         (!rule.to_day || request.day < *rule.to_day);
}

bool allowed_by_hand(const std::vector<WrittenRule>& rules, const WrittenRequest& request) {
  bool allowed = false;
  for (const WrittenRule& rule : rules) {
    if (!is_about(rule, request)) continue;
    if (!rule.allows) return false;
    allowed = true;
  }
  return allowed;
}

TEST(PolicyProperty, DecidesAsAReadingByHand) {
  Generator generator(1);
  int allowed = 0;
  for (int i = 0; i < kPolicies; ++i) {
    const auto rules = generator.rules();
    const Policy policy = policy_of(rules);
    for (int k = 0; k < kRequests; ++k) {
      const WrittenRequest request = generator.request();
      const Decision decision = decided(policy, request);
      ASSERT_EQ(decision.allowed, allowed_by_hand(rules, request))
          << text_of(rules) << request.caller << " " << request.operation << " " << request.tenant << "/"
          << request.environment << "/" << request.dataset << " " << request.purpose << " day " << request.day << ": "
          << decision.reason;
      if (decision.allowed) ++allowed;
    }
  }
  EXPECT_GT(allowed, kPolicies * kRequests / 50);
  EXPECT_LT(allowed, kPolicies * kRequests / 2);
}

TEST(PolicyProperty, OrderOfRulesChangesNothing) {
  Generator generator(2);
  for (int i = 0; i < kPolicies; ++i) {
    auto rules = generator.rules();
    const Policy policy = policy_of(rules);
    generator.shuffle(rules);
    const Policy shuffled = policy_of(rules);
    EXPECT_TRUE(diff(policy, shuffled).empty());
    for (int k = 0; k < kRequests; ++k) {
      const WrittenRequest request = generator.request();
      ASSERT_EQ(decided(policy, request), decided(shuffled, request)) << text_of(rules);
    }
  }
}

// Nothing that `more` allows is refused by `less` the other way round: every request allowed by `less` is by `more`.
void expect_no_more(const Policy& less, const Policy& more, Generator& generator, const std::string& text) {
  for (int k = 0; k < kRequests; ++k) {
    const WrittenRequest request = generator.request();
    const Decision decision = decided(less, request);
    ASSERT_TRUE(!decision.allowed || decided(more, request).allowed) << text << decision.reason;
  }
}

TEST(PolicyProperty, ADenyNeverAllowsMore) {
  Generator generator(3);
  for (int i = 0; i < kPolicies; ++i) {
    auto rules = generator.rules();
    const Policy before = policy_of(rules);
    rules.push_back(generator.rule(false, "added"));
    expect_no_more(policy_of(rules), before, generator, text_of(rules));
  }
}

TEST(PolicyProperty, AnAllowLessNeverAllowsMore) {
  Generator generator(4);
  for (int i = 0; i < kPolicies; ++i) {
    auto rules = generator.rules();
    rules.push_back(generator.rule(true, "removed"));
    const Policy before = policy_of(rules);
    rules.pop_back();
    expect_no_more(policy_of(rules), before, generator, text_of(rules));
  }
}

TEST(PolicyProperty, ADiffThatWidensNothing) {
  Generator generator(5);
  int narrow = 0;
  for (int i = 0; i < 4 * kPolicies; ++i) {
    auto rules = generator.rules();
    if (rules.empty()) continue;
    const Policy before = policy_of(rules);
    WrittenRule& changed = rules[generator.below(rules.size())];
    const WrittenRule other = generator.rule(changed.allows, changed.name);
    if (generator.one_in(2)) changed.callers = other.callers;
    if (generator.one_in(2)) changed.purposes = other.purposes;
    if (generator.one_in(3)) changed.from_day = other.from_day, changed.to_day = other.to_day;
    if (generator.one_in(6)) changed = other;
    const Policy after = policy_of(rules);
    if (std::ranges::any_of(diff(before, after), &Change::widens)) continue;
    ++narrow;
    expect_no_more(after, before, generator, text_of(rules));
  }
  EXPECT_GT(narrow, kPolicies / 10);
}

}  // namespace
}  // namespace cloister::policy
