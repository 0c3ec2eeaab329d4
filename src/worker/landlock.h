// Which files and TCP ports a worker and the engine it starts can reach from now on: landlock(7).
#pragma once

#include <cstdint>
#include <vector>

#include "base/file.h"

namespace cloister::worker {

// A path that isn't there is passed over; everything below a folder counts as it does. What isn't listed is refused.
struct LandlockRules {
  std::vector<Path> readable, executable, writable;  // executable: read as well; writable: also made and removed
  std::vector<std::uint16_t> connect_ports, listen_ports;
};

// What the kernel enforces of them.
struct LandlockState {
  unsigned abi = 0;     // 0: it has no Landlock, nothing is enforced
  bool ports = false;   // TCP, since ABI 4
  bool scoped = false;  // abstract Unix sockets and signals to processes outside, since ABI 6
};

// For the calling thread and what it starts, for good. Needs no_new_privs.
Result<LandlockState> enter_landlock(const LandlockRules& rules);

}  // namespace cloister::worker
