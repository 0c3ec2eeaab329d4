#include "net/io_thread.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include "tests/support/tls_identity.h"

namespace cloister::net {
namespace {

// The sweep's timer runs out behind something slow, and its handler waits in the queue when the thread is told to stop.
TEST(IoThread, StopsThoughATimerRanOutMeanwhile) {
  ServerState state([] { return testing::kTestTime; }, {}, nullptr);
  auto thread = IoThread::start(state);
  ASSERT_TRUE(thread.ok()) << thread.error().message();
  std::promise<void> busy;
  thread.value()->mailbox()->post([&busy] {
    busy.set_value();
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
  });
  busy.get_future().wait();
  std::promise<void> stopped;
  std::thread stopper([&] {
    thread.value().reset();
    stopped.set_value();
  });
  const bool in_time = stopped.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready;
  ASSERT_TRUE(in_time) << "the thread doesn't end";
  stopper.join();
}

}  // namespace
}  // namespace cloister::net
