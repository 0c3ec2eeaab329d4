#include "cloister-worker/engine_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "tests/support/expect.h"

namespace cloister::worker {
namespace {

using testing::value_of;

// Its descriptor for the model is one end of a pipe: the other one hangs up when nobody has that any more.
class StartedEngine {
 public:
  explicit StartedEngine(const std::string& script) {
    int ends[2] = {-1, -1};
    CLOISTER_CHECK(::pipe2(ends, O_CLOEXEC) == 0);
    reading_ = ends[0];
    const File writing = File::from_descriptor(ends[1], "pipe", File::Owned::kYes);
    engine_ = value_of(EngineProcess::start({"/bin/sh", "-c", script}, writing));
  }
  ~StartedEngine() { ::close(reading_); }
  StartedEngine(const StartedEngine&) = delete;
  StartedEngine& operator=(const StartedEngine&) = delete;

  EngineProcess& engine() { return *engine_; }
  std::optional<int> wait() {
    for (int i = 0; i < 1000 && !engine_->ended(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return engine_->ended();
  }
  bool all_gone() const {
    pollfd waiting{reading_, POLLIN, 0};
    return ::poll(&waiting, 1, 10'000) == 1 && (waiting.revents & POLLHUP) != 0;
  }

 private:
  int reading_ = -1;
  std::unique_ptr<EngineProcess> engine_;
};

TEST(EngineProcess, WhatItStartedEndsWithIt) {
  StartedEngine started("sleep 60 & exit 3");
  const auto status = started.wait();
  ASSERT_TRUE(status);
  EXPECT_TRUE(WIFEXITED(*status));
  EXPECT_EQ(WEXITSTATUS(*status), 3);
  EXPECT_TRUE(started.all_gone());
  started.engine().stop(Duration{0});
  EXPECT_EQ(started.engine().ended(), status);
}

TEST(EngineProcess, StoppedWithWhatItStarted) {
  StartedEngine started("trap '' TERM; sleep 60 & wait");
  EXPECT_FALSE(started.engine().ended());
  started.engine().stop(Duration{40});
  const auto status = started.engine().ended();
  ASSERT_TRUE(status);
  EXPECT_TRUE(WIFSIGNALED(*status));
  EXPECT_TRUE(started.all_gone());
}

}  // namespace
}  // namespace cloister::worker
