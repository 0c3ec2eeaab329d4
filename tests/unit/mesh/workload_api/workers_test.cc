#include "mesh/workload_api/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "tests/support/value_of.h"

namespace cloister::mesh {
namespace {

using testing::value_of;

TEST(Workers, DoesWhatIsSubmitted) {
  const auto workers = value_of(Workers::start(2, 10));
  std::promise<int> done;
  ASSERT_TRUE(workers->submit([&] { done.set_value(7); }));
  EXPECT_EQ(done.get_future().get(), 7);
}

TEST(Workers, RefusesMoreThanMayWait) {
  const auto workers = value_of(Workers::start(1, 2));
  std::promise<void> begun, go;
  ASSERT_TRUE(workers->submit([&, gate = go.get_future().share()] {
    begun.set_value();
    gate.wait();
  }));
  begun.get_future().wait();
  EXPECT_TRUE(workers->submit([] {}));
  EXPECT_TRUE(workers->submit([] {}));
  EXPECT_FALSE(workers->submit([] {}));
  std::promise<void> later;
  workers->submit_later([&] { later.set_value(); }, Duration{0});
  go.set_value();
  later.get_future().wait();
}

TEST(Workers, LaterIsNotEarlierAndInOrder) {
  const auto workers = value_of(Workers::start(1, 2));
  std::mutex mutex;
  std::vector<int> order;
  std::promise<void> last;
  const auto begun = std::chrono::steady_clock::now();
  workers->submit_later(
      [&] {
        const std::lock_guard lock(mutex);
        order.push_back(2);
        last.set_value();
      },
      Duration{60});
  workers->submit_later(
      [&] {
        const std::lock_guard lock(mutex);
        order.push_back(1);
      },
      Duration{20});
  last.get_future().wait();
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(60));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(Workers, OneThatIsBusyHoldsNobodyUp) {
  const auto workers = value_of(Workers::start(2, 2));
  std::promise<void> go, second;
  const auto gate = go.get_future().share();
  workers->submit_later([gate] { gate.wait(); }, Duration{10});
  workers->submit_later([&] { second.set_value(); }, Duration{10});
  EXPECT_EQ(second.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  go.set_value();
}

TEST(Workers, WhatWaitsIsDroppedAtTheEnd) {
  std::atomic<bool> done{false};
  const auto workers = value_of(Workers::start(1, 2));
  workers->submit_later([&] { done = true; }, hours(1));
  workers->stop();
  EXPECT_FALSE(done);
  EXPECT_FALSE(workers->submit([] {}));
}

}  // namespace
}  // namespace cloister::mesh
