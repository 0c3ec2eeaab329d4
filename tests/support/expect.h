// What a test expects of a Result: its value, or a refusal for the right reason.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "tests/support/value_of.h"

namespace cloister::testing {

// The code, and a word the message must have.
template <typename ResultOrStatus>
void expect_refused(const ResultOrStatus& result, Code code, std::string_view word) {
  ASSERT_FALSE(result.ok()) << "accepted, not refused: " << word;
  EXPECT_EQ(code_name(result.error().code()), code_name(code)) << result.error().message();
  EXPECT_NE(result.error().message().find(word), std::string::npos)
      << result.error().message() << " has no \"" << word << "\"";
}

}  // namespace cloister::testing
