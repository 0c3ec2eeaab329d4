// What the kernel says of the process that called, read so that it can't be another's: the folder in /proc is opened,
// then the pid descriptor says that the process still runs, and from there on the open folder is that process's or
// nobody's, whatever becomes of its number. pidfd_open(2), proc(5).
#pragma once

#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "crypto/hash.h"
#include "mesh/registration/control_groups.h"
#include "net/peer.h"

namespace cloister::mesh {

inline constexpr std::size_t kGroupsMax = 65536;                         // NGROUPS_MAX
inline constexpr std::uint64_t kExecutableMax = std::uint64_t{1} << 30;  // larger ones have no digest

struct ProcessFacts {
  std::vector<gid_t> groups;  // supplementary
  // Of the executable. Empty where it can't be looked at, was replaced, or isn't the file that has this path here: a
  // process in a mount namespace of its own may have anything under any path.
  std::string path;
  std::optional<crypto::Sha256Digest> digest;  // of the file that runs, whatever its path; only when asked for
  std::vector<ControlGroup> control_groups;
};

enum class WithDigest { kNo, kYes };

// What /proc/PID/status says of users and groups: the effective ones.
struct ProcessUsers {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};
// kCorrupt for what the kernel doesn't write.
Result<ProcessUsers> parse_process_users(std::string_view status);

// Digests of executables by what identifies a file that nobody writes to: its device, inode, size and times. Any thread
// may call.
class ProcessReader {
 public:
  explicit ProcessReader(Path proc = "/proc") : proc_(std::move(proc)) {}

  // kUnsupported where the kernel gave no pid descriptor (before Linux 6.5), or the process is of a PID namespace that
  // isn't seen from here: its number alone proves nothing. kDenied when it has ended, or is another user by now than
  // the one that called. kUnavailable when it became another program meanwhile. May wait for the disk.
  Result<ProcessFacts> read(const net::UnixPeer& peer, WithDigest with_digest);

 private:
  struct FileKey {
    std::uint64_t device, inode, size;
    std::int64_t modified_ns, changed_ns;
    friend auto operator<=>(const FileKey&, const FileKey&) = default;
  };
  Result<std::optional<crypto::Sha256Digest>> digest_of(const File& file);

  const Path proc_;
  std::mutex mutex_;
  std::map<FileKey, crypto::Sha256Digest> digests_;
  std::list<FileKey> order_;  // oldest first
};

}  // namespace cloister::mesh
