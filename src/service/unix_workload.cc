#include "service/unix_workload.h"

#include <poll.h>
#include <unistd.h>

#include <array>

namespace cloister::service {
namespace {

// Ended processes give their number to others: what was read under it counts only if the process still runs.
bool is_running(const net::UnixPeer& peer) {
  if (peer.pidfd == nullptr) return false;
  pollfd waiting{peer.pidfd->descriptor(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 0;
}

// Empty where it can't be told.
std::string executable_of(const net::UnixPeer& peer) {
  std::array<char, 4096> target;
  const std::string link = "/proc/" + std::to_string(peer.pid) + "/exe";
  const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
  const bool whole = size > 0 && static_cast<std::size_t>(size) < target.size();
  if (!whole || !is_running(peer)) return {};
  return std::string(target.data(), static_cast<std::size_t>(size));
}

}  // namespace

Result<identity::SpiffeId> identify(const std::vector<UnixWorkload>& table, const net::UnixPeer& peer,
                                    std::string_view wanted) {
  std::optional<std::string> executable;
  for (const UnixWorkload& workload : table) {
    if (workload.uid != peer.uid || (workload.gid && *workload.gid != peer.gid)) continue;
    if (!wanted.empty() && workload.id.uri() != wanted) continue;
    if (!workload.executable.empty()) {
      if (!executable) executable = executable_of(peer);
      if (*executable != workload.executable) continue;
    }
    return workload.id;
  }
  return Error(Code::kDenied, "this process has no identity here");
}

}  // namespace cloister::service
