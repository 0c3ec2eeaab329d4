#include "audit/anomaly/finding.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "audit/anomaly/usage_event.h"

namespace cloister::audit::anomaly {
namespace {

TEST(Finding, IsOneSentence) {
  Finding finding;
  finding.kind = Kind::kUnwrapSurge;
  finding.severity = Severity::kHigh;
  finding.tenant = "acme";
  finding.principal = "spiffe://acme/a";
  finding.what = "unwrapped 812 DEKs";
  finding.contributions = {{"DEKs", 812, 40}, {"robust z", 7.25, 5}};
  EXPECT_EQ(explain(finding),
            "high: unwrap surge: acme: spiffe://acme/a: unwrapped 812 DEKs (DEKs 812, expected 40; robust z 7.2, "
            "expected 5)");
  finding.principal.clear();
  finding.contributions.clear();
  EXPECT_EQ(explain(finding), "high: unwrap surge: acme: unwrapped 812 DEKs");
}

TEST(Finding, EveryKindHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (unsigned kind = 1; kind <= kKinds; ++kind) names.insert(kind_name(static_cast<Kind>(kind)));
  EXPECT_EQ(names.size(), kKinds);
  EXPECT_FALSE(names.contains("unknown"));
  EXPECT_EQ(kind_name(static_cast<Kind>(99)), "unknown");
  for (unsigned operation = 0; operation < kOperations; ++operation) {
    EXPECT_NE(operation_name(static_cast<Operation>(operation)), "unknown");
  }
  EXPECT_EQ(operation_name(static_cast<Operation>(kOperations)), "unknown");
}

TEST(Finding, ControlCharactersInANameStayOutOfTheTerminal) {
  EXPECT_EQ(printable("a\x1b[31m\n\xc3\xa9"), "a?[31m???");
  EXPECT_EQ(printable(std::string(1000, 'a')).size(), 128U);
}

TEST(Finding, NumbersPeopleCanRead) {
  EXPECT_EQ(number(1234567), "1234567");
  EXPECT_EQ(number(12.34), "12.3");
  EXPECT_EQ(number(0.04), "0.04");
  EXPECT_EQ(number(-3), "-3");
  EXPECT_EQ(number(std::numeric_limits<double>::infinity()), "unbounded");
  EXPECT_EQ(number(1e300), "1000000000000000000");
}

}  // namespace
}  // namespace cloister::audit::anomaly
