#include "worker/seccomp.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace cloister::worker {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "which architecture's system calls are these?"
#endif

// x86-64 knows its calls by a second set of numbers too (x32).
constexpr std::uint32_t kOtherNumbers = 0x4000'0000;
constexpr std::uint32_t kNoexecSeal = 0x8;  // MFD_NOEXEC_SEAL, Linux 6.3
constexpr std::uint32_t kSetPtracer = 0x59616d61;
constexpr std::uint32_t kNewNamespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

// Numbers of calls that are newer than the C library's headers; the same on every architecture.
constexpr std::uint32_t kMountSetattr = 442, kQuotactlFd = 443, kSetMempolicyHomeNode = 450, kListMount = 458;

// Ways to look into other processes, around the files and addresses that are allowed, or to change the machine.
constexpr std::uint32_t kDenied[] = {
    __NR_process_vm_readv,
    __NR_process_vm_writev,
    __NR_kcmp,
    __NR_pidfd_getfd,
    __NR_perf_event_open,
    __NR_userfaultfd,
    __NR_bpf,
    __NR_io_uring_setup,
    __NR_io_uring_enter,
    __NR_io_uring_register,
    __NR_keyctl,
    __NR_add_key,
    __NR_request_key,
    __NR_kexec_load,
    __NR_kexec_file_load,
    __NR_mount,
    __NR_umount2,
    __NR_move_mount,
    __NR_open_tree,
    __NR_fsopen,
    __NR_fsconfig,
    __NR_fsmount,
    __NR_fspick,
    kMountSetattr,
    kListMount,
    __NR_pivot_root,
    __NR_chroot,
    __NR_setns,
    __NR_unshare,
    __NR_swapon,
    __NR_swapoff,
    __NR_init_module,
    __NR_finit_module,
    __NR_delete_module,
    __NR_reboot,
    __NR_name_to_handle_at,
    __NR_open_by_handle_at,
    __NR_quotactl,
    kQuotactlFd,
    __NR_acct,
    __NR_syslog,
    __NR_settimeofday,
    __NR_clock_settime,
    __NR_clock_adjtime,
    __NR_adjtimex,
    __NR_personality,
    __NR_vhangup,
    __NR_fanotify_init,
    __NR_execveat,
    kSetMempolicyHomeNode,
#if defined(__x86_64__)
    __NR_iopl,
    __NR_ioperm,
    __NR_modify_ldt,
    __NR_uselib,
#endif
};

constexpr std::uint32_t argument(unsigned index) {
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + index * sizeof(std::uint64_t));
}

constexpr std::uint32_t kRefuse = SECCOMP_RET_ERRNO | EPERM;
constexpr std::uint32_t kUnknown = SECCOMP_RET_ERRNO | ENOSYS;

// Instructions in order; every question of it jumps over the answers that follow it, so nothing is patched afterwards.
class Program {
 public:
  Program& load(std::uint32_t offset) { return add(BPF_LD | BPF_W | BPF_ABS, 0, 0, offset); }
  Program& answer(std::uint32_t value) { return add(BPF_RET | BPF_K, 0, 0, value); }
  // What holds is answered with `value`; what doesn't goes on behind it.
  Program& if_equal(std::uint32_t what, std::uint32_t value) { return jump_over(BPF_JEQ, what, 0, 1).answer(value); }
  Program& if_at_least(std::uint32_t what, std::uint32_t value) { return jump_over(BPF_JGE, what, 0, 1).answer(value); }
  Program& unless_equal(std::uint32_t what, std::uint32_t value) {
    return jump_over(BPF_JEQ, what, 1, 0).answer(value);
  }
  Program& if_any_bit(std::uint32_t bits, std::uint32_t value) { return jump_over(BPF_JSET, bits, 0, 1).answer(value); }
  Program& unless_any_bit(std::uint32_t bits, std::uint32_t value) {
    return jump_over(BPF_JSET, bits, 1, 0).answer(value);
  }
  Program& keep_bits(std::uint32_t bits) { return add(BPF_ALU | BPF_AND | BPF_K, 0, 0, bits); }
  // The calls of that number are decided by `rest`, which answers all of them.
  Program& decide(std::uint32_t number, const Program& rest) {
    const std::size_t size = rest.bytes_.size() / sizeof(sock_filter);
    CLOISTER_CHECK(size < 256);
    jump_over(BPF_JEQ, number, 0, static_cast<std::uint8_t>(size));
    bytes_.insert(bytes_.end(), rest.bytes_.begin(), rest.bytes_.end());
    return *this;
  }
  Bytes take() { return std::move(bytes_); }

 private:
  Program& jump_over(unsigned kind, std::uint32_t what, std::uint8_t if_true, std::uint8_t if_false) {
    return add(static_cast<std::uint16_t>(BPF_JMP | kind | BPF_K), if_true, if_false, what);
  }
  Program& add(std::uint16_t code, std::uint8_t if_true, std::uint8_t if_false, std::uint32_t value) {
    const sock_filter instruction{code, if_true, if_false, value};
    std::array<std::uint8_t, sizeof instruction> bytes;
    std::memcpy(bytes.data(), &instruction, sizeof instruction);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }

  Bytes bytes_;
};

// 0 is the family's own protocol for that type. Others (MPTCP, SMC, ICMP) pass by Landlock's rules for TCP.
Program protocol_rules(std::uint32_t protocol) {
  Program program;
  program.load(argument(2)).if_equal(0, SECCOMP_RET_ALLOW).if_equal(protocol, SECCOMP_RET_ALLOW);
  return program.answer(kRefuse);
}

Program socket_rules(const SeccompProfile& profile) {
  Program program;
  program.load(argument(0)).if_equal(AF_UNIX, SECCOMP_RET_ALLOW);
  Program internet;
  internet.load(argument(1)).keep_bits(0xf).decide(SOCK_STREAM, protocol_rules(IPPROTO_TCP));
  if (profile.name_service) internet.decide(SOCK_DGRAM, protocol_rules(IPPROTO_UDP));
  internet.answer(kRefuse);
  // Neither netlink, packet, vsock, the kernel's cryptography nor any other.
  return program.decide(AF_INET, internet).decide(AF_INET6, internet).answer(kRefuse);
}

// TCP Fast Open connects as it sends, where Landlock doesn't look.
Program send_rules(unsigned flags) {
  return Program().load(argument(flags)).if_any_bit(MSG_FASTOPEN, kRefuse).answer(SECCOMP_RET_ALLOW);
}

Program prctl_rules(const SeccompProfile& profile) {
  Program program;
  program.load(argument(0)).if_equal(kSetPtracer, kRefuse);
  if (!profile.debug) program.if_equal(PR_SET_DUMPABLE, kRefuse);
  return program.answer(SECCOMP_RET_ALLOW);
}

}  // namespace

Bytes seccomp_filter(const SeccompProfile& profile) {
  Program program;
  program.load(offsetof(seccomp_data, arch)).unless_equal(kArchitecture, SECCOMP_RET_KILL_PROCESS);
  program.load(offsetof(seccomp_data, nr)).if_at_least(kOtherNumbers, SECCOMP_RET_KILL_PROCESS);
  for (const std::uint32_t number : kDenied) program.if_equal(number, kRefuse);
  if (!profile.debug) program.if_equal(__NR_ptrace, kRefuse);
  // Its flags lie in memory, where a filter can't look: the C library goes on with clone(2).
  program.if_equal(__NR_clone3, kUnknown);
  program.decide(__NR_clone, Program().load(argument(0)).if_any_bit(kNewNamespaces, kRefuse).answer(SECCOMP_RET_ALLOW));
  program.decide(__NR_memfd_create,
                 Program().load(argument(1)).unless_any_bit(kNoexecSeal, kRefuse).answer(SECCOMP_RET_ALLOW));
  program.decide(__NR_socket, socket_rules(profile));
  program.decide(__NR_sendto, send_rules(3)).decide(__NR_sendmsg, send_rules(2)).decide(__NR_sendmmsg, send_rules(3));
  program.decide(__NR_prctl, prctl_rules(profile));
  return program.answer(SECCOMP_RET_ALLOW).take();
}

crypto::Sha256Digest seccomp_digest(const SeccompProfile& profile) { return crypto::sha256(seccomp_filter(profile)); }

Status enter_seccomp(const SeccompProfile& profile) {
  const Bytes bytes = seccomp_filter(profile);
  std::vector<sock_filter> filter(bytes.size() / sizeof(sock_filter));
  std::memcpy(filter.data(), bytes.data(), bytes.size());
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0) return {};
  if (errno == ENOSYS || errno == EINVAL) return Error(Code::kUnsupported, "this kernel has no seccomp filters");
  return error_from_errno(errno, "enter the seccomp filter");
}

}  // namespace cloister::worker
