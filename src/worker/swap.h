// Whether memory of this machine may be written to a disk in the clear.
#pragma once

#include "base/file.h"

namespace cloister::worker {

enum class SwapState {
  kNone,
  kCovered,  // all of it is compressed memory (zram without a disk behind it) or lies on an encrypted device (dm-crypt)
  kPlain,
};

// From /proc/swaps and /sys/block, or what a test has in their place. A device that isn't known counts as plain.
Result<SwapState> swap_state(const Path& swaps = "/proc/swaps", const Path& block_devices = "/sys/block");

}  // namespace cloister::worker
