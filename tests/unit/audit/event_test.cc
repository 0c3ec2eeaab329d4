// Outcomes by their names, texts as a record can hold them.
#include "audit/event.h"

#include <gtest/gtest.h>

namespace cloister::audit {
namespace {

TEST(AuditEvent, HostileTextIsRecordedHarmlessly) {
  Event hostile;
  hostile.subject = "a\nb\x1b[31m\xff";
  hostile.detail = std::string(100'000, 'x');
  EXPECT_FALSE(check_recordable(hostile).ok());
  const Event recorded = recordable(hostile);
  EXPECT_EQ(recorded.subject, "a?b?[31m?");
  EXPECT_EQ(recorded.detail.size(), kDetailMax);
  EXPECT_TRUE(check_recordable(recorded).ok());
}

TEST(AuditEvent, TextIsCutBetweenCharacters) {
  Event long_name;
  long_name.actor = "a";
  for (int i = 0; i < 200; ++i) long_name.actor += "\u00e9";
  EXPECT_EQ(recordable(long_name).actor.size(), 255u);
}

TEST(AuditOutcome, NamesGoBothWays) {
  for (const Outcome outcome : {Outcome::kAllowed, Outcome::kRefused, Outcome::kFailed}) {
    const auto parsed = parse_outcome(outcome_name(outcome));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, outcome);
  }
  EXPECT_EQ(parse_outcome("maybe").error().code(), Code::kCorrupt);
}

}  // namespace
}  // namespace cloister::audit
