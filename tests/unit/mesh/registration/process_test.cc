// Processes as they really run, and as /proc describes them.
#include "mesh/registration/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "base/file.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"
#include "tests/support/value_of.h"

namespace cloister::mesh {
namespace {

using testing::expect_refused;
using testing::TempDir;
using testing::value_of;

// A child that called by a socket and waits for a byte.
class Caller {
 public:
  explicit Caller(const char* program = nullptr) {
    CLOISTER_CHECK(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()) == 0);
    child_ = ::fork();
    CLOISTER_CHECK(child_ >= 0);
    if (child_ == 0) {
      ::close(ends_[0]);
      if (program != nullptr) ::execl(program, program, "60", nullptr);
      char byte;
      ::_exit(::read(ends_[1], &byte, 1) == 1 ? 0 : 1);
    }
    ::close(ends_[1]);
  }
  ~Caller() {
    end();
    ::close(ends_[0]);
  }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  pid_t pid() const { return child_; }
  void end() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = 0;
  }

 private:
  std::array<int, 2> ends_{};
  pid_t child_ = 0;
};

// As the kernel describes whoever connects: the pair was made by this process, so the child's descriptor is asked for.
net::UnixPeer peer_of(const Caller& caller) {
  const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, caller.pid(), 0));
  CLOISTER_CHECK(descriptor >= 0);
  return {caller.pid(), ::geteuid(), ::getegid(),
          std::make_shared<const File>(File::from_descriptor(descriptor, "pidfd", File::Owned::kYes))};
}

void wait_until_runs(const Caller& caller, const std::string& path) {
  const std::string link = "/proc/" + std::to_string(caller.pid()) + "/exe";
  std::error_code error;
  while (std::filesystem::read_symlink(link, error) != path) ::usleep(1000);
}

std::string real_path(const char* path) { return std::filesystem::canonical(path).string(); }

TEST(ProcessTest, RunningProgram) {
  const Caller caller("/bin/sleep");
  const std::string program = real_path("/bin/sleep");
  wait_until_runs(caller, program);
  ProcessReader reader;
  const ProcessFacts facts = value_of(reader.read(peer_of(caller), WithDigest::kYes));
  EXPECT_EQ(facts.path, program);
  EXPECT_EQ(*facts.digest, crypto::sha256(value_of(read_file(program, std::size_t{16} << 20))));
  EXPECT_FALSE(facts.control_groups.empty());
  EXPECT_FALSE(value_of(reader.read(peer_of(caller), WithDigest::kNo)).digest);
}

TEST(ProcessTest, ProcessThatEnded) {
  Caller caller;
  const net::UnixPeer peer = peer_of(caller);
  caller.end();
  ProcessReader reader;
  expect_refused(reader.read(peer, WithDigest::kNo), Code::kDenied, "ended");
}

TEST(ProcessTest, NumberThatIsAnothersByNow) {
  Caller ended;
  net::UnixPeer peer = peer_of(ended);
  ended.end();
  const Caller other;
  peer.pid = other.pid();
  ProcessReader reader;
  expect_refused(reader.read(peer, WithDigest::kNo), Code::kDenied, "ended");
}

TEST(ProcessTest, KernelThatDoesNotSayWhich) {
  ProcessReader reader;
  expect_refused(reader.read({::getpid(), ::geteuid(), ::getegid(), nullptr}, WithDigest::kNo), Code::kUnsupported,
                 "which user");
}

TEST(ProcessTest, AnotherUserThanCalled) {
  const Caller caller;
  net::UnixPeer peer = peer_of(caller);
  peer.uid += 1;
  ProcessReader reader;
  expect_refused(reader.read(peer, WithDigest::kNo), Code::kDenied, "isn't the user any more");
}

TEST(ProcessTest, ExecutableThatWasReplaced) {
  const TempDir folder;
  const Path program = folder / "program";
  std::filesystem::copy_file("/bin/sleep", program);
  const Caller caller(program.c_str());
  wait_until_runs(caller, program.string());
  ProcessReader reader;
  EXPECT_EQ(value_of(reader.read(peer_of(caller), WithDigest::kNo)).path, program.string());
  std::filesystem::remove(program);
  const ProcessFacts gone = value_of(reader.read(peer_of(caller), WithDigest::kYes));
  EXPECT_EQ(gone.path, "");
  EXPECT_TRUE(gone.digest);
}

TEST(ProcessTest, PathThatNamesAnotherFileHere) {
  const TempDir proc, elsewhere;
  const Caller caller;
  const Path folder = proc / std::to_string(caller.pid());
  std::filesystem::create_directory(folder);
  const std::string id = std::to_string(::geteuid());
  ASSERT_TRUE(write_file(folder / "status",
                         as_bytes("Uid:\t1\t" + id + "\t1\t1\nGid:\t1\t" + std::to_string(::getegid()) +
                                  "\t1\t1\nGroups:\t4 24 \n"),
                         Overwrite::kRefuse)
                  .ok());
  ASSERT_TRUE(write_file(folder / "cgroup", as_bytes("0::/\n"), Overwrite::kRefuse).ok());
  ASSERT_TRUE(write_file(elsewhere / "real", as_bytes("program"), Overwrite::kRefuse).ok());
  std::filesystem::create_symlink(elsewhere / "real", folder / "exe");
  ProcessReader reader(proc.path());
  const ProcessFacts facts = value_of(reader.read(peer_of(caller), WithDigest::kNo));
  EXPECT_EQ(facts.path, (elsewhere / "real").string());
  EXPECT_EQ(facts.groups, (std::vector<gid_t>{4, 24}));
}

TEST(ProcessTest, StatusTheKernelDoesNotWrite) {
  const std::string good = "Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t\n";
  const ProcessUsers users = value_of(parse_process_users(good));
  EXPECT_EQ(users.uid, 2U);
  EXPECT_EQ(users.gid, 6U);
  EXPECT_TRUE(users.groups.empty());
  for (const std::string text :
       {"", "Uid:\t1\t2\n", "Uid:\t1\nGid:\t1\t1\nGroups:\n", "Uid:\t1\t99999999999\nGid:\t1\t1\nGroups:\n",
        "Uid:\t1\t2\nUid:\t1\t0\nGid:\t1\t1\nGroups:\n", "Uid:\t1\t2\nGid:\t1\t1\nGroups:\t1 x\n",
        "Uid:\t1\t2\nGid:\t1\t1\nGroups:\t1\nGroups:\t0\n"}) {
    expect_refused(parse_process_users(text), Code::kCorrupt, "malformed");
  }
}

}  // namespace
}  // namespace cloister::mesh
