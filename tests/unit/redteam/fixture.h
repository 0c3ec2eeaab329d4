// Where an exercise works in a test, and what must come of it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "redteam/exercise.h"
#include "tests/support/temp_dir.h"

namespace cloister::redteam {

class Exercises : public ::testing::Test {
 protected:
  Field field(const char* name = "field") {
    const Path folder = directory_ / name;
    CLOISTER_CHECK(create_directories(folder, 0700).ok());
    return {folder, &random_, Time{1'795'000'000'000}, &progress_, monotonic_seconds() + 60};
  }

  testing::TempDir directory_;
  crypto::SystemRandom random_;
  Progress progress_;
};

inline std::string transcript(const Report& report) {
  std::string text = report.id + ": " + std::string(name_of(report.outcome)) + ": " + report.reason + "\n";
  for (const std::string& line : report.details) text += "  " + line + "\n";
  return text;
}

inline void expect_defended(const Report& report) {
  EXPECT_EQ(report.outcome, Outcome::kDefended) << transcript(report);
  EXPECT_GT(report.cases, 0);
  EXPECT_EQ(report.refused, report.cases);
  EXPECT_TRUE(report.remedy.empty() && report.reason.empty());
}

// It says what got through, and what to do.
inline void expect_failed(const Report& report) {
  EXPECT_EQ(report.outcome, Outcome::kFailed) << transcript(report);
  EXPECT_LT(report.refused, report.cases);
  EXPECT_FALSE(report.remedy.empty());
  EXPECT_FALSE(report.reason.empty());
}

inline void expect_not_run(const Report& report, std::string_view why) {
  EXPECT_EQ(report.outcome, Outcome::kNotRun) << transcript(report);
  EXPECT_NE(report.reason.find(why), std::string::npos) << report.reason;
  EXPECT_TRUE(report.remedy.empty());
}

}  // namespace cloister::redteam
