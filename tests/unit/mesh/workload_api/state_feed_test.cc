#include "mesh/workload_api/state_feed.h"

#include <gtest/gtest.h>

#include <condition_variable>

#include "tests/support/certificates.h"
#include "tests/support/test_identities.h"
#include "tests/support/value_of.h"

namespace cloister::mesh {
namespace {

using testing::kNow;
using testing::TestIdentities;
using testing::value_of;

// What one follower was told.
class Told {
 public:
  StateFeed::Deliver deliver(bool more = true) {
    return [this, more](const Result<std::shared_ptr<const WorkloadState>>& state) {
      const std::lock_guard lock(mutex_);
      all_.push_back(state);
      changed_.notify_all();
      return more;
    };
  }
  Result<std::shared_ptr<const WorkloadState>> at(std::size_t number) {
    std::unique_lock lock(mutex_);
    CLOISTER_CHECK(changed_.wait_for(lock, std::chrono::seconds(30), [&] { return all_.size() > number; }));
    return all_[number];
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return all_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Result<std::shared_ptr<const WorkloadState>>> all_;
};

class StateFeedTest : public ::testing::Test {
 protected:
  StateFeedTest() { identities.set_entries({{}}); }

  // Everything that was submitted before has been done: there is one worker.
  void settle() {
    for (int i = 0; i < 3; ++i) {
      std::mutex mutex;
      std::condition_variable done;
      bool is_done = false;
      workers->submit_later(
          [&] {
            const std::lock_guard lock(mutex);
            is_done = true;
            done.notify_all();
          },
          Duration{5});
      std::unique_lock lock(mutex);
      done.wait(lock, [&] { return is_done; });
    }
  }

  TestIdentities identities{"example.org", [] { return kNow; }};
  std::unique_ptr<Workers> workers = value_of(Workers::start(1, 10));
  crypto::SystemRandom random;
  StateFeed feed{identities, *workers, random, {.jitter = Duration{0}, .retry = Duration{10}}};
};

TEST_F(StateFeedTest, AtOnceAndAfterEachChange) {
  Told told;
  const auto following = feed.follow({}, told.deliver());
  const auto first = value_of(told.at(0));
  identities.rotate();
  const auto second = value_of(told.at(1));
  EXPECT_NE(first->svids[0].svid.leaf().der(), second->svids[0].svid.leaf().der());
}

TEST_F(StateFeedTest, ARefusalIsTheLast) {
  identities.set_entries({});
  Told told;
  const auto following = feed.follow({}, told.deliver());
  EXPECT_EQ(told.at(0).error().code(), Code::kDenied);
  identities.set_entries({{}});
  settle();
  EXPECT_EQ(told.count(), 1U);
}

TEST_F(StateFeedTest, RedactedLaterIsTheLastToo) {
  Told told;
  const auto following = feed.follow({}, told.deliver());
  ASSERT_TRUE(told.at(0).ok());
  identities.set_entries({});
  EXPECT_EQ(told.at(1).error().code(), Code::kDenied);
}

TEST_F(StateFeedTest, NotReadyAtFirstIsARefusal) {
  identities.refuse_with(Error(Code::kUnavailable, "no authority yet"));
  Told told;
  const auto following = feed.follow({}, told.deliver());
  EXPECT_EQ(told.at(0).error().code(), Code::kUnavailable);
}

TEST_F(StateFeedTest, NotReadyLaterIsTriedAgainAndSaysNothing) {
  Told told;
  const auto following = feed.follow({}, told.deliver());
  ASSERT_TRUE(told.at(0).ok());
  const std::size_t asked = identities.asked();
  identities.refuse_with(Error(Code::kUnavailable, "the store is away"));
  while (identities.asked() < asked + 3) settle();
  EXPECT_EQ(told.count(), 1U);
  identities.refuse_with(std::nullopt);
  EXPECT_TRUE(told.at(1).ok());
}

TEST_F(StateFeedTest, WhoWantsNoMoreIsAskedNoMore) {
  Told told;
  const auto following = feed.follow({}, told.deliver(false));
  ASSERT_TRUE(told.at(0).ok());
  settle();
  const std::size_t asked = identities.asked();
  identities.rotate();
  settle();
  EXPECT_EQ(told.count(), 1U);
  EXPECT_EQ(identities.asked(), asked);
}

TEST_F(StateFeedTest, WhoLeftIsToldNothing) {
  Told told;
  auto following = feed.follow({}, told.deliver());
  ASSERT_TRUE(told.at(0).ok());
  following = nullptr;
  settle();
  identities.rotate();
  settle();
  EXPECT_EQ(told.count(), 1U);
}

TEST_F(StateFeedTest, ManyChangesAtOnceAreFewMessages) {
  Told told;
  StateFeed slow(identities, *workers, random, {.jitter = Duration{200}});
  const auto following = slow.follow({}, told.deliver());
  ASSERT_TRUE(told.at(0).ok());
  for (int i = 0; i < 50; ++i) identities.rotate();
  ASSERT_TRUE(told.at(1).ok());
  EXPECT_LT(told.count(), 20U);
}

TEST(StateFeed, EndsBeforeItsFollowers) {
  TestIdentities identities("example.org", [] { return kNow; });
  identities.set_entries({{}});
  const auto workers = value_of(Workers::start(2, 10));
  crypto::SystemRandom random;
  Told told;
  std::unique_ptr<StateFeed::Following> following;
  {
    StateFeed feed(identities, *workers, random);
    EXPECT_EQ(identities.watches(), 1U);
    following = feed.follow({}, told.deliver());
    ASSERT_TRUE(told.at(0).ok());
  }
  EXPECT_EQ(identities.watches(), 0U);
  identities.rotate();
}

}  // namespace
}  // namespace cloister::mesh
