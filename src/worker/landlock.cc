#include "worker/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace cloister::worker {
namespace {

// The kernel's interface as of ABI 7; the system's headers may be older. Documentation/userspace-api/landlock.rst.
constexpr long kCreateRuleset = 444, kAddRule = 445, kRestrictSelf = 446;
constexpr std::uint32_t kAskVersion = 1;
constexpr int kPathBeneath = 1, kNetPort = 2;

constexpr std::uint64_t kExecute = 1 << 0, kWriteFile = 1 << 1, kReadFile = 1 << 2, kReadDir = 1 << 3;
constexpr std::uint64_t kRefer = 1 << 13, kTruncate = 1 << 14, kIoctlDev = 1 << 15;
constexpr std::uint64_t kAbi1Files = (1 << 13) - 1;
constexpr std::uint64_t kOfFiles = kExecute | kWriteFile | kReadFile | kTruncate | kIoctlDev;  // not of folders alone
constexpr std::uint64_t kBindTcp = 1 << 0, kConnectTcp = 1 << 1;
constexpr std::uint64_t kScopeAbstractUnix = 1 << 0, kScopeSignal = 1 << 1;

struct RulesetAttributes {
  std::uint64_t files = 0, net = 0, scoped = 0;
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed;
  std::int32_t parent;
};
struct NetPort {
  std::uint64_t allowed, port;
};

std::size_t attributes_size(unsigned abi) { return abi >= 6 ? 24 : abi >= 4 ? 16 : 8; }

RulesetAttributes attributes_for(unsigned abi) {
  RulesetAttributes attributes;
  attributes.files = kAbi1Files;
  if (abi >= 2) attributes.files |= kRefer;
  if (abi >= 3) attributes.files |= kTruncate;
  if (abi >= 5) attributes.files |= kIoctlDev;
  if (abi >= 4) attributes.net = kBindTcp | kConnectTcp;
  if (abi >= 6) attributes.scoped = kScopeAbstractUnix | kScopeSignal;
  return attributes;
}

Status allow_path(const File& ruleset, const Path& path, std::uint64_t rights) {
  const int descriptor = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  if (descriptor < 0) {
    return errno == ENOENT || errno == ENOTDIR ? Status() : error_from_errno(errno, "open " + path.string());
  }
  const File file = File::from_descriptor(descriptor, path, File::Owned::kYes);
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return error_from_errno(errno, "look at " + path.string());
  if (!S_ISDIR(status.st_mode)) rights &= kOfFiles;
  const PathBeneath rule{rights, descriptor};
  if (::syscall(kAddRule, ruleset.descriptor(), kPathBeneath, &rule, 0) == 0) return {};
  return error_from_errno(errno, "allow " + path.string());
}

Status allow_port(const File& ruleset, std::uint16_t port, std::uint64_t rights) {
  const NetPort rule{rights, port};
  if (::syscall(kAddRule, ruleset.descriptor(), kNetPort, &rule, 0) == 0) return {};
  return error_from_errno(errno, "allow port " + std::to_string(port));
}

Status allow_all(const File& ruleset, const LandlockRules& rules, const RulesetAttributes& handled) {
  constexpr std::uint64_t kRead = kReadFile | kReadDir;
  for (const Path& path : rules.readable) CLOISTER_RETURN_IF_ERROR(allow_path(ruleset, path, kRead));
  for (const Path& path : rules.executable) CLOISTER_RETURN_IF_ERROR(allow_path(ruleset, path, kRead | kExecute));
  const std::uint64_t all = handled.files & ~kExecute;
  for (const Path& path : rules.writable) CLOISTER_RETURN_IF_ERROR(allow_path(ruleset, path, all));
  if (handled.net == 0) return {};
  for (const std::uint16_t port : rules.connect_ports) CLOISTER_RETURN_IF_ERROR(allow_port(ruleset, port, kConnectTcp));
  for (const std::uint16_t port : rules.listen_ports) CLOISTER_RETURN_IF_ERROR(allow_port(ruleset, port, kBindTcp));
  return {};
}

}  // namespace

Result<LandlockState> enter_landlock(const LandlockRules& rules) {
  const long version = ::syscall(kCreateRuleset, nullptr, 0, kAskVersion);
  if (version < 1) return LandlockState{};
  const auto abi = static_cast<unsigned>(version);
  const RulesetAttributes attributes = attributes_for(abi);
  const long descriptor = ::syscall(kCreateRuleset, &attributes, attributes_size(abi), 0);
  if (descriptor < 0) return error_from_errno(errno, "make a Landlock ruleset");
  const File ruleset = File::from_descriptor(static_cast<int>(descriptor), "the Landlock ruleset", File::Owned::kYes);
  CLOISTER_RETURN_IF_ERROR(allow_all(ruleset, rules, attributes));
  if (::syscall(kRestrictSelf, ruleset.descriptor(), 0) != 0) return error_from_errno(errno, "enter Landlock");
  return LandlockState{abi, attributes.net != 0, attributes.scoped != 0};
}

}  // namespace cloister::worker
