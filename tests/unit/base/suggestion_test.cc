#include "base/suggestion.h"

#include <gtest/gtest.h>

namespace cloister {
namespace {

TEST(Suggestion, NothingNearIsNotSuggested) {
  const std::string_view words[] = {"allow", "deny"};
  EXPECT_EQ(suggestion("alow", words), ": did you mean allow?");
  EXPECT_EQ(suggestion("dney", words), ": did you mean deny?");
  EXPECT_EQ(suggestion("permit", words), "");
  EXPECT_EQ(suggestion("", words), "");
  EXPECT_EQ(suggestion("alow", {}), "");
}

}  // namespace
}  // namespace cloister
