#include "worker/lockdown.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "tests/support/in_child.h"
#include "tests/support/temp_dir.h"
#include "worker/engine_file.h"

namespace cloister::worker {
namespace {

using testing::in_child;

class LockingDown : public ::testing::Test {
 protected:
  void SetUp() override {
#ifdef CLOISTER_SANITIZED
    GTEST_SKIP() << "a sanitizer has threads and files of its own";
#endif
  }
};

std::string achieved(const LockedDown& locked, std::string_view name) {
  const auto found = std::ranges::find_if(locked.measures(), [name](const auto& one) { return one.name == name; });
  return found == locked.measures().end() ? "isn't there" : std::string(attest::achieved_name(found->achieved));
}

// Runs `body` locked down. "" when it returned that.
template <typename Body>
std::string locked_in_child(const LockdownRequest& request, Body body) {
  return in_child([&]() -> std::string {
    const auto locked = lock_down(request);
    return locked.ok() ? body(*locked) : locked.error().message();
  });
}

std::string failed(long result) { return result >= 0 ? "works" : std::string(::strerrorname_np(errno)); }

TEST_F(LockingDown, SaysWhatItAchieved) {
  EXPECT_EQ(locked_in_child({},
                            [](const LockedDown& locked) -> std::string {
                              for (const char* name :
                                   {"untraced", "core-dumps", "undumpable", "no-new-privileges", "swap", "seccomp"}) {
                                if (achieved(locked, name) != "yes") return std::string(name) + achieved(locked, name);
                              }
                              for (const char* name : {"locked-memory", "secret-memory", "ptrace-scope",
                                                       "write-xor-execute", "files", "egress", "signals"}) {
                                if (achieved(locked, name) == "isn't there") return name;
                              }
                              return locked.debug() || !locked.seccomp() ? "debug or no seccomp" : "";
                            }),
            "");
}

TEST_F(LockingDown, NoCoreDumps) {
  EXPECT_EQ(locked_in_child({},
                            [](const LockedDown&) -> std::string {
                              rlimit limit{};
                              ::getrlimit(RLIMIT_CORE, &limit);
                              const int dumpable = ::prctl(PR_GET_DUMPABLE);
                              return limit.rlim_max == 0 && dumpable == 0 ? "" : "leaves core dumps";
                            }),
            "");
}

TEST_F(LockingDown, CantBeMadeDumpableAgain) {
  EXPECT_EQ(locked_in_child({}, [](const LockedDown&) { return failed(::prctl(PR_SET_DUMPABLE, 1)); }), "EPERM");
}

TEST_F(LockingDown, DebugIsToldAndLeftOpen) {
  LockdownRequest request;
  request.debug = true;
  EXPECT_EQ(locked_in_child(request,
                            [](const LockedDown& locked) -> std::string {
                              if (::prctl(PR_GET_DUMPABLE) != 1) return "isn't dumpable";
                              return locked.debug() && achieved(locked, "core-dumps") == "no" ? "" : "isn't told";
                            }),
            "");
}

TEST_F(LockingDown, NotBesideOtherThreads) {
  EXPECT_EQ(in_child([]() -> std::string {
              std::thread other([] { ::pause(); });
              const auto locked = lock_down({});
              other.detach();
              return locked.ok() ? "locked down" : locked.error().message();
            }),
            "lock down: other threads run already");
}

TEST_F(LockingDown, FilesThatArentListed) {
  const testing::TempDir folder;
  ASSERT_TRUE(write_file(folder / "allowed", as_bytes("x"), Overwrite::kRefuse).ok());
  ASSERT_TRUE(write_file(folder / "other", as_bytes("x"), Overwrite::kRefuse).ok());
  LockdownRequest request;
  request.reach.readable = {folder / "allowed", folder / "isn't there"};
  const auto outcome = [&folder](const LockedDown& locked) -> std::string {
    if (achieved(locked, "files") != "yes") return "no Landlock";
    if (!File::open(folder / "allowed").ok()) return "what is listed is refused";
    if (File::open(folder / "other").ok()) return "what isn't listed can be read";
    if (File::open(folder / "allowed", File::Access::kReadWrite).ok()) return "what may be read can be written";
    return write_file(folder / "new", as_bytes("x"), Overwrite::kRefuse).ok() ? "a file can be made" : "";
  };
  const std::string said = locked_in_child(request, outcome);
  if (said == "no Landlock") GTEST_SKIP() << said;
  EXPECT_EQ(said, "");
}

TEST_F(LockingDown, WritableFolder) {
  const testing::TempDir folder;
  LockdownRequest request;
  request.reach.writable = {folder.path()};
  EXPECT_EQ(locked_in_child(request,
                            [&folder](const LockedDown&) -> std::string {
                              const Status made = write_file(folder / "new", as_bytes("x"), Overwrite::kRefuse);
                              return made.ok() ? "" : made.error().message();
                            }),
            "");
}

std::string connect_to(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return failed(::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address));
}

TEST_F(LockingDown, PortsThatArentListed) {
  LockdownRequest request;
  request.reach.connect_ports = {9};
  const auto outcome = [](const LockedDown& locked) -> std::string {
    if (achieved(locked, "egress") == "no") return "no Landlock for ports";
    if (connect_to(9) == "EACCES") return "a port that is listed is refused";
    return connect_to(10) == "EACCES" ? "" : "a port that isn't listed isn't refused";
  };
  const std::string said = locked_in_child(request, outcome);
  if (said == "no Landlock for ports") GTEST_SKIP() << said;
  EXPECT_EQ(said, "");
}

constexpr int kMptcp = 262;  // IPPROTO_MPTCP

TEST_F(LockingDown, SystemCallsThatLookElsewhere) {
  const auto outcome = [](const LockedDown&) -> std::string {
    std::string wrong;
    const auto expect = [&wrong](const char* what, long result) {
      if (const std::string said = failed(result); said != "EPERM") wrong += std::string(what) + " " + said + "; ";
    };
    expect("ptrace", ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr));
    expect("process_vm_readv", ::syscall(SYS_process_vm_readv, ::getppid(), nullptr, 0, nullptr, 0, 0));
    expect("io_uring_setup", ::syscall(SYS_io_uring_setup, 1, nullptr));
    expect("bpf", ::syscall(SYS_bpf, 0, nullptr, 0));
    expect("perf_event_open", ::syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0));
    expect("userfaultfd", ::syscall(SYS_userfaultfd, 0));
    expect("keyctl", ::syscall(SYS_keyctl, 0, 0, 0, 0, 0));
    expect("mount", ::syscall(SYS_mount, "none", "/", "tmpfs", 0, nullptr));
    expect("unshare", ::syscall(SYS_unshare, CLONE_NEWUSER));
    expect("clone", ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
    expect("memfd_create", ::syscall(SYS_memfd_create, "x", MFD_CLOEXEC));
    expect("execveat", ::syscall(SYS_execveat, -1, "", nullptr, nullptr, 0));
    expect("netlink", ::socket(AF_NETLINK, SOCK_RAW, 0));
    expect("packet", ::socket(AF_PACKET, SOCK_RAW, 0));
    expect("datagram", ::socket(AF_INET6, SOCK_DGRAM, 0));
    expect("MPTCP", ::socket(AF_INET, SOCK_STREAM, kMptcp));
    expect("MPTCP over IPv6", ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, kMptcp));
    expect("sendto", ::syscall(SYS_sendto, -1, nullptr, 0, MSG_FASTOPEN, nullptr, 0));
    expect("sendmsg", ::syscall(SYS_sendmsg, -1, nullptr, MSG_FASTOPEN | MSG_NOSIGNAL));
    expect("sendmmsg", ::syscall(SYS_sendmmsg, -1, nullptr, 0, MSG_FASTOPEN));
    return wrong;
  };
  EXPECT_EQ(locked_in_child({}, outcome), "");
}

TEST_F(LockingDown, SystemCallsThatWorkGoesOnWith) {
  LockdownRequest request;
  request.name_service = true;
  const auto outcome = [](const LockedDown&) -> std::string {
    for (const int family : {AF_UNIX, AF_INET, AF_INET6}) {
      if (::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0) return "no sockets: " + failed(-1);
    }
    if (::socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) < 0) return "no TCP by its name: " + failed(-1);
    if (::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0) return "no name service: " + failed(-1);
    if (::socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP) < 0) return "no UDP by its name: " + failed(-1);
    if (failed(::socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP)) != "EPERM") return "ICMP goes with UDP";
    if (failed(::syscall(SYS_sendto, -1, nullptr, 0, MSG_NOSIGNAL, nullptr, 0)) != "EBADF") return "nothing is sent";
    int done = 0;
    std::thread([&done] { done = 1; }).join();
    return done == 1 ? "" : "no threads";
  };
  EXPECT_EQ(locked_in_child(request, outcome), "");
}

TEST_F(LockingDown, AMemoryFileThatWasMadeBefore) {
  auto memory = make_memory_file("model");
  ASSERT_TRUE(memory.ok());
  EXPECT_EQ(locked_in_child({},
                            [&memory](const LockedDown&) -> std::string {
                              auto file = EngineFile::allocate(std::move(memory).value(), 4096);
                              if (!file.ok()) return file.error().message();
                              const Status frozen = file->freeze();
                              return frozen.ok() ? "" : frozen.error().message();
                            }),
            "");
}

TEST_F(LockingDown, NothingBecomesExecutable) {
  const auto outcome = [](const LockedDown& locked) -> std::string {
    if (achieved(locked, "write-xor-execute") == "no") return "no PR_SET_MDWE";
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return failed(::mprotect(page, 4096, PROT_READ | PROT_EXEC)) == "EACCES" ? "" : "a page becomes executable";
  };
  const std::string said = locked_in_child({}, outcome);
  if (said == "no PR_SET_MDWE") GTEST_SKIP() << said;
  EXPECT_EQ(said, "");
  LockdownRequest request;
  request.executable_memory = true;
  EXPECT_EQ(locked_in_child(request, outcome), "no PR_SET_MDWE");
}

TEST(Seccomp, AFilterOfAnotherProfileIsAnother) {
  EXPECT_EQ(seccomp_digest({}), seccomp_digest({}));
  EXPECT_NE(seccomp_digest({}), seccomp_digest({.name_service = true}));
  EXPECT_NE(seccomp_digest({}), seccomp_digest({.debug = true}));
}

}  // namespace
}  // namespace cloister::worker
