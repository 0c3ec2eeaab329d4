#include "policy/diff.h"

#include <gtest/gtest.h>

#include "tests/unit/policy/policy_text.h"

namespace cloister::policy {
namespace {

std::vector<Change> diff_of(const std::string& before, const std::string& after) {
  return diff(policy_of(before), policy_of(after));
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  return text.replace(text.find(what), what.size(), by);
}

void expect_one(const std::vector<Change>& changes, const Change& expected) {
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].rule, expected.rule);
  EXPECT_EQ(changes[0].who, expected.who);
  EXPECT_EQ(changes[0].what, expected.what);
  EXPECT_EQ(changes[0].widens, expected.widens);
}

constexpr const char* kWho = "spiffe://acme.example/train/*";

TEST(PolicyDiff, Nothing) {
  EXPECT_TRUE(diff_of(good_text(), good_text()).empty());
  EXPECT_TRUE(diff(Policy(), Policy()).empty());
  // Comments, the id and the order of values aren't what a policy decides by.
  const std::string other =
      replaced(replaced(good_text(), "[\"generate\", \"unwrap\"]", "[\"unwrap\", \"generate\"]"), "test-1", "test-2");
  EXPECT_TRUE(diff_of(good_text(), other + "# reviewed\n").empty());
}

TEST(PolicyDiff, RuleAddedOrRemoved) {
  const std::string without = std::string(kHead) + std::string(kQuota);
  const std::string what =
      "operation generate, unwrap, dataset images, voices-*, tenant acme, environment production, purpose train, "
      "checkpoint";
  expect_one(diff_of(without, good_text()), {"trainers", kWho, "may now: " + what, true});
  expect_one(diff_of(good_text(), without), {"trainers", kWho, "may no longer: " + what, false});
}

TEST(PolicyDiff, DenyAddedOrRemoved) {
  const std::string with = good_text() + rule_text("deny", "freeze", "tenant", "\"acme\"");
  const auto added = diff_of(good_text(), with);
  ASSERT_EQ(added.size(), 1U);
  EXPECT_TRUE(added[0].what.starts_with("is now denied: ")) << added[0].what;
  EXPECT_FALSE(added[0].widens);
  const auto removed = diff_of(with, good_text());
  ASSERT_EQ(removed.size(), 1U);
  EXPECT_TRUE(removed[0].what.starts_with("is no longer denied: ")) << removed[0].what;
  EXPECT_TRUE(removed[0].widens);
}

TEST(PolicyDiff, AllowTurnedIntoDeny) {
  const auto changes = diff_of(good_text(), replaced(good_text(), "[[allow]]", "[[deny]]"));
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_FALSE(changes[0].widens || changes[1].widens);
}

TEST(PolicyDiff, ValuesOfARule) {
  const auto changed = [](std::string_view what, std::string_view by) {
    return diff_of(good_text(), replaced(good_text(), what, by));
  };
  expect_one(changed("\"unwrap\"", "\"wrap\""), {"trainers", kWho, "may: operation +wrap -unwrap", true});
  expect_one(changed("\"generate\", ", ""), {"trainers", kWho, "may: operation -generate", false});
  expect_one(changed("[\"train\", \"checkpoint\"]", "\"any\""),
             {"trainers", kWho, "may: purpose +any -train, checkpoint", true});
  expect_one(diff_of(replaced(good_text(), "[\"train\", \"checkpoint\"]", "\"any\""), good_text()),
             {"trainers", kWho, "may: purpose +train, checkpoint -any", false});
  expect_one(changed("\"production\"", "\"none\""), {"trainers", kWho, "may: environment +none -production", true});
  expect_one(changed("purpose =", "not_after = 2027-01-01T00:00:00Z\npurpose ="),
             {"trainers", kWho, "may: until 2027-01-01T00:00:00.000Z", false});
}

TEST(PolicyDiff, ADenyThatShrinksWidens) {
  const std::string deny = good_text() + rule_text("deny", "no", "purpose", "[\"export\", \"debug\"]");
  expect_one(diff_of(deny, replaced(deny, "[\"export\", \"debug\"]", "\"export\"")),
             {"no", "any", "is denied: purpose -debug", true});
  expect_one(diff_of(deny, replaced(deny, "\"debug\"]", "\"debug\", \"support\"]")),
             {"no", "any", "is denied: purpose +support", false});
  const auto ends = diff_of(deny, deny + "not_after = 2027-01-01T00:00:00Z\n");
  ASSERT_EQ(ends.size(), 1U);
  EXPECT_TRUE(ends[0].widens);
}

TEST(PolicyDiff, CallersOfARule) {
  const auto changes = diff_of(good_text(), replaced(good_text(), "\"spiffe://acme.example/train/*\"",
                                                     "[\"spiffe://acme.example/train/*\", \"spiffe://b/x\"]"));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].who, "spiffe://b/x");
  EXPECT_TRUE(changes[0].what.starts_with("may now: operation generate, unwrap"));
  EXPECT_TRUE(changes[0].widens);
}

TEST(PolicyDiff, HowLongItIsGood) {
  const std::string ends = replaced(good_text(), "\"never\"", "2027-01-01T00:00:00Z");
  expect_one(diff_of(good_text(), ends), {"", "everyone", "the policy is good until 2027-01-01T00:00:00.000Z", false});
  expect_one(diff_of(ends, good_text()), {"", "everyone", "the policy is good without an end", true});
}

TEST(PolicyDiff, Quotas) {
  expect_one(diff_of(good_text(), replaced(good_text(), "burst = 200", "burst = 300")),
             {"", "every tenant without a quota of its own",
              "quota: 100 requests a second, burst 200, 1000 keys a batch -> 100 requests a second, burst 300, 1000 "
              "keys a batch",
              true});
  const std::string own =
      good_text() + "[[quota]]\ntenant = \"acme\"\nrequests_per_second = 1\nburst = 1\nkeys_per_batch = 1\n";
  const auto tightened = diff_of(good_text(), own);
  ASSERT_EQ(tightened.size(), 1U);
  EXPECT_EQ(tightened[0].who, "tenant acme");
  EXPECT_FALSE(tightened[0].widens);
  EXPECT_TRUE(diff_of(own, good_text())[0].widens);
  const auto taken = diff_of(good_text(), std::string(kHead) + std::string(kTrainers));
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_TRUE(taken[0].what.ends_with("-> none"));
  EXPECT_FALSE(taken[0].widens);
}

TEST(PolicyDiff, AgainstNoPolicy) {
  const auto changes = diff(Policy(), policy_of(good_text()));
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_TRUE(changes[0].widens && changes[1].widens);
}

}  // namespace
}  // namespace cloister::policy
