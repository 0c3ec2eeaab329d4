#include "policy/policy.h"

#include <gtest/gtest.h>

#include "tests/unit/policy/policy_text.h"

namespace cloister::policy {
namespace {

// Everything allowed, and these.
std::string open_with(const std::string& more) {
  return std::string(kHead) + rule_text("allow", "everything") + std::string(kQuota) + more;
}

TEST(Policy, NothingLoaded) { expect_denied(decide(Policy(), good_request()), "no policy is loaded"); }

TEST(Policy, EmptyDocument) {
  for (const std::string_view text : {std::string_view(), std::string_view("# soon\n"), kHead}) {
    expect_denied(decide(policy_of(text), good_request()),
                  "no rule allows this caller unwrap of acme/production/images for train");
  }
  const std::string only_quota = std::string(kHead) + std::string(kQuota);
  EXPECT_FALSE(decide(policy_of(only_quota), good_request()).allowed);
}

TEST(Policy, Allowed) {
  const Decision decision = decide(policy_of(good_text()), good_request());
  EXPECT_TRUE(decision.allowed);
  EXPECT_EQ(decision.rule, "trainers");
  EXPECT_EQ(decision.reason, "rule \"trainers\" allows it");
  EXPECT_EQ(decision.quota, (Quota{100, 200, 1000}));
}

// One part of the request changed at a time.
TEST(Policy, AnythingElseIsRefused) {
  const Policy policy = policy_of(good_text());
  const auto refused = [&policy](auto change) {
    Request request = good_request();
    change(request);
    const Decision decision = decide(policy, request);
    EXPECT_FALSE(decision.allowed) << decision.reason;
    EXPECT_EQ(decision.rule, "");
    return decision.reason;
  };
  EXPECT_EQ(refused([](Request& r) { r.caller = "spiffe://acme.example/serve/job-7"; }),
            "no rule allows this caller unwrap of acme/production/images for train");
  EXPECT_EQ(refused([](Request& r) { r.caller = "spiffe://evil.example/train/job-7"; }),
            "no rule allows this caller unwrap of acme/production/images for train");
  EXPECT_EQ(refused([](Request& r) { r.caller = ""; }), "the request names no caller");
  EXPECT_EQ(refused([](Request& r) { r.operation = Operation::kWrap; }),
            "no rule allows this caller wrap of acme/production/images for train");
  EXPECT_EQ(refused([](Request& r) { r.tenant = "globex"; }),
            "no rule allows this caller unwrap of globex/production/images for train");
  EXPECT_EQ(refused([](Request& r) { r.environment = ""; }),
            "no rule allows this caller unwrap of acme/images for train");
  EXPECT_EQ(refused([](Request& r) { r.dataset = "secrets"; }),
            "rule \"trainers\" allows unwrap of other datasets, not of secrets");
  EXPECT_EQ(refused([](Request& r) { r.purpose = Purpose::kExport; }),
            "rule \"trainers\" allows unwrap for other purposes, not for export");
  EXPECT_EQ(refused([](Request& r) { r.purpose.reset(); }), "the request names no purpose");
  EXPECT_EQ(refused([](Request& r) { r.keys = 1001; }),
            "1001 keys at once are more than the 1000 that tenant acme may ask for");
}

TEST(Policy, PatternsOfDatasets) {
  const Policy policy = policy_of(good_text());
  Request request = good_request();
  request.dataset = "voices-2027";
  EXPECT_TRUE(decide(policy, request).allowed);
  request.dataset = "voices";
  EXPECT_FALSE(decide(policy, request).allowed);
}

TEST(Policy, DenyWins) {
  const Policy policy = policy_of(good_text() + rule_text("deny", "freeze", "dataset", "\"images\""));
  expect_denied(decide(policy, good_request()), "rule \"freeze\" denies it", "freeze");
  Request request = good_request();
  request.dataset = "voices-1";
  EXPECT_TRUE(decide(policy, request).allowed);
}

TEST(Policy, DenyOfAnyOperationOnATenant) {
  const Policy policy = policy_of(open_with(rule_text("deny", "frozen", "tenant", "\"acme\"")));
  EXPECT_EQ(decide(policy, good_request()).rule, "frozen");
  Request request = good_request();
  request.operation = Operation::kKekDestroy;
  request.dataset = "";
  EXPECT_EQ(decide(policy, request).rule, "frozen");
  request = {"spiffe://acme.example/ops", Operation::kPolicyRead, "", "", "", Purpose::kOperate, 1, Time{0}};
  EXPECT_TRUE(decide(policy, request).allowed);
}

TEST(Policy, OperationsOnTheService) {
  const Policy policy = policy_of(std::string(kHead) + rule_text("allow", "everything"));
  const Request request{"spiffe://acme.example/ops", Operation::kRandom, "", "", "", Purpose::kOperate, 1, Time{0}};
  const Decision decision = decide(policy, request);
  EXPECT_TRUE(decision.allowed);
  EXPECT_FALSE(decision.quota);
  expect_denied(decide(policy_of(good_text()), request), "no rule allows this caller random for operate");
}

TEST(Policy, EnvironmentNone) {
  const Policy policy =
      policy_of(std::string(kHead) + rule_text("allow", "r", "environment", "\"none\"") + std::string(kQuota));
  Request request = good_request();
  EXPECT_FALSE(decide(policy, request).allowed);
  request.environment = "";
  EXPECT_TRUE(decide(policy, request).allowed);
}

TEST(Policy, NoQuota) {
  const std::string text = std::string(kHead) + std::string(kTrainers);
  expect_denied(decide(policy_of(text), good_request()), "no quota is set for tenant acme");
  const std::string others =
      text + "[[quota]]\ntenant = \"globex\"\nrequests_per_second = 1\nburst = 1\nkeys_per_batch = 1\n";
  expect_denied(decide(policy_of(others), good_request()), "no quota is set for tenant acme");
}

TEST(Policy, OwnQuotaBeforeTheOneForAny) {
  const Policy policy =
      policy_of(good_text() + "[[quota]]\ntenant = \"acme\"\nrequests_per_second = 7\nburst = 8\nkeys_per_batch = 9\n");
  EXPECT_EQ(decide(policy, good_request()).quota, (Quota{7, 8, 9}));
  EXPECT_EQ(policy.quota_of("globex"), (Quota{100, 200, 1000}));
  Request request = good_request();
  request.keys = 10;
  EXPECT_FALSE(decide(policy, request).allowed);
}

TEST(Policy, Dates) {
  const std::string dated = good_text() + rule_text("allow", "term", "purpose", "\"export\"") +
                            "not_before = 2027-01-01T00:00:00Z\nnot_after = 2027-02-01T00:00:00Z\n";
  const Policy policy = policy_of(dated);
  Request request = good_request();
  request.purpose = Purpose::kExport;
  request.now = Time{1'798'761'600'000};  // 2027-01-01
  EXPECT_TRUE(decide(policy, request).allowed);
  request.now = Time{1'798'761'600'000 - 1};
  expect_denied(decide(policy, request), "rule \"term\" isn't valid before 2027-01-01T00:00:00.000Z");
  request.now = Time{1'798'761'600'000} + days(31);
  expect_denied(decide(policy, request), "rule \"term\" ended at 2027-02-01T00:00:00.000Z");
  request.now = Time{request.now.unix_ms - 1};
  EXPECT_TRUE(decide(policy, request).allowed);
}

TEST(Policy, ADenyHasDatesToo) {
  const Policy policy = policy_of(open_with(rule_text("deny", "freeze") + "not_after = 2027-02-01T00:00:00Z\n"));
  Request request = good_request();
  request.now = Time{1'798'761'600'000};
  EXPECT_EQ(decide(policy, request).rule, "freeze");
  request.now = request.now + days(31);
  EXPECT_TRUE(decide(policy, request).allowed);
}

TEST(Policy, ExpiredAsAWhole) {
  const Policy policy =
      policy_of("version = 1\nid = \"x\"\nnot_before = 2027-01-01T00:00:00Z\nnot_after = 2028-01-01T00:00:00Z\n" +
                rule_text("allow", "everything") + std::string(kQuota));
  Request request = good_request();
  request.now = Time{1'798'761'600'000};
  EXPECT_TRUE(decide(policy, request).allowed);
  request.now = request.now + days(365);
  expect_denied(decide(policy, request), "the policy ended at 2028-01-01T00:00:00.000Z");
  request.now = Time{0};
  expect_denied(decide(policy, request), "the policy isn't valid before 2027-01-01T00:00:00.000Z");
}

// What a caller hears of a tenant that the policy speaks of is what they hear of one that isn't there.
TEST(Policy, OtherTenantsAreNotGivenAway) {
  const std::string globex = R"(
[[allow]]
name = "globex trainers"
caller = "spiffe://globex.example/**"
operation = "any"
tenant = "globex"
environment = "any"
dataset = "any"
purpose = "any"
)";
  const std::string quota = "[[quota]]\ntenant = \"globex\"\nrequests_per_second = 1\nburst = 1\nkeys_per_batch = 1\n";
  const Policy policy =
      policy_of(good_text() + globex + quota + rule_text("deny", "globex is frozen", "tenant", "\"globex\""));
  for (std::size_t i = 0; i < kOperationCount; ++i) {
    Request request = good_request();
    request.operation = static_cast<Operation>(i);
    if (scope_of(request.operation) == Scope::kService) continue;
    if (scope_of(request.operation) == Scope::kTenant) request.dataset = "";
    request.keys = 100;
    std::string reasons[2];
    for (const bool is_there : {true, false}) {
      request.tenant = is_there ? "globex" : "nobody";
      Decision decision = decide(policy, request);
      EXPECT_FALSE(decision.allowed);
      EXPECT_EQ(decision.rule, "");
      const std::size_t at = decision.reason.find(request.tenant);
      ASSERT_NE(at, std::string::npos) << decision.reason;
      reasons[is_there ? 0 : 1] = decision.reason.replace(at, request.tenant.size(), "T");
    }
    EXPECT_EQ(reasons[0], reasons[1]);
  }
  // Its own people do hear of it.
  Request request = good_request();
  request.caller = "spiffe://globex.example/x";
  request.tenant = "globex";
  EXPECT_EQ(decide(policy, request).rule, "globex is frozen");
}

TEST(Policy, SeveralRulesTheFirstByNameIsNamed) {
  const std::string a = rule_text("allow", "a"), b = rule_text("allow", "b", "tenant", "\"acme\"");
  for (const std::string& rules : {a + b, b + a}) {
    EXPECT_EQ(decide(policy_of(std::string(kHead) + rules + std::string(kQuota)), good_request()).rule, "a");
  }
}

constexpr std::string_view kExpectAllow = R"(
[[expect]]
caller = "spiffe://acme.example/train/job-7"
operation = "unwrap"
tenant = "acme"
environment = "production"
dataset = "images"
purpose = "train"
)";

TEST(Policy, ExpectationsThatHold) {
  EXPECT_TRUE(
      load_policy(good_text() + std::string(kExpectAllow) + "decision = \"allow\"\nrule = \"trainers\"\n").ok());
  EXPECT_TRUE(load_policy(good_text() + rule_text("deny", "no") + std::string(kExpectAllow) +
                          "decision = \"deny\"\nrule = \"no\"\n")
                  .ok());
  EXPECT_TRUE(load_policy(good_text() + std::string(kExpectAllow) + "keys = 1001\ndecision = \"deny\"\n").ok());
}

TEST(Policy, ExpectationsThatFail) {
  expect_refused(
      load_policy(good_text() + std::string(kExpectAllow) + "decision = \"deny\"\n"), Code::kInvalid,
      "1 of 1 expectations of the policy fail; line 20: expected deny, but it is allowed: rule \"trainers\"");
  expect_refused(
      load_policy(good_text() + rule_text("deny", "no") + std::string(kExpectAllow) + "decision = \"allow\"\n"),
      Code::kInvalid, "expected allow, but it is refused: rule \"no\" denies it");
  // Right answer, wrong rule.
  expect_refused(load_policy(open_with(std::string(kTrainers)) + std::string(kExpectAllow) +
                             "decision = \"allow\"\nrule = \"trainers\"\n"),
                 Code::kInvalid, "expected allow by rule \"trainers\", but it is allowed: rule \"everything\"");
}

TEST(Policy, ManyFailuresAreNotAllTold) {
  std::string text = good_text();
  for (int i = 0; i < 50; ++i) text += std::string(kExpectAllow) + "decision = \"deny\"\n";
  const auto policy = load_policy(text);
  expect_refused(policy, Code::kInvalid, "50 of 50 expectations");
  EXPECT_LT(policy.error().message().size(), 1000U);
  const auto report = check_policy(text);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report.value().failures.size(), 50U);
}

TEST(Policy, CheckCounts) {
  const auto report =
      check_policy(good_text() + rule_text("deny", "no") + std::string(kExpectAllow) + "decision = \"deny\"\n");
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report.value().id, "test-1");
  EXPECT_EQ(report.value().allow_rules, 1U);
  EXPECT_EQ(report.value().deny_rules, 1U);
  EXPECT_EQ(report.value().quotas, 1U);
  EXPECT_EQ(report.value().expectations, 1U);
  EXPECT_TRUE(report.value().failures.empty());
  expect_refused(check_policy("version = 1"), Code::kInvalid, "id isn't written");
}

TEST(Policy, TooBroadForItsIndex) {
  std::string callers = "[", tenants = "[", text(kHead);
  for (int i = 0; i < 256; ++i) {
    callers += "\"spiffe://acme/c" + std::to_string(i) + "\",\n";
    tenants += "\"t" + std::to_string(i) + "\",\n";
  }
  for (int i = 0; i < 5; ++i) {
    std::string rule = rule_text("deny", "r" + std::to_string(i), "caller", callers + "]");
    rule.replace(rule.find("tenant = \"any\""), 14, "tenant = " + tenants + "]");
    text += rule;
    if (i == 3) {
      EXPECT_TRUE(load_policy(text).ok());
    }
  }
  expect_refused(load_policy(text), Code::kInvalid, "callers times tenants");
}

}  // namespace
}  // namespace cloister::policy
