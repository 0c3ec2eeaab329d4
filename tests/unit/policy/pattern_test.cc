#include "policy/pattern.h"

#include <gtest/gtest.h>

#include "tests/unit/policy/policy_text.h"

namespace cloister::policy {
namespace {

bool matches(std::string_view pattern, std::string_view caller) {
  const auto parsed = CallerPattern::parse(pattern);
  const auto id = CallerId::parse(caller);
  EXPECT_TRUE(parsed.ok()) << pattern;
  EXPECT_TRUE(id.ok()) << caller;
  return parsed.ok() && id.ok() && parsed.value().matches(*id);
}

bool name_matches(std::string_view pattern, std::string_view name) {
  const auto parsed = NamePattern::parse(pattern, NamePattern::None::kAccept);
  EXPECT_TRUE(parsed.ok()) << pattern;
  return parsed.ok() && parsed.value().matches(name);
}

TEST(CallerId, InPieces) {
  const auto id = CallerId::parse("spiffe://acme.example/train/Job_7.x-1");
  ASSERT_TRUE(id.ok());
  EXPECT_EQ(id.value().parts(), 3U);
  EXPECT_EQ(id.value().part(0), "acme.example");
  EXPECT_EQ(id.value().part(1), "train");
  EXPECT_EQ(id.value().part(2), "Job_7.x-1");
  EXPECT_EQ(id.value().prefix(1), "spiffe://acme.example");
  EXPECT_EQ(id.value().prefix(2), "spiffe://acme.example/train");
  EXPECT_EQ(id.value().prefix(3), id.value().text());
  EXPECT_EQ(CallerId::parse("spiffe://acme.example").value().parts(), 1U);
}

TEST(CallerId, NotASpiffeId) {
  for (const std::string_view text : {"",
                                      "acme",
                                      "uid:1000",
                                      "https://acme.example/x",
                                      "SPIFFE://acme.example/x",
                                      "spiffe:/acme.example/x",
                                      "spiffe://",
                                      "spiffe:///x",
                                      "spiffe://Acme.example/x",
                                      "spiffe://acme.example:443/x",
                                      "spiffe://user@acme/x",
                                      "spiffe://acme.example/",
                                      "spiffe://acme.example//x",
                                      "spiffe://acme.example/x/",
                                      "spiffe://acme.example/./x",
                                      "spiffe://acme.example/../x",
                                      "spiffe://acme.example/x?y",
                                      "spiffe://acme.example/x#y",
                                      "spiffe://acme.example/%41",
                                      "spiffe://acme.example/a b",
                                      "spiffe://acme.example/x*",
                                      "spiffe://acme.example/*",
                                      "spiffe://*/x",
                                      "spiffe://acme.example/\xc3\xa9",
                                      "any"}) {
    EXPECT_FALSE(CallerId::parse(text).ok()) << text;
  }
  EXPECT_FALSE(CallerId::parse(std::string_view("spiffe://acme.example/x\0y", 25)).ok());
}

TEST(CallerId, TooLong) {
  const std::string start = "spiffe://acme.example/";
  EXPECT_TRUE(CallerId::parse(start + std::string(2048 - start.size(), 'x')).ok());
  expect_refused(CallerId::parse(start + std::string(2049 - start.size(), 'x')), Code::kInvalid, "2048");
  EXPECT_TRUE(CallerId::parse("spiffe://" + std::string(255, 'x')).ok());
  expect_refused(CallerId::parse("spiffe://" + std::string(256, 'x')), Code::kInvalid, "trust domain");
  std::string deep = "spiffe://acme";
  for (int i = 0; i < 31; ++i) deep += "/x";
  EXPECT_TRUE(CallerId::parse(deep).ok());
  expect_refused(CallerId::parse(deep + "/x"), Code::kInvalid, "31 path segments");
}

TEST(CallerPattern, WrittenOut) {
  EXPECT_TRUE(matches("spiffe://acme.example/train/a", "spiffe://acme.example/train/a"));
  EXPECT_FALSE(matches("spiffe://acme.example/train/a", "spiffe://acme.example/train/A"));
  EXPECT_FALSE(matches("spiffe://acme.example/train/a", "spiffe://acme.example/train/a/b"));
  EXPECT_FALSE(matches("spiffe://acme.example/train/a", "spiffe://acme.example/train"));
  EXPECT_FALSE(matches("spiffe://acme.example/train/a", "spiffe://acme.example.evil/train/a"));
  EXPECT_FALSE(matches("spiffe://acme.example", "spiffe://acme.example/train"));
}

TEST(CallerPattern, AStarStaysInItsSegment) {
  EXPECT_TRUE(matches("spiffe://acme/train/*", "spiffe://acme/train/a"));
  EXPECT_FALSE(matches("spiffe://acme/train/*", "spiffe://acme/train"));
  EXPECT_FALSE(matches("spiffe://acme/train/*", "spiffe://acme/train/a/b"));
  EXPECT_TRUE(matches("spiffe://acme/*/a", "spiffe://acme/b/a"));
  EXPECT_FALSE(matches("spiffe://acme/*/a", "spiffe://acme/b/c/a"));
  EXPECT_TRUE(matches("spiffe://acme/job-*-eval", "spiffe://acme/job-7-eval"));
  EXPECT_TRUE(matches("spiffe://acme/job-*-eval", "spiffe://acme/job--eval"));
  EXPECT_FALSE(matches("spiffe://acme/job-*-eval", "spiffe://acme/job-eval"));
  EXPECT_FALSE(matches("spiffe://acme/job-*-eval", "spiffe://acme/job-7-train"));
}

TEST(CallerPattern, TheRestIsOneSegmentOrMore) {
  EXPECT_TRUE(matches("spiffe://acme/train/**", "spiffe://acme/train/a"));
  EXPECT_TRUE(matches("spiffe://acme/train/**", "spiffe://acme/train/a/b/c"));
  EXPECT_FALSE(matches("spiffe://acme/train/**", "spiffe://acme/train"));
  EXPECT_FALSE(matches("spiffe://acme/train/**", "spiffe://acme/trainers/a"));
  EXPECT_TRUE(matches("spiffe://acme/**", "spiffe://acme/a"));
  EXPECT_FALSE(matches("spiffe://acme/**", "spiffe://acme"));
  EXPECT_FALSE(matches("spiffe://acme/**", "spiffe://acme.example/a"));
  EXPECT_TRUE(matches("spiffe://acme/*/x/**", "spiffe://acme/b/x/c/d"));
  EXPECT_TRUE(matches("any", "spiffe://whoever"));
}

TEST(CallerPattern, WhatIsNone) {
  for (const std::string_view text :
       {"", "*", "**", "ANY", "anyone", "spiffe://*", "spiffe://*/x", "spiffe://*.acme/x", "spiffe://**",
        "spiffe://acme/**/x", "spiffe://acme/a**", "spiffe://acme/*a*", "spiffe://acme/", "spiffe://acme//**",
        "spiffe://acme/../**", "spiffe:///**", "spiffe://acme/a b", "spiffe://acme/x/**/", "spiffe://acme/[ab]"}) {
    EXPECT_FALSE(CallerPattern::parse(text).ok()) << text;
  }
  expect_refused(CallerPattern::parse("spiffe://acme/**/x"), Code::kInvalid, "only stand at the end");
  expect_refused(CallerPattern::parse("train/*"), Code::kInvalid, "spiffe://");
  expect_refused(CallerPattern::parse("spiffe://acme/" + std::string(2048, 'x')), Code::kInvalid, "2048");
}

TEST(CallerPattern, ItsLiteralStart) {
  const auto start = [](std::string_view text) {
    const CallerPattern pattern = CallerPattern::parse(text).value();
    return std::string(pattern.literal_prefix(pattern.literal_parts()));
  };
  EXPECT_EQ(start("any"), "");
  EXPECT_EQ(start("spiffe://acme/**"), "spiffe://acme");
  EXPECT_EQ(start("spiffe://acme/train/*"), "spiffe://acme/train");
  EXPECT_EQ(start("spiffe://acme/train/a-*/b"), "spiffe://acme/train");
  EXPECT_EQ(start("spiffe://acme/train/a"), "spiffe://acme/train/a");
  EXPECT_EQ(start("spiffe://acme"), "spiffe://acme");
  EXPECT_EQ(CallerPattern::parse("spiffe://acme/train/a").value().literal_prefix(2), "spiffe://acme/train");
}

TEST(NamePattern, Matches) {
  EXPECT_TRUE(name_matches("acme", "acme"));
  EXPECT_FALSE(name_matches("acme", "acme2"));
  EXPECT_TRUE(name_matches("customer-*", "customer-7"));
  EXPECT_TRUE(name_matches("customer-*", "customer-"));
  EXPECT_FALSE(name_matches("customer-*", "customer"));
  EXPECT_TRUE(name_matches("*-eval", "images-eval"));
  EXPECT_FALSE(name_matches("ab*ba", "aba"));
  EXPECT_TRUE(name_matches("any", "acme"));
  EXPECT_TRUE(name_matches("any", ""));
}

TEST(NamePattern, NoneIsTheOneWithout) {
  EXPECT_TRUE(name_matches("none", ""));
  EXPECT_FALSE(name_matches("none", "production"));
  EXPECT_FALSE(name_matches("production", ""));
  EXPECT_FALSE(name_matches("*-x", ""));
  expect_refused(NamePattern::parse("none", NamePattern::None::kRefuse), Code::kInvalid, "environments only");
}

TEST(NamePattern, WhatIsNone) {
  for (const std::string_view text :
       {"", "*", "**", "a*b*", "Acme", "acme/x", "-acme", ".", "a b", "a\n", "\xc3\xa9"}) {
    EXPECT_FALSE(NamePattern::parse(text, NamePattern::None::kAccept).ok()) << text;
  }
  expect_refused(NamePattern::parse("*", NamePattern::None::kRefuse), Code::kInvalid, "write any");
  EXPECT_TRUE(NamePattern::parse(std::string(63, 'a'), NamePattern::None::kRefuse).ok());
  EXPECT_FALSE(NamePattern::parse(std::string(64, 'a'), NamePattern::None::kRefuse).ok());
}

TEST(Name, ReservedWordsAreNone) {
  EXPECT_TRUE(is_name("acme"));
  EXPECT_TRUE(is_name("7.a_b-c"));
  for (const std::string_view text : {"any", "none", "", "Acme", "a/b", "a*", "_a", "a b"}) {
    EXPECT_FALSE(is_name(text)) << text;
  }
}

}  // namespace
}  // namespace cloister::policy
