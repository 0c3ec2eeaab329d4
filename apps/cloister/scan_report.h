// Results of scans for people, as JSON and as SARIF; and how stored ones changed over time.
#pragma once

#include <string_view>
#include <vector>

#include "output.h"
#include "probe/grade/scan.h"

namespace cloister::cli {

inline constexpr std::string_view kScanFormat = "cloister-scan/1";

// One target: what was found, or why nothing could be.
struct ScanResult {
  std::string target;
  Result<probe::ScanReport> report;
  Time at;
};

// docs/scan.md has the form.
Json scan_json(const std::vector<ScanResult>& results);
// SARIF 2.1.0: a result for each broken rule, and an open one for each that couldn't be judged.
Json scan_sarif(const std::vector<ScanResult>& results);
enum class ShowFacts { kNo, kYes };
std::string scan_text(const ScanResult& result, ShowFacts facts);

// A stored result of one target.
struct StoredScan {
  std::string target, profile, grade;
  Time at;
  std::uint64_t score = 0;
  std::vector<std::string> broken;  // ids of rules
};
// All targets of a file that scan_json() wrote; those that couldn't be scanned are left out. kInvalid for another file.
Result<std::vector<StoredScan>> parse_scan(std::string_view text);

}  // namespace cloister::cli
