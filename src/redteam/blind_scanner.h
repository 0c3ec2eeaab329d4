// RT-M08: a scanner of storage that is kept from seeing.
#pragma once

#include "redteam/exercise.h"

namespace cloister::redteam {

// A folder that is audited.
struct ScannedFolder {
  Path folder;
  unsigned depth_max = 256;
  std::uint64_t entries_max = 1'000'000;
  bool stopped = false;  // before it came to its end
};
struct BlindScannerTarget {
  Path sealed;                                         // an object whose key the scanner knows
  Path unknown;                                        // one whose key it doesn't
  std::function<Status(const ScannedFolder&)> passes;  // well: everything in it is sealed under known keys
};
Report run_blind_scanner(const Field& field, const BlindScannerTarget& target);

}  // namespace cloister::redteam
