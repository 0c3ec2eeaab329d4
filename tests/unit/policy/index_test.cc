#include "policy/index.h"

#include <gtest/gtest.h>

#include <set>

#include "policy/document.h"
#include "tests/unit/policy/policy_text.h"

namespace cloister::policy {
namespace {

class Indexed {
 public:
  explicit Indexed(const std::string& rules) {
    auto document = parse_document(std::string(kHead) + rules);
    EXPECT_TRUE(document.ok()) << document.error().message();
    for (const Rule& rule : document.value().rules) index.add(rule, count++);
  }

  std::set<std::uint32_t> visited(std::string_view tenant, std::string_view caller) const {
    std::set<std::uint32_t> found;
    index.visit(tenant, CallerId::parse(caller).value(), [&found](std::uint32_t number) {
      found.insert(number);
      return true;
    });
    return found;
  }

  RuleIndex index;
  std::uint32_t count = 0;
};

using Numbers = std::set<std::uint32_t>;

TEST(RuleIndex, ByTenant) {
  const Indexed indexed(rule_text("allow", "0", "tenant", "\"acme\"") +
                        rule_text("allow", "1", "tenant", "\"globex\"") + rule_text("allow", "2") +
                        rule_text("allow", "3", "tenant", "[\"acme\", \"x-*\"]"));
  EXPECT_EQ(indexed.visited("acme", "spiffe://a"), (Numbers{0, 2, 3}));
  EXPECT_EQ(indexed.visited("globex", "spiffe://a"), (Numbers{1, 2, 3}));
  EXPECT_EQ(indexed.visited("x-1", "spiffe://a"), (Numbers{2, 3}));
  EXPECT_EQ(indexed.visited("", "spiffe://a"), (Numbers{2, 3}));
}

TEST(RuleIndex, ByCaller) {
  const Indexed indexed(rule_text("allow", "0", "caller", "\"spiffe://a/b/c\"") +
                        rule_text("allow", "1", "caller", "\"spiffe://a/b/*\"") +
                        rule_text("allow", "2", "caller", "\"spiffe://a/**\"") +
                        rule_text("allow", "3", "caller", "\"spiffe://a/x-*/c\"") + rule_text("allow", "4") +
                        rule_text("allow", "5", "caller", "[\"spiffe://z/y\", \"spiffe://a/b/d\"]"));
  EXPECT_EQ(indexed.visited("t", "spiffe://a/b/c"), (Numbers{0, 1, 2, 3, 4}));
  EXPECT_EQ(indexed.visited("t", "spiffe://a/b/d"), (Numbers{1, 2, 3, 4, 5}));
  EXPECT_EQ(indexed.visited("t", "spiffe://a/x-1/c"), (Numbers{2, 3, 4}));
  EXPECT_EQ(indexed.visited("t", "spiffe://z/y"), (Numbers{4, 5}));
  EXPECT_EQ(indexed.visited("t", "spiffe://other"), (Numbers{4}));
}

TEST(RuleIndex, CallersDeeperThanItsKeys) {
  std::string deep = "spiffe://a";
  for (int i = 0; i < 20; ++i) deep += "/s" + std::to_string(i);
  const Indexed indexed(rule_text("allow", "0", "caller", "\"" + deep + "\"") +
                        rule_text("allow", "1", "caller", "\"" + deep + "/**\""));
  EXPECT_EQ(indexed.visited("t", deep), (Numbers{0, 1}));
  EXPECT_EQ(indexed.visited("t", deep + "/x/y"), (Numbers{0, 1}));
  EXPECT_EQ(indexed.visited("t", "spiffe://a/s0/s1"), (Numbers{}));
}

TEST(RuleIndex, FromTheSmallestUpUntilToldToStop) {
  const Indexed indexed(rule_text("allow", "0") + rule_text("allow", "1") +
                        rule_text("allow", "2", "tenant", "\"acme\"") + rule_text("allow", "3", "tenant", "\"acme\""));
  std::vector<std::uint32_t> numbers;
  indexed.index.visit("acme", CallerId::parse("spiffe://a").value(), [&numbers](std::uint32_t number) {
    numbers.push_back(number);
    return false;
  });
  EXPECT_EQ(numbers, (std::vector<std::uint32_t>{0, 2}));
}

TEST(RuleIndex, CountsEntries) {
  const Indexed indexed(rule_text("allow", "0") + rule_text("allow", "1", "tenant", "[\"a\", \"b\", \"c\"]"));
  EXPECT_EQ(indexed.index.entries(), 4U);
}

}  // namespace
}  // namespace cloister::policy
