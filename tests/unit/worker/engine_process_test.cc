#include "cloister-worker/engine_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace cloister::worker {
namespace {

using testing::value_of;

// Its descriptor for the model is one end of a pipe: the other one hangs up when nobody has that any more.
class StartedEngine {
 public:
  explicit StartedEngine(const std::string& script, LandlockRules reach = {}) {
    int ends[2] = {-1, -1};
    CLOISTER_CHECK(::pipe2(ends, O_CLOEXEC) == 0);
    reading_ = ends[0];
    const File writing = File::from_descriptor(ends[1], "pipe", File::Owned::kYes);
    reach.executable.insert(reach.executable.end(), {"/bin", "/usr", "/lib", "/lib64", "/etc/ld.so.cache"});
    reach.writable.emplace_back("/dev/null");
    engine_ = value_of(EngineProcess::start({"/bin/sh", "-c", script}, writing, reach));
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

int status_of(const std::string& script, LandlockRules reach = {}) {
  StartedEngine started(script, std::move(reach));
  const auto status = started.wait();
  return status && WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
}

bool has_landlock() { return ::syscall(444 /* landlock_create_ruleset */, nullptr, 0, 1) > 0; }

// What its worker reads by name: the key of its SVID, the attester's.
TEST(EngineProcess, ReadsNothingThatIsNotListed) {
  if (!has_landlock()) GTEST_SKIP() << "this kernel has no Landlock";
  const testing::TempDir folder;
  std::filesystem::create_directories(folder / "listed");
  for (const char* name : {"svid.key", "listed/data"}) {
    ASSERT_TRUE(write_file(folder / name, as_bytes("a key"), Overwrite::kRefuse).ok());
  }
  const std::string read = "read line < ";
  LandlockRules reach;
  reach.readable = {folder / "listed"};
  EXPECT_EQ(status_of(read + (folder / "listed/data").string() + " || test \"$line\" = 'a key'", reach), 0);
  EXPECT_NE(status_of(read + (folder / "svid.key").string(), reach), 0);
  EXPECT_NE(status_of("echo x > " + (folder / "listed/data").string(), reach), 0);
  EXPECT_EQ(status_of("exit 0", reach), 0);
  // The worker itself goes on as before.
  EXPECT_TRUE(read_file(folder / "svid.key", 16).ok());
}

TEST(EngineProcess, GetsNoNewPrivileges) {
  LandlockRules reach;
  reach.readable = {"/proc"};
  EXPECT_EQ(status_of("grep -q '^NoNewPrivs:.*1' /proc/self/status", reach), 0);
  const Bytes own = value_of(read_file("/proc/self/status", 65'536));
  EXPECT_NE(as_text(own).find("NoNewPrivs:\t0"), std::string_view::npos);
}

TEST(EngineProcess, ProgramThatIsNotThere) {
  const File nothing = value_of(File::open("/dev/null"));
  EXPECT_FALSE(EngineProcess::start({"/nowhere/engine"}, nothing, {}).ok());
}

}  // namespace
}  // namespace cloister::worker
