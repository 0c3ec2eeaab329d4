// RT-M07 and RT-M08: reports that say more than their evidence, and a scanner that is kept from seeing.
#pragma once

#include "redteam/exercise.h"

namespace cloister::redteam {

class Lab;

struct ForgedReportTarget {
  // As an auditor verifies a bundle with the key of who signed it; well: nothing was found.
  std::function<Status(std::string_view bundle, std::string_view key)> verify;
};
ForgedReportTarget verified_as_an_auditor();
Report run_forged_reports(const Field& field, const ForgedReportTarget& target);  // RT-M07

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
Result<BlindScannerTarget> content_scanner(Lab& lab, const Field& field);
Report run_blind_scanner(const Field& field, const BlindScannerTarget& target);  // RT-M08

}  // namespace cloister::redteam
