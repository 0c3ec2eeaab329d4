#include "mesh/relay/allow_list.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace cloister::mesh {
namespace {

using testing::expect_refused;
using testing::value_of;

AllowList list_of(std::vector<std::string> patterns) { return value_of(AllowList::parse(patterns)); }

TEST(AllowList, AnEmptyOneAllowsNobody) { EXPECT_FALSE(AllowList().allows("spiffe://acme.example/a")); }

TEST(AllowList, OneWorkload) {
  const AllowList list = list_of({"spiffe://ACME.example/ns/ml/trainer"});
  EXPECT_TRUE(list.allows("spiffe://acme.example/ns/ml/trainer"));
  EXPECT_FALSE(list.allows("spiffe://acme.example/ns/ml/trainer2"));
  EXPECT_FALSE(list.allows("spiffe://acme.example/ns/ml"));
  EXPECT_FALSE(list.allows("spiffe://acme.example/ns/ml/trainer/x"));
  EXPECT_FALSE(list.allows("spiffe://acme.example.org/ns/ml/trainer"));
}

TEST(AllowList, EverythingBelowAPath) {
  const AllowList list = list_of({"spiffe://acme.example/batch/*"});
  EXPECT_TRUE(list.allows("spiffe://acme.example/batch/a"));
  EXPECT_TRUE(list.allows("spiffe://acme.example/batch/a/b"));
  EXPECT_FALSE(list.allows("spiffe://acme.example/batch"));
  EXPECT_FALSE(list.allows("spiffe://acme.example/batch/"));
  EXPECT_FALSE(list.allows("spiffe://acme.example/batches/a"));
}

TEST(AllowList, ATrustDomainByAStarAlone) {
  const AllowList list = list_of({"spiffe://acme.example/*"});
  EXPECT_TRUE(list.allows("spiffe://acme.example/a"));
  EXPECT_FALSE(list.allows("spiffe://acme.example.evil/a"));
  EXPECT_FALSE(list.allows("spiffe://acme.example"));
}

TEST(AllowList, WhatIsNoPattern) {
  for (const char* wrong : {"", "*", "spiffe://*", "spiffe://acme.example/a*", "spiffe://acme.example/*/a", "any",
                            "https://acme.example/a", "spiffe://acme.example/a/"}) {
    const std::string pattern = wrong;
    expect_refused(AllowList::parse(std::span(&pattern, 1)), Code::kInvalid, "");
  }
  const std::string domain = "spiffe://acme.example";
  expect_refused(AllowList::parse(std::span(&domain, 1)), Code::kInvalid, "is a trust domain");
  const std::vector<std::string> many(kAllowedMax + 1, "spiffe://acme.example/a");
  expect_refused(AllowList::parse(many), Code::kInvalid, "more than");
}

}  // namespace
}  // namespace cloister::mesh
