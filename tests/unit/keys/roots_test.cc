// Roots: found by what a wrap names, opened when they are needed, learned of when they are new.
#include "keys/roots.h"

#include "tests/support/hex.h"
#include "tests/support/local_key.h"
#include "tests/unit/keys/home.h"

namespace cloister::keys {
namespace {

class RootsTest : public ::testing::Test {
 protected:
  RootEntry entry(const std::string& name, const std::string& id, std::uint8_t byte) {
    return {name, id, [this, name, byte]() -> Result<OpenedRoot> {
              ++opened_[name];
              if (away_ == name) return Error(Code::kUnavailable, "it is away");
              return OpenedRoot{std::make_shared<testing::LocalKey>(byte, random_), "local-" + std::to_string(byte)};
            }};
  }
  crypto::WrappedKey wrapped_by(std::uint8_t byte) {
    return testing::LocalKey(byte, random_).wrap(testing::key_of_byte(1), context_).value();
  }
  crypto::SystemRandom random_;
  const crypto::WrapContext context_{"acme", "", Bytes(16, 1), "kek", {}};
  std::map<std::string, int> opened_;
  std::string away_;
};

TEST_F(RootsTest, OpensWhatAWrapNamesAndNothingElse) {
  Roots roots({entry("first", "local-1", 1), entry("second", "local-2", 2)});
  expect_ok(roots.unwrap(wrapped_by(2), context_));
  expect_ok(roots.unwrap(wrapped_by(2), context_));
  EXPECT_EQ(opened_["second"], 1);
  EXPECT_EQ(opened_["first"], 0);
  expect_ok(roots.with_id("local-1"));
  EXPECT_EQ(opened_["first"], 1);
}

TEST_F(RootsTest, OneThatIsAwayStopsNobodyElse) {
  Roots roots({entry("first", "local-1", 1), entry("second", "local-2", 2)});
  away_ = "first";
  expect_ok(roots.unwrap(wrapped_by(2), context_));
  expect_error(roots.unwrap(wrapped_by(1), context_), Code::kUnavailable, "open root first");
  away_.clear();
  expect_ok(roots.unwrap(wrapped_by(1), context_));
}

TEST_F(RootsTest, NoSuchRoot) {
  Roots roots({entry("first", "local-1", 1)});
  expect_error(roots.unwrap(wrapped_by(3), context_), Code::kDenied, "no root local-3");
}

// A configuration from before roots said who they are.
TEST_F(RootsTest, OneThatSaysNoIdIsOpenedToBeAsked) {
  Roots roots({entry("first", "", 1)});
  expect_ok(roots.with_id("local-1"));
  expect_error(roots.with_id("local-2"), Code::kDenied, "local-2");
  EXPECT_EQ(opened_["first"], 1);
}

TEST_F(RootsTest, OneThatSaysNoIdAndIsAwayHidesNobody) {
  Roots roots({entry("first", "", 1), entry("second", "", 2)});
  away_ = "first";
  expect_ok(roots.with_id("local-2"));
  expect_error(roots.with_id("local-3"), Code::kUnavailable, "open root first");
  expect_error(roots.with_id("local-1"), Code::kUnavailable, "open root first");
  away_.clear();
  expect_ok(roots.with_id("local-1"));
}

TEST_F(RootsTest, AnotherKeyInItsPlace) {
  Roots roots({entry("first", "local-1", 9)});
  expect_error(roots.with_id("local-1"), Code::kDenied, "what is there now is local-9");
}

TEST_F(RootsTest, NewOnesAreLearnedOfAndOldOnesStayOpen) {
  std::vector<RootEntry> now = {entry("first", "local-1", 1)};
  int asked = 0;
  Roots roots(now, [&]() -> Result<std::vector<RootEntry>> {
    ++asked;
    return now;
  });
  expect_ok(roots.with_id("local-1"));
  EXPECT_EQ(asked, 0);
  expect_error(roots.with_id("local-2"), Code::kDenied);
  now = {entry("first", "local-1", 1), entry("second", "local-2", 2)};
  expect_ok(roots.unwrap(wrapped_by(2), context_));
  expect_ok(roots.with_id("local-1"));
  EXPECT_EQ(opened_["first"], 1);
  // One of the same name that is another key now isn't taken for the old one.
  now = {entry("first", "local-5", 5)};
  expect_ok(roots.with_id("local-5"));
  EXPECT_EQ(opened_["first"], 2);
  expect_error(roots.with_id("local-1"), Code::kDenied);
}

TEST_F(RootsTest, ConfigurationThatCannotBeRead) {
  Roots roots({entry("first", "local-1", 1)},
              []() -> Result<std::vector<RootEntry>> { return Error(Code::kInvalid, "not a configuration"); });
  expect_ok(roots.with_id("local-1"));
  expect_error(roots.with_id("local-2"), Code::kInvalid, "not a configuration");
}

TEST_F(RootsTest, HomeRootWrapsByWhicheverIsTheHomesNow) {
  auto roots =
      std::make_shared<Roots>(std::vector<RootEntry>{entry("first", "local-1", 1), entry("second", "local-2", 2)});
  std::string current = "local-1";
  HomeRoot root(roots, [&]() -> Result<std::string> { return current; });
  const auto before = root.wrap(testing::key_of_byte(1), context_);
  current = "local-2";
  const auto after = root.wrap(testing::key_of_byte(1), context_);
  EXPECT_EQ(before->key_id, "local-1");
  EXPECT_EQ(after->key_id, "local-2");
  expect_ok(root.unwrap(*before, context_));
  expect_ok(root.unwrap(*after, context_));
  current = "local-3";
  expect_error(root.wrap(testing::key_of_byte(1), context_), Code::kDenied);
}

}  // namespace
}  // namespace cloister::keys
