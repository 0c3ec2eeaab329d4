// What a test expects of a Result: its value, or a refusal for the right reason.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "base/result.h"

namespace cloister::testing {

// Stops the process, with the reason, when there is none: for what a test needs before it starts.
template <typename T>
T value_of(Result<T> result) {
  if (!result.ok()) std::fprintf(stderr, "test needs a value: %s\n", result.error().message().c_str());
  CLOISTER_CHECK(result.ok());
  return std::move(result).value();
}

// The code, and a word the message must have.
template <typename ResultOrStatus>
void expect_refused(const ResultOrStatus& result, Code code, std::string_view word) {
  ASSERT_FALSE(result.ok()) << "accepted, not refused: " << word;
  EXPECT_EQ(code_name(result.error().code()), code_name(code)) << result.error().message();
  EXPECT_NE(result.error().message().find(word), std::string::npos)
      << result.error().message() << " has no \"" << word << "\"";
}

}  // namespace cloister::testing
