#include "worker/inference/work_queue.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>

namespace cloister::worker {
namespace {

TEST(WorkQueue, DoesWhatItIsGiven) {
  std::promise<int> done;  // before the queue, which uses it
  WorkQueue queue(1, 4);
  EXPECT_TRUE(queue.submit([&done] { done.set_value(7); }));
  EXPECT_EQ(done.get_future().get(), 7);
}

// A task that holds the only thread. Made before the queue, and so there for as long as it.
struct Busy {
  void hold(WorkQueue& queue) {
    EXPECT_TRUE(queue.submit([this] {
      begun.set_value();
      released.wait();
    }));
    begun.get_future().wait();
  }
  std::promise<void> begun, go_on;
  std::future<void> released = go_on.get_future();
};

TEST(WorkQueue, TooManyWaiting) {
  Busy busy;
  WorkQueue queue(1, 1);
  busy.hold(queue);
  EXPECT_TRUE(queue.submit([] {}));
  EXPECT_FALSE(queue.submit([] {}));
  busy.go_on.set_value();
}

TEST(WorkQueue, WhatWaitsIsDroppedAtTheEnd) {
  bool ran = false;
  Busy busy;
  auto queue = std::make_unique<WorkQueue>(1, 4);
  busy.hold(*queue);
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> seen = held;
  EXPECT_TRUE(queue->submit([&ran, held = std::move(held)] { ran = true; }));
  std::thread end([&queue] { queue.reset(); });
  while (!seen.expired()) std::this_thread::yield();  // dropped while the first is still at work
  busy.go_on.set_value();
  end.join();
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace cloister::worker
