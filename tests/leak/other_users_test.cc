// Who can read a worker's memory: the same user and root, by every way the kernel has, on a process that is locked down
// and on one that isn't. What is written in docs/worker.md is what is seen here.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "tests/support/in_child.h"
#include "tests/support/value_of.h"
#include "worker/lockdown.h"
#include "worker/secret_memory.h"

namespace cloister::worker {
namespace {

constexpr uid_t kUser = 65534;
constexpr std::size_t kSize = 32;

struct Places {
  std::uint64_t heap = 0, secret = 0;
};

// A process of `kUser` that holds a canary on its heap and in secret memory, until it is killed.
class Holder {
 public:
  explicit Holder(bool locked) {
    int ends[2];
    CLOISTER_CHECK(::pipe(ends) == 0);
    process_ = ::fork();
    if (process_ == 0) hold(ends[1], locked);
    ::close(ends[1]);
    ready_ = ::read(ends[0], &places_, sizeof places_) == static_cast<ssize_t>(sizeof places_);
    ::close(ends[0]);
  }
  ~Holder() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  bool ready() const { return ready_; }
  pid_t process() const { return process_; }
  const Places& places() const { return places_; }

 private:
  [[noreturn]] static void hold(int end, bool locked) {
    // Becoming somebody else makes a process undumpable: a worker that isn't locked down was started as that user.
    if (::setresgid(kUser, kUser, kUser) != 0 || ::setresuid(kUser, kUser, kUser) != 0) ::_exit(1);
    ::prctl(PR_SET_DUMPABLE, 1);
    static Bytes heap(kSize, 0x5c);
    static SecretMemory secret = testing::value_of(SecretMemory::allocate(kSize));
    std::ranges::fill(secret.expose_mutable(), 0x5c);
    if (locked && !lock_down({}).ok()) ::_exit(1);
    const Places places{reinterpret_cast<std::uint64_t>(heap.data()),
                        reinterpret_cast<std::uint64_t>(secret.expose().data())};
    if (::write(end, &places, sizeof places) != static_cast<ssize_t>(sizeof places)) ::_exit(1);
    for (;;) ::pause();
  }

  pid_t process_ = -1;
  bool ready_ = false;
  Places places_;
};

bool by_file(pid_t process, std::uint64_t address) {
  const std::string path = "/proc/" + std::to_string(process) + "/mem";
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  std::array<std::uint8_t, kSize> read{};
  const bool got = ::pread(file, read.data(), read.size(), static_cast<off_t>(address)) == kSize && read[7] == 0x5c;
  ::close(file);
  return got;
}

bool by_call(pid_t process, std::uint64_t address) {
  std::array<std::uint8_t, kSize> read{};
  const iovec local{read.data(), read.size()};
  const iovec remote{reinterpret_cast<void*>(address), read.size()};
  return ::process_vm_readv(process, &local, 1, &remote, 1, 0) == kSize && read[7] == 0x5c;
}

bool by_tracing(pid_t process, std::uint64_t address) {
  if (::ptrace(PTRACE_ATTACH, process, nullptr, nullptr) != 0) return false;
  ::waitpid(process, nullptr, 0);
  const long word = ::ptrace(PTRACE_PEEKDATA, process, reinterpret_cast<void*>(address), nullptr);
  ::ptrace(PTRACE_DETACH, process, nullptr, nullptr);
  return word == 0x5c5c5c5c5c5c5c5c;
}

// The ways that worked, as that user.
std::string ways_in(const Holder& holder, std::uint64_t address, uid_t user) {
  return testing::in_child([&]() -> std::string {
    if (user != 0 && (::setresgid(user, user, user) != 0 || ::setresuid(user, user, user) != 0)) return "no such user";
    std::string ways;
    if (by_file(holder.process(), address)) ways += "mem ";
    if (by_call(holder.process(), address)) ways += "readv ";
    if (by_tracing(holder.process(), address)) ways += "trace ";
    return ways;
  });
}

bool can_become_others() {
#ifdef CLOISTER_SANITIZED
  return false;  // a sanitizer's own threads keep a process from locking itself down
#else
  return ::geteuid() == 0;
#endif
}

TEST(OtherUsers, NotLockedDown) {
  if (!can_become_others()) GTEST_SKIP() << "needs to become other users";
  const Holder holder(false);
  ASSERT_TRUE(holder.ready());
  // What lockdown is for: the same user reads the heap.
  EXPECT_EQ(ways_in(holder, holder.places().heap, kUser), "mem readv trace ");
  EXPECT_EQ(ways_in(holder, holder.places().heap, kUser - 1), "");
}

TEST(OtherUsers, SameUserReadsNothing) {
  if (!can_become_others()) GTEST_SKIP() << "needs to become other users";
  const Holder holder(true);
  ASSERT_TRUE(holder.ready());
  EXPECT_EQ(ways_in(holder, holder.places().heap, kUser), "");
  EXPECT_EQ(ways_in(holder, holder.places().secret, kUser), "");
  EXPECT_EQ(ways_in(holder, holder.places().heap, kUser - 1), "");
}

TEST(OtherUsers, RootReadsTheHeapAndNoSecretMemory) {
  if (!can_become_others()) GTEST_SKIP() << "needs to be root";
  if (SecretMemory::best() != SecretMemory::Kind::kSecret) GTEST_SKIP() << "this kernel has no memfd_secret";
  const Holder holder(true);
  ASSERT_TRUE(holder.ready());
  // This is what insecure_software doesn't protect from.
  EXPECT_NE(ways_in(holder, holder.places().heap, 0).find("mem"), std::string::npos);
  EXPECT_EQ(ways_in(holder, holder.places().secret, 0), "");
}

}  // namespace
}  // namespace cloister::worker
