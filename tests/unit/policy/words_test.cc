#include "policy/words.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/policy/policy_text.h"

namespace cloister::policy {
namespace {

TEST(Words, EachIsReadAsItIsWritten) {
  for (std::size_t i = 0; i < kOperationCount; ++i) {
    const auto operation = static_cast<Operation>(i);
    const auto read = parse_operation(operation_name(operation));
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, operation);
  }
  for (std::size_t i = 0; i < kPurposeCount; ++i) {
    const auto purpose = static_cast<Purpose>(i);
    const auto read = parse_purpose(purpose_name(purpose));
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, purpose);
  }
}

TEST(Words, NoneIsThereTwiceOrReserved) {
  for (const auto names : {operation_names(), purpose_names()}) {
    const std::set<std::string_view> distinct(names.begin(), names.end());
    EXPECT_EQ(distinct.size(), names.size());
    EXPECT_FALSE(distinct.contains("any"));
    EXPECT_FALSE(distinct.contains(""));
  }
}

TEST(Words, ScopesFollowTheNames) {
  EXPECT_EQ(scope_of(Operation::kGenerate), Scope::kDataset);
  EXPECT_EQ(scope_of(Operation::kRelease), Scope::kDataset);
  EXPECT_EQ(scope_of(Operation::kDatasetImport), Scope::kDataset);
  EXPECT_EQ(scope_of(Operation::kDatasetList), Scope::kTenant);
  EXPECT_EQ(scope_of(Operation::kAuditProve), Scope::kTenant);
  EXPECT_EQ(scope_of(Operation::kTenantList), Scope::kService);
  EXPECT_EQ(scope_of(Operation::kRandom), Scope::kService);
  for (std::size_t i = 0; i < kOperationCount; ++i) {
    const auto operation = static_cast<Operation>(i);
    const std::string_view name = operation_name(operation);
    if (name.starts_with("kek.") || name.starts_with("identity.")) {
      EXPECT_EQ(scope_of(operation), Scope::kTenant) << name;
    }
    if (name.starts_with("policy.")) {
      EXPECT_EQ(scope_of(operation), Scope::kService) << name;
    }
  }
}

TEST(Words, UnknownOnes) {
  expect_refused(parse_operation("unwarp"), Code::kInvalid, "there is no operation unwarp: did you mean unwrap?");
  expect_refused(parse_operation("kek.rotat"), Code::kInvalid, "did you mean kek.rotate?");
  expect_refused(parse_operation("Unwrap"), Code::kInvalid, "did you mean unwrap?");
  expect_refused(parse_operation(""), Code::kInvalid, "there is no operation");
  expect_refused(parse_operation(std::string(100'000, 'x')), Code::kInvalid, "there is no operation");
  expect_refused(parse_purpose("training"), Code::kInvalid, "there is no purpose training");
  expect_refused(parse_purpose("trian"), Code::kInvalid, "did you mean train?");
  EXPECT_LT(parse_operation(std::string(100'000, 'x')).error().message().size(), 200U);
}

TEST(Words, Sets) {
  OperationSet set;
  EXPECT_TRUE(set.empty());
  set.add(Operation::kRandom);
  set.add(Operation::kWrap);
  EXPECT_TRUE(set.has(Operation::kRandom));
  EXPECT_FALSE(set.has(Operation::kUnwrap));
  EXPECT_EQ(OperationSet::all(kOperationCount).without(set).without(OperationSet::all(kOperationCount)),
            OperationSet());
  EXPECT_TRUE(OperationSet::all(kOperationCount).has(Operation::kRandom));
}

}  // namespace
}  // namespace cloister::policy
