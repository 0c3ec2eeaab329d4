#include "base/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <set>

namespace cloister {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return Error(Code::kInvalid, "odd");
  return number / 2;
}

Result<int> quarter(int number) {
  CLOISTER_TRY(const int once, half(number));
  CLOISTER_TRY(const int twice, half(once));
  return twice;
}

Status check_even(int number) {
  CLOISTER_RETURN_IF_ERROR(half(number));
  return {};
}

TEST(Result, PassesValuesAndErrorsOn) {
  EXPECT_EQ(quarter(12).value(), 3);
  ASSERT_FALSE(quarter(6).ok());
  EXPECT_EQ(quarter(6).error().message(), "odd");
  EXPECT_TRUE(check_even(2).ok());
  EXPECT_EQ(check_even(3).error().code(), Code::kInvalid);
}

TEST(Result, ContextGoesInFront) {
  const auto failed = half(1).with_context("halve");
  EXPECT_EQ(failed.error().message(), "halve: odd");
  EXPECT_EQ(failed.error().code(), Code::kInvalid);
  EXPECT_EQ(half(2).with_context("halve").value(), 1);
  EXPECT_TRUE(ok_status().with_context("x").ok());
  EXPECT_EQ(check_even(1).with_context("check").error().message(), "check: odd");
}

TEST(Result, CarriesWhatOnlyMoves) {
  Result<std::unique_ptr<int>> made(std::make_unique<int>(7));
  const std::unique_ptr<int> taken = std::move(made).value();
  EXPECT_EQ(*taken, 7);
}

TEST(ResultDeathTest, ABrokenAssumptionStopsTheProcess) {
  EXPECT_DEATH(CLOISTER_CHECK(1 + 1 == 3), "internal check failed: 1 \\+ 1 == 3");
}

TEST(Error, EveryCodeHasItsOwnNameAndExitStatus) {
  std::set<std::string_view> names;
  std::set<int> statuses;
  for (int code = 0; code <= static_cast<int>(Code::kInternal); ++code) {
    names.insert(code_name(static_cast<Code>(code)));
    statuses.insert(exit_status(static_cast<Code>(code)));
  }
  EXPECT_EQ(names.size(), 9U);
  EXPECT_EQ(statuses.size(), 9U);
  EXPECT_FALSE(statuses.contains(0));
  EXPECT_FALSE(statuses.contains(1)) << "1 is for a program that fails without a code";
}

TEST(Error, SystemErrorsBecomeCodes) {
  EXPECT_EQ(error_from_errno(ENOENT, "open x").code(), Code::kNotFound);
  EXPECT_EQ(error_from_errno(EEXIST, "open x").code(), Code::kExists);
  EXPECT_EQ(error_from_errno(EACCES, "open x").code(), Code::kDenied);
  EXPECT_EQ(error_from_errno(EIO, "open x").code(), Code::kInternal);
  EXPECT_EQ(error_from_errno(ENOENT, "open x").message(), "open x: No such file or directory");
}

}  // namespace
}  // namespace cloister
