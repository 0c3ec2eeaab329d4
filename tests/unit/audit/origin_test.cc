#include "audit/origin.h"

#include "tests/unit/audit/log_fixture.h"

namespace cloister::audit {
namespace {

TEST(Origin, NamesTheTenant) {
  EXPECT_EQ(value_of(tree_origin("audit.example.com", "acme")), "audit.example.com/acme");
  EXPECT_EQ(value_of(tree_origin("example.com/audit", "")), "example.com/audit/-");
}

TEST(Origin, ThatIsNone) {
  for (const std::string_view origin : {"", "x", "/", "x/", "/x", "a b/x", "a+b/x", "a/x y", "a/\u00a0", "a\n/x"}) {
    expect_refused(check_origin(origin), Code::kInvalid, "SERVER/TENANT");
  }
  EXPECT_FALSE(check_origin("s/" + std::string(254, 'x')).ok());
  EXPECT_TRUE(check_origin("s/" + std::string(253, 'x')).ok());
  expect_refused(tree_origin("", "acme"), Code::kInvalid, "SERVER/TENANT");
  expect_refused(tree_origin("s", "acme/production"), Code::kInvalid, "without an environment");
  expect_refused(tree_origin("s", "-"), Code::kInvalid, "one tenant's");
}

TEST(Origin, TreeOfATenant) {
  EXPECT_EQ(tree_name("acme"), "acme");
  EXPECT_EQ(tree_name("acme/production"), "acme");
  for (const std::string& tenant : {std::string(), std::string("-"), std::string("/acme"), std::string("Acme"),
                                    std::string("a b"), std::string("a+b"), std::string(64, 'a')}) {
    EXPECT_EQ(tree_name(tenant), "-") << tenant;
  }
  EXPECT_EQ(value_of(tree_of_origin("s/x/acme", "s/x")), "acme");
  EXPECT_EQ(value_of(tree_of_origin("s/-", "s")), "-");
  for (const std::string_view origin : {"", "s", "s/", "/acme", "t/acme", "s/acme/x", "ss/acme", "s/Acme", "sacme"}) {
    expect_refused(tree_of_origin(origin, "s"), Code::kInvalid, "this store keeps");
  }
}

TEST(Origin, RecordsOfTheTree) {
  EXPECT_TRUE(belongs_to_tree("s/acme", "acme"));
  EXPECT_TRUE(belongs_to_tree("s/acme", "acme/production"));
  EXPECT_TRUE(belongs_to_tree("s/-", ""));
}

TEST(Origin, RecordsOfAnotherTree) {
  for (const std::string_view tenant : {"", "acm", "acme2", "acme-x", "rival", "rival/acme", "-"}) {
    EXPECT_FALSE(belongs_to_tree("s/acme", tenant)) << tenant;
  }
  EXPECT_FALSE(belongs_to_tree("s/-", "acme"));
  EXPECT_FALSE(belongs_to_tree("s/-", "-"));
}

}  // namespace
}  // namespace cloister::audit
