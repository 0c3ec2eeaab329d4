// Workloads of this machine that get an identity for being who the kernel says they are.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "identity/spiffe_id.h"
#include "net/peer.h"

namespace cloister::service {

// What the kernel must say of a process for it to become `id`.
struct UnixWorkload {
  uid_t uid = 0;
  std::optional<gid_t> gid;
  std::string executable;  // what /proc/PID/exe must name; empty: any
  identity::SpiffeId id;
};

// The identity of that process: the first of the table that fits, and of those the one it asks for by `wanted`, unless
// that is empty. kDenied when there is none, or when its executable matters and can't be looked at: that takes the same
// user or CAP_SYS_PTRACE.
Result<identity::SpiffeId> identify(const std::vector<UnixWorkload>& table, const net::UnixPeer& peer,
                                    std::string_view wanted);

}  // namespace cloister::service
