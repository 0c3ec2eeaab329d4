// RT-K01 and RT-K02: another process of the same user, and a crash.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "crypto/secret.h"
#include "redteam/host_attacks.h"

namespace cloister::redteam {
namespace {

constexpr std::string_view kDumpRemedy =
    "a crash leaves keys on disk: start programs that hold keys by the units that come with Cloister (LimitCORE=0), "
    "and "
    "not under a program that turns dumps on again";
constexpr std::string_view kMemoryRemedy =
    "another process of the same user reads its memory: give it a user of its own, and don't start it under a debugger";

constexpr const char* kNobodyNamed = "no process was named: --pid PID";
constexpr std::string_view kNoDump = "no dump: ";

std::string proc(pid_t pid, std::string_view file = "") {
  return "/proc/" + std::to_string(pid) + (file.empty() ? "" : "/" + std::string(file));
}

// What a reader met: 0 where it got in, else errno.
struct Met {
  int memory = 0, remote_read = 0, trace = 0, maps = 0;
};

int open_error(const char* path) {
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno;
  ::close(file);
  return 0;
}

// In a child that has become `user`: system calls only, since other threads may hold locks.
Met read_memory_of(pid_t pid, const char* memory, const char* maps) {
  Met met;
  met.memory = open_error(memory);
  met.maps = open_error(maps);
  char byte = 0;
  iovec here{&byte, 1};
  iovec there{reinterpret_cast<void*>(std::uintptr_t{4096}), 1};
  met.remote_read = ::process_vm_readv(pid, &here, 1, &there, 1, 0) < 0 ? errno : 0;
  if (met.remote_read == EFAULT) met.remote_read = 0;  // it may read, though not there
  met.trace = ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) < 0 ? errno : 0;
  if (met.trace == 0) ::ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
  return met;
}

Result<Met> as_user(uid_t user, gid_t group, pid_t pid) {
  const std::string memory = proc(pid, "mem");
  const std::string maps = proc(pid, "maps");
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return error_from_errno(errno, "pipe");
  const pid_t child = ::fork();
  if (child < 0) {
    ::close(ends[0]);
    ::close(ends[1]);
    return error_from_errno(errno, "fork");
  }
  if (child == 0) {
    if (::geteuid() == 0 &&
        (::setgroups(0, nullptr) != 0 || ::setresgid(group, group, group) != 0 || ::setresuid(user, user, user) != 0)) {
      ::_exit(1);
    }
    const Met met = read_memory_of(pid, memory.c_str(), maps.c_str());
    ::_exit(::write(ends[1], &met, sizeof met) == sizeof met ? 0 : 1);
  }
  ::close(ends[1]);
  Met met;
  const ssize_t size = ::read(ends[0], &met, sizeof met);
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (size != sizeof met) return Error(Code::kUnavailable, "the reader couldn't become the user of the process");
  return met;
}

Status of(int error) {
  if (error == 0) return {};
  if (error == EPERM || error == EACCES) return Error(Code::kDenied, "not permitted");
  return error_from_errno(error, "the attempt");
}

void try_reading(Tally& tally, pid_t pid, const std::string& name) {
  const auto owner = owner_of(pid);
  if (!owner.ok()) return tally.cannot(owner.error().message());
  if (owner->user == 0) return tally.cannot(name + " runs as root, who may read everything");
  if (::geteuid() != 0 && ::geteuid() != owner->user) {
    return tally.cannot(name + " is another user's: run as root or as that user");
  }
  const auto met = as_user(owner->user, owner->group, pid);
  if (!met.ok()) return tally.cannot(name + ": " + met.error().message());
  tally.attack(name + ": /proc/PID/mem", of(met->memory));
  tally.attack(name + ": /proc/PID/maps", of(met->maps));
  tally.attack(name + ": process_vm_readv", of(met->remote_read));
  tally.attack(name + ": ptrace", of(met->trace));
}

// Ended by a signal, with a canary where keys are kept.
[[noreturn]] void crash(const char* folder, void (*prepare)(), const crypto::Secret& canary) {
  if (::chdir(folder) != 0) ::_exit(1);
  if (prepare != nullptr) prepare();
  ::signal(SIGABRT, SIG_DFL);
  // Used, so that it isn't left out.
  if (canary.expose().front() == canary.expose().back()) ::raise(SIGABRT);
  ::raise(SIGABRT);
  ::_exit(1);
}

bool anything_in(const Path& folder) {
  std::error_code failed;
  return std::filesystem::directory_iterator(folder, failed) != std::filesystem::directory_iterator();
}

Status crash_of_a_child(const Field& field, void (*prepare)()) {
  crypto::Secret canary(32);
  field.random->fill(canary.expose_mutable());
  const std::string folder = field.folder.string();
  const pid_t child = ::fork();
  if (child < 0) return error_from_errno(errno, "fork");
  if (child == 0) crash(folder.c_str(), prepare, canary);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFSIGNALED(status)) return Error(Code::kUnavailable, "the child didn't crash");
  if (WCOREDUMP(status) || anything_in(field.folder)) return {};
  return Error(Code::kDenied, "no dump was written");
}

// Whether a crash of that process would be dumped, as far as it can be seen from outside.
Status crash_of(pid_t pid) {
  CLOISTER_TRY(const Owner owner, owner_of(pid));
  struct stat state{};
  if (::stat(proc(pid).c_str(), &state) != 0) return error_from_errno(errno, "look at process " + std::to_string(pid));
  if (owner.user != 0 && state.st_uid == 0) return Error(Code::kDenied, std::string(kNoDump) + "it isn't dumpable");
  CLOISTER_TRY(const File file, File::open("/proc/sys/kernel/core_pattern"));
  CLOISTER_TRY(const Bytes pattern, read_rest(file, 4096));
  if (!pattern.empty() && pattern.front() == '|') return {};  // limits don't hold for a program that takes the dump
  CLOISTER_TRY(const File limits, File::open(proc(pid, "limits")));
  CLOISTER_TRY(const Bytes bytes, read_rest(limits, 65536));
  constexpr std::string_view kLimit = "Max core file size";
  const std::string text(as_text(bytes));
  const std::size_t at = text.find(kLimit);
  if (at == std::string::npos) return Error(Code::kInvalid, "its limits aren't known");
  const std::size_t number = text.find_first_not_of(' ', at + kLimit.size());
  if (number != std::string::npos && text.substr(number, 2) == "0 ") {
    return Error(Code::kDenied, std::string(kNoDump) + "its limit for dumps is 0");
  }
  return {};
}

}  // namespace

Result<Owner> owner_of(pid_t pid) {
  CLOISTER_TRY(const File file, File::open(proc(pid, "status")));
  CLOISTER_TRY(const Bytes bytes, read_rest(file, 65536));
  const std::string text(as_text(bytes));
  const auto number = [&](const char* name) -> long {
    const std::size_t at = text.find(name);
    return at == std::string::npos ? -1 : std::strtol(text.c_str() + at + std::strlen(name), nullptr, 10);
  };
  const long user = number("\nUid:");
  const long group = number("\nGid:");
  if (user < 0 || group < 0)
    return Error(Code::kInvalid, "the owner of process " + std::to_string(pid) + " isn't known");
  return Owner{static_cast<uid_t>(user), static_cast<gid_t>(group)};
}

Report run_core_dump(const Field& field, std::span<const pid_t> processes, void (*prepare)()) {
  if (processes.empty()) return not_run("RT-K01", kNobodyNamed);
  Tally tally(field, "RT-K01", std::string(kDumpRemedy));
  tally.attack("a process that holds a canary crashes", crash_of_a_child(field, prepare));
  for (const pid_t pid : processes) {
    if (tally.over()) break;
    const std::string what = "a crash of process " + std::to_string(pid);
    const Status came = crash_of(pid);
    // What can't be looked at wasn't tried.
    const bool looked = came.ok() || came.error().message().starts_with(kNoDump);
    looked ? tally.attack(what, came) : tally.cannot(what + ": " + came.error().message());
  }
  return std::move(tally).finish();
}

Report run_memory_read(const Field& field, std::span<const pid_t> processes) {
  if (processes.empty()) return not_run("RT-K02", kNobodyNamed);
  Tally tally(field, "RT-K02", std::string(kMemoryRemedy));
  for (const pid_t pid : processes) {
    if (!tally.over()) try_reading(tally, pid, "process " + std::to_string(pid));
  }
  return std::move(tally).finish();
}

}  // namespace cloister::redteam
