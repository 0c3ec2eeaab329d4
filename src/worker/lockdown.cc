#include "worker/lockdown.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <charconv>

#include "worker/secret_memory.h"
#include "worker/swap.h"

namespace cloister::worker {
namespace {

using attest::Achieved;

constexpr std::size_t kStatusSizeMax = 1 << 16;
constexpr unsigned kCapIpcLock = 14;
constexpr int kSetMdwe = 65;  // PR_SET_MDWE, Linux 6.3
constexpr unsigned long kRefuseExecGain = 1;

// A number in /proc/self/status; 0 where there is none of that name.
std::uint64_t status_number(std::string_view text, std::string_view name, int base) {
  const std::size_t at = text.find("\n" + std::string(name) + ":\t");
  if (at == std::string_view::npos) return 0;
  const char* const from = text.data() + at + name.size() + 3;
  std::uint64_t value = 0;
  std::from_chars(from, text.data() + text.size(), value, base);
  return value;
}

bool may_lock_all(std::string_view status) {
  if ((status_number(status, "CapEff", 16) >> kCapIpcLock & 1) != 0) return true;
  rlimit limit{};
  return ::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
}

}  // namespace

class Lockdown {
 public:
  static Result<LockedDown> run(const LockdownRequest& request) {
    Lockdown lockdown(request);
    CLOISTER_TRY(const Bytes status, read_file("/proc/self/status", kStatusSizeMax));
    if (status_number(as_text(status), "Threads", 10) != 1) {
      return Error(Code::kInternal, "lock down: other threads run already");
    }
    CLOISTER_RETURN_IF_ERROR(lockdown.dumps(as_text(status)));
    lockdown.memory(as_text(status));
    CLOISTER_RETURN_IF_ERROR(lockdown.privileges());
    CLOISTER_RETURN_IF_ERROR(lockdown.swap());
    lockdown.ptrace_scope();
    lockdown.executable_memory();
    CLOISTER_RETURN_IF_ERROR(lockdown.landlock());
    CLOISTER_RETURN_IF_ERROR(lockdown.seccomp());
    return std::move(lockdown.locked_);
  }

 private:
  explicit Lockdown(const LockdownRequest& request) : request_(request) { locked_.debug_ = request.debug; }

  void note(std::string name, Achieved achieved, std::string detail = {}) {
    locked_.measures_.push_back({std::move(name), achieved, std::move(detail)});
  }

  Status dumps(std::string_view status) {
    const bool traced = status_number(status, "TracerPid", 10) != 0;
    locked_.debug_ = locked_.debug_ || traced;
    note("untraced", traced ? Achieved::kNo : Achieved::kYes);
    if (request_.debug) {
      if (::prctl(PR_SET_DUMPABLE, 1) != 0) return error_from_errno(errno, "make the process dumpable");
      note("core-dumps", Achieved::kNo, "debugging is allowed");
      note("undumpable", Achieved::kNo, "debugging is allowed");
      return {};
    }
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_CORE, &none) != 0) return error_from_errno(errno, "turn core dumps off");
    if (::prctl(PR_SET_DUMPABLE, 0) != 0) return error_from_errno(errno, "make the process undumpable");
    note("core-dumps", Achieved::kYes);
    note("undumpable", Achieved::kYes);
    return {};
  }

  void memory(std::string_view status) {
    // Under a limit it would fail later, in the middle of work, at the first allocation beyond it.
    const bool all = may_lock_all(status) && ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
    note("locked-memory", all ? Achieved::kYes : Achieved::kWeaker, all ? "" : "keys and models alone");
    const bool secret = SecretMemory::best() == SecretMemory::Kind::kSecret;
    note("secret-memory", secret ? Achieved::kYes : Achieved::kWeaker,
         std::string(secret_memory_name(SecretMemory::best())));
  }

  Status privileges() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return error_from_errno(errno, "give up new privileges");
    note("no-new-privileges", Achieved::kYes);
    return {};
  }

  Status swap() {
    CLOISTER_TRY(const SwapState state, swap_state());
    if (state == SwapState::kPlain) {
      return Error(Code::kDenied, "lock down: this machine swaps memory to a disk in the clear: turn that off");
    }
    note("swap", Achieved::kYes, state == SwapState::kNone ? "" : "encrypted or in memory");
    return {};
  }

  void ptrace_scope() {
    const auto scope = read_file("/proc/sys/kernel/yama/ptrace_scope", 16);
    const bool limited = scope.ok() && !scope->empty() && scope->front() != '0';
    note("ptrace-scope", limited ? Achieved::kYes : Achieved::kNo, scope.ok() ? "" : "this kernel has no YAMA");
  }

  void executable_memory() {
    if (request_.executable_memory) return note("write-xor-execute", Achieved::kNo, "the engine compiles as it runs");
    const bool done = ::prctl(kSetMdwe, kRefuseExecGain, 0, 0, 0) == 0;
    note("write-xor-execute", done ? Achieved::kYes : Achieved::kNo, done ? "" : "this kernel has no PR_SET_MDWE");
  }

  Status landlock() {
    CLOISTER_TRY(const LandlockState state, enter_landlock(request_.reach));
    const std::string version = "ABI " + std::to_string(state.abi);
    const std::string missing = state.abi == 0 ? "this kernel has no Landlock" : "Landlock of this kernel can't";
    note("files", state.abi > 0 ? Achieved::kYes : Achieved::kNo, state.abi > 0 ? version : missing);
    // Ports, not hosts: those are for the network around the worker. Landlock doesn't know UDP.
    const std::string ports = request_.name_service ? "TCP ports, any host; UDP for names" : "TCP ports, any host";
    note("egress", state.ports ? Achieved::kWeaker : Achieved::kNo, state.ports ? ports : missing);
    note("signals", state.scoped ? Achieved::kYes : Achieved::kNo, state.scoped ? "" : missing);
    return {};
  }

  Status seccomp() {
    const SeccompProfile profile = seccomp_profile(request_);
    CLOISTER_RETURN_IF_ERROR(enter_seccomp(profile));
    locked_.seccomp_ = seccomp_digest(profile);
    note("seccomp", Achieved::kYes);
    return {};
  }

  const LockdownRequest& request_;
  LockedDown locked_;
};

SeccompProfile seccomp_profile(const LockdownRequest& request) { return {request.name_service, request.debug}; }

Result<LockedDown> lock_down(const LockdownRequest& request) { return Lockdown::run(request); }

}  // namespace cloister::worker
