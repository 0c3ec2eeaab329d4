// What tests expect of a verdict: which checks failed, and for what reason.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "attest/verdict.h"

namespace cloister::testing {

inline std::vector<std::string> names_of(const attest::Verdict& verdict) {
  std::vector<std::string> names;
  for (const attest::Check& check : verdict.checks) names.push_back(check.name);
  return names;
}

inline void expect_failed(const attest::Verdict& verdict, const std::string& name, attest::Reason reason) {
  const attest::Check* check = verdict.find(name);
  ASSERT_NE(check, nullptr) << name;
  ASSERT_EQ(check->state, attest::CheckState::kFailed) << name << ": " << check->detail;
  EXPECT_EQ(attest::reason_name(*check->reason), attest::reason_name(reason)) << check->detail;
  EXPECT_FALSE(verdict.sound());
}

// That check and no other failed, for that reason.
inline void expect_only(const attest::Verdict& verdict, const std::string& name, attest::Reason reason) {
  for (const attest::Check& check : verdict.checks) {
    EXPECT_EQ(check.state == attest::CheckState::kFailed, check.name == name) << check.name << ": " << check.detail;
  }
  expect_failed(verdict, name, reason);
}

// Every check passed but these, which weren't evaluated.
inline void expect_passed_but(const attest::Verdict& verdict, const std::vector<std::string>& skipped) {
  for (const attest::Check& check : verdict.checks) {
    const bool named = std::ranges::find(skipped, check.name) != skipped.end();
    EXPECT_EQ(attest::check_state_name(check.state), named ? "not-evaluated" : "passed")
        << check.name << ": " << check.detail;
  }
  for (const std::string& name : skipped) EXPECT_NE(verdict.find(name), nullptr) << name;
}

}  // namespace cloister::testing
