// Names of tenants and datasets.
#include "tests/unit/keys/home.h"

namespace cloister::keys {
namespace {

TEST(Names, Tenants) {
  EXPECT_EQ(parse_tenant_name("acme")->text(), "acme");
  EXPECT_EQ(parse_tenant_name("acme/production")->environment, "production");
  EXPECT_TRUE(parse_tenant_name("0a._-").ok());
  EXPECT_TRUE(parse_tenant_name(std::string(63, 'a')).ok());
}

TEST(Names, Datasets) {
  const auto plain = parse_dataset_name("acme/mnist");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->environment, "");
  EXPECT_EQ(plain->dataset, "mnist");
  const auto full = parse_dataset_name("acme/production/mnist");
  ASSERT_TRUE(full.ok());
  EXPECT_EQ(full->environment, "production");
  EXPECT_EQ(full->text(), "acme/production/mnist");
}

TEST(Names, Refused) {
  for (const char* text : {"", "/", "acme/", "/acme", "Acme", "acme/pro duction", ".acme", "-acme", "_a", "a/b/c",
                           "acm\xc3\xa9", "acme\n", "../acme"}) {
    expect_error(parse_tenant_name(text), Code::kInvalid);
  }
  expect_error(parse_tenant_name(std::string(64, 'a')), Code::kInvalid);
  for (const char* text : {"", "mnist", "acme/", "acme//mnist", "a/b/c/d", "acme/Mnist", "acme/..", "acme/mn*st"}) {
    expect_error(parse_dataset_name(text), Code::kInvalid);
  }
}

// A rule couldn't speak of them.
TEST(Names, WordsOfPolicies) {
  for (const char* text : {"any", "none", "any/production", "acme/none", "acme/any"}) {
    expect_error(parse_tenant_name(text), Code::kInvalid, "words of policies");
  }
  for (const char* text : {"acme/any", "acme/none", "any/mnist", "acme/any/mnist", "acme/production/none"}) {
    expect_error(parse_dataset_name(text), Code::kInvalid, "words of policies");
  }
  EXPECT_TRUE(parse_tenant_name("anyone/nonempty").ok());
}

}  // namespace
}  // namespace cloister::keys
