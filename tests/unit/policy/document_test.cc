#include "policy/document.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/policy/policy_text.h"

namespace cloister::policy {
namespace {

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

void expect_message(const std::string& text, std::string_view words, Code code = Code::kInvalid) {
  expect_refused(parse_document(text), code, words);
}

std::string with_rule(std::string_view key, std::string_view value) {
  return std::string(kHead) + rule_text("allow", "r", key, value);
}

TEST(PolicyDocument, ReadsWhatIsWritten) {
  const auto document = parse_document(good_text());
  ASSERT_TRUE(document.ok()) << document.error().message();
  EXPECT_EQ(document.value().id, "test-1");
  EXPECT_FALSE(document.value().validity.bounded());
  ASSERT_EQ(document.value().rules.size(), 1U);
  const Rule& rule = document.value().rules[0];
  EXPECT_EQ(rule.name, "trainers");
  EXPECT_EQ(rule.effect, Effect::kAllow);
  EXPECT_EQ(rule.line, 5U);
  EXPECT_TRUE(rule.operations.has(Operation::kGenerate));
  EXPECT_FALSE(rule.operations.has(Operation::kWrap));
  EXPECT_TRUE(rule.purposes.has(Purpose::kCheckpoint));
  EXPECT_EQ(rule.datasets.size(), 2U);
  EXPECT_EQ(document.value().quotas.at(kQuotaOfOthers), (Quota{100, 200, 1000}));
}

TEST(PolicyDocument, EmptyIsADocument) {
  for (const std::string_view text : {"", "# nothing yet\n"}) {
    const auto document = parse_document(text);
    ASSERT_TRUE(document.ok());
    EXPECT_TRUE(document.value().rules.empty());
  }
}

TEST(PolicyDocument, HeaderThatLacksSomething) {
  expect_message("id = \"x\"\n", "version isn't written");
  expect_message("version = \"1\"\n", "version must be a whole number");
  expect_message("version = 0\n", "version must be a whole number");
  expect_message("version = 2\nanything = 1\n", "newer than this program", Code::kUnsupported);
  expect_message("version = 1\nnot_after = \"never\"\n", "id isn't written");
  expect_message("version = 1\nid = \"x\"\n", "not_after isn't written");
  expect_message("version = 1\nid = \"\"\nnot_after = \"never\"\n", "an id is");
  expect_message("version = 1\nid = \"a b\"\nnot_after = \"never\"\n", "an id is");
  expect_message("version = 1\nid = \"" + std::string(129, 'x') + "\"\nnot_after = \"never\"\n", "an id is");
  expect_message("version = 1\nid = \"x\"\nnot_after = \"nevr\"\n", "line 3: not_after is text, not a time");
  expect_message("version = 1\nid = \"x\"\nnot_after = 2027-01-01\n", "a time like");
  expect_message("version = 1\nid = \"x\"\nnot_before = 2027-01-01T00:00:00Z\nnot_after = 2027-01-01T00:00:00Z\n",
                 "line 4: not_after isn't later");
}

TEST(PolicyDocument, UnknownKeysAndTables) {
  expect_message(std::string(kHead) + "ids = 1\n", "line 4: there is no key ids: did you mean id?");
  expect_message(std::string(kHead) + "[[alow]]\n", "line 4: there is no table [[alow]]: did you mean allow?");
  expect_message(std::string(kHead) + "[[permit]]\n", "there is no table [[permit]]");
  expect_message(replaced(good_text(), "caller", "callers"),
                 "line 7: [[allow]]: there is no key callers: did you mean caller?");
  expect_message(replaced(good_text(), "burst", "bursts"), "[[quota]]: there is no key bursts: did you mean burst?");
  expect_message(std::string(kHead) + "[[expect]]\ncalller = \"x\"\n", "[[expect]]: there is no key calller");
  // A key that belongs to the top, below a table.
  expect_message(good_text() + "expect_at = 2027-01-01T00:00:00Z\n", "[[quota]]: there is no key expect_at");
}

TEST(PolicyDocument, FirstMistakeIsTold) {
  expect_message(std::string(kHead) + "zebra = 1\naardvark = 2\n", "line 4: there is no key zebra");
}

TEST(PolicyDocument, UnknownWords) {
  expect_message(with_rule("operation", "[\"wrap\", \"unwarp\"]"),
                 "line 7: [[allow]] \"r\": operation \"unwarp\": there is no operation unwarp: did you mean unwrap?");
  expect_message(with_rule("purpose", "\"trian\""), "did you mean train?");
  expect_message(with_rule("operation", "\"ANY\""), "there is no operation ANY");
  expect_message(with_rule("caller", "\"alice\""), "caller \"alice\": a caller is a SPIFFE id");
  expect_message(with_rule("tenant", "\"Acme\""), "tenant \"Acme\": a name is");
  expect_message(with_rule("tenant", "\"none\""), "environments only");
  expect_message(with_rule("dataset", "\"*\""), "write any if that is meant");
  expect_message(with_rule("dataset", "\"images/**\""), "a name is");
}

TEST(PolicyDocument, UnsetIsNotAny) {
  for (const std::string_view key : {"caller", "operation", "tenant", "environment", "dataset", "purpose"}) {
    for (const std::string_view table : {"allow", "deny"}) {
      const std::string line = std::string(key) + " = \"any\"\n";
      expect_message(std::string(kHead) + replaced(rule_text(table, "r"), line, ""),
                     std::string(key) + " isn't written: name it, or write \"any\"");
    }
  }
  expect_message(std::string(kHead) + replaced(rule_text("allow", "r"), "name = \"r\"\n", ""), "name isn't written");
}

TEST(PolicyDocument, AnyBesideOthers) {
  expect_message(with_rule("tenant", "[\"acme\", \"any\"]"), "any stands alone");
  expect_message(with_rule("operation", "[\"any\", \"wrap\"]"), "any stands alone");
  expect_message(with_rule("caller", "[\"any\", \"any\"]"), "any stands alone");
}

TEST(PolicyDocument, ValuesOfTheWrongKind) {
  expect_message(with_rule("tenant", "[]"), "empty list");
  expect_message(with_rule("tenant", "7"), "tenant is a number, not text");
  expect_message(with_rule("tenant", "[\"acme\", 7]"), "tenant has a number in it");
  expect_message(with_rule("tenant", "true"), "a value is text in quotes");
  expect_message(with_rule("caller", "2027-01-01T00:00:00Z"), "caller is a time");
  expect_message(with_rule("purpose", "\"any\"\nnot_after = \"2027-01-01T00:00:00Z\""), "without quotes");
  std::string many = "[";
  for (int i = 0; i < 257; ++i) many += "\"t" + std::to_string(i) + "\",\n";
  expect_message(with_rule("tenant", many + "]"), "more than 256 values in a list");
}

TEST(PolicyDocument, WhatAnOperationDoesntActOn) {
  // A rule for a tenant's operations needs no dataset, one for the service's no tenant either.
  const std::string without_dataset =
      replaced(rule_text("allow", "r", "operation", "\"kek.rotate\""), "dataset = \"any\"\n", "");
  EXPECT_TRUE(parse_document(std::string(kHead) + without_dataset).ok());
  std::string service = replaced(rule_text("allow", "r", "operation", "\"policy.read\""), "dataset = \"any\"\n", "");
  service = replaced(replaced(service, "tenant = \"any\"\n", ""), "environment = \"any\"\n", "");
  EXPECT_TRUE(parse_document(std::string(kHead) + service).ok());
  expect_message(std::string(kHead) + replaced(without_dataset, "tenant = \"any\"\n", ""), "tenant isn't written");
  // Restricting what an operation doesn't have would never match: a deny like that would be no deny.
  const std::string mixed = rule_text("deny", "r", "operation", "[\"unwrap\", \"kek.rotate\"]");
  EXPECT_TRUE(parse_document(std::string(kHead) + mixed).ok());
  expect_message(std::string(kHead) + replaced(mixed, "dataset = \"any\"", "dataset = \"images\""),
                 "kek.rotate acts on no dataset: put it into a rule of its own");
  const std::string global = rule_text("deny", "r", "operation", "[\"unwrap\", \"random\"]");
  expect_message(std::string(kHead) + replaced(global, "tenant = \"any\"", "tenant = \"acme\""),
                 "random acts on no tenant");
  expect_message(std::string(kHead) + replaced(global, "environment = \"any\"", "environment = \"none\""),
                 "random acts on no environment");
}

TEST(PolicyDocument, AnyOperationIsThoseThatActOnWhatIsRestricted) {
  const auto operations = [](std::string_view key, std::string_view value) {
    return parse_document(with_rule(key, value)).value().rules[0].operations;
  };
  EXPECT_TRUE(operations("tenant", "\"any\"").has(Operation::kRandom));
  EXPECT_FALSE(operations("tenant", "\"acme\"").has(Operation::kRandom));
  EXPECT_TRUE(operations("tenant", "\"acme\"").has(Operation::kKekRotate));
  EXPECT_FALSE(operations("environment", "\"none\"").has(Operation::kPolicyRead));
  EXPECT_FALSE(operations("dataset", "\"images\"").has(Operation::kKekRotate));
  EXPECT_TRUE(operations("dataset", "\"images\"").has(Operation::kUnwrap));
}

TEST(PolicyDocument, RuleNames) {
  const std::string twice = std::string(kHead) + rule_text("allow", "r") + rule_text("deny", "r");
  expect_message(twice, "line 12: a second rule named \"r\": the first is at line 4");
  for (const std::string_view name : {"", " r", "r ", "a\\tb"}) {
    expect_message(std::string(kHead) + rule_text("allow", name), "a rule's name is");
  }
  expect_message(std::string(kHead) + rule_text("allow", "a\\\"b"), "a rule's name is");
  expect_message(std::string(kHead) + rule_text("allow", std::string(129, 'n')), "a rule's name is");
  EXPECT_TRUE(parse_document(std::string(kHead) + rule_text("allow", "Frühstück, 2. Lauf")).ok());
}

TEST(PolicyDocument, RulesAreSortedByName) {
  const auto document =
      parse_document(std::string(kHead) + rule_text("deny", "c") + rule_text("allow", "b") + rule_text("allow", "a"));
  ASSERT_TRUE(document.ok());
  EXPECT_TRUE(std::ranges::is_sorted(document.value().rules, {}, &Rule::name));
}

TEST(PolicyDocument, Quotas) {
  expect_message(std::string(kHead) + std::string(kQuota) + std::string(kQuota), "a second quota for \"any\"");
  expect_message(std::string(kHead) + replaced(std::string(kQuota), "any", "Acme"), "neither a tenant's name nor any");
  expect_message(std::string(kHead) + replaced(std::string(kQuota), "any", "acme-*"),
                 "neither a tenant's name nor any");
  expect_message(std::string(kHead) + replaced(std::string(kQuota), "100", "0"), "from 1 to 1000000000");
  expect_message(std::string(kHead) + replaced(std::string(kQuota), "200", "-1"), "burst must be");
  expect_message(std::string(kHead) + replaced(std::string(kQuota), "1000", "\"many\""), "keys_per_batch must be");
  expect_message(std::string(kHead) + replaced(std::string(kQuota), "burst = 200\n", ""), "burst isn't written");
}

constexpr std::string_view kExpect = R"(
[[expect]]
caller = "spiffe://acme.example/train/job-7"
operation = "unwrap"
tenant = "acme"
environment = "production"
dataset = "images"
purpose = "train"
decision = "allow"
rule = "trainers"
)";

TEST(PolicyDocument, Expectations) {
  const auto document = parse_document(good_text() + std::string(kExpect));
  ASSERT_TRUE(document.ok()) << document.error().message();
  ASSERT_EQ(document.value().expectations.size(), 1U);
  const Expectation& expectation = document.value().expectations[0];
  EXPECT_EQ(expectation.request().dataset, "images");
  EXPECT_EQ(expectation.rule, "trainers");
  EXPECT_TRUE(expectation.allowed);
}

TEST(PolicyDocument, ExpectationsThatTestNothing) {
  const auto broken = [](std::string_view what, std::string_view by) {
    return good_text() + replaced(std::string(kExpect), what, by);
  };
  expect_message(broken("dataset = \"images\"\n", ""), "[[expect]]: the request names no dataset");
  expect_message(broken("operation = \"unwrap\"", "operation = \"kek.rotate\""), "must not name a dataset");
  expect_message(broken("\"production\"", "\"none\""), "a request without one leaves it out");
  expect_message(broken("\"acme\"", "\"any\""), "isn't a name");
  expect_message(broken("spiffe://acme.example/train/job-7", "job-7"), "isn't a SPIFFE id");
  expect_message(broken("purpose = \"train\"\n", ""), "purpose isn't written");
  expect_message(broken("\"unwrap\"", "\"any\""), "there is no operation any");
  expect_message(broken("\"train\"", "\"any\""), "there is no purpose any");
  expect_message(broken("\"allow\"", "\"yes\""), "neither \"allow\" nor \"deny\"");
  expect_message(broken("decision = \"allow\"\n", ""), "decision isn't written");
  expect_message(broken("rule = \"trainers\"", "rule = \"trainer\""),
                 "there is no rule \"trainer\": did you mean trainers?");
  expect_message(broken("purpose", "keys = 0\npurpose"), "keys must be");
}

TEST(PolicyDocument, DatesNeedATimeInExpectations) {
  const std::string dated = replaced(good_text(), "\"never\"", "2030-01-01T00:00:00Z");
  expect_message(dated + std::string(kExpect), "write at here, or expect_at");
  EXPECT_TRUE(parse_document(dated + std::string(kExpect) + "at = 2027-01-01T00:00:00Z\n").ok());
  const std::string for_all = replaced(dated, "version = 1\n", "version = 1\nexpect_at = 2027-06-01T00:00:00Z\n");
  const auto document =
      parse_document(for_all + std::string(kExpect) + std::string(kExpect) + "at = 2028-01-01T00:00:00Z\n");
  ASSERT_TRUE(document.ok()) << document.error().message();
  EXPECT_EQ(to_rfc3339(document.value().expectations[0].at), "2027-06-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339(document.value().expectations[1].at), "2028-01-01T00:00:00.000Z");
}

TEST(PolicyDocument, TooManyOfAnything) {
  std::string rules(kHead), quotas(kHead), expectations = good_text();
  for (std::size_t i = 0; i <= kRulesMax; ++i) {
    const std::string number = std::to_string(i);
    rules += rule_text("deny", "r" + number);
    quotas += "[[quota]]\ntenant=\"t" + number + "\"\nrequests_per_second=1\nburst=1\nkeys_per_batch=1\n";
    expectations += kExpect;
  }
  expect_message(rules, "more than 16384 rules");
  expect_message(quotas, "more than 16384 quotas");
  expect_message(expectations, "more than 16384 expectations");
}

}  // namespace
}  // namespace cloister::policy
