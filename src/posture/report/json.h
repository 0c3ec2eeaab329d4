// A report as JSON, for programs, and what can be read back of one. docs/formats/posture-report.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "posture/posture.h"

namespace cloister::posture {

inline constexpr std::string_view kReportFormat = "cloister-posture-report/1";
inline constexpr std::size_t kReportSizeMax = std::size_t{1} << 30;

// One object in one line, with members in a fixed order: the same Posture gives the same bytes.
std::string report_json(const Posture& posture);

// The part of it that is computed from the materials alone: levels, score, coverage and every verdict. A bundle holds
// this, and whoever verifies it makes it again and compares the bytes.
std::string verdicts_json(const Posture& posture);

// One verdict about one subject, as a report holds it.
struct StoredVerdict {
  std::string control;
  Subject subject;
  Status status = Status::kNotAssessed;
  friend bool operator==(const StoredVerdict&, const StoredVerdict&) = default;
};

// What comparisons need of an earlier report.
struct StoredReport {
  TrendPoint point;
  std::vector<std::pair<std::string, Status>> controls;  // in the report's order
  std::vector<StoredVerdict> verdicts;
};
StoredReport stored(const Posture& posture);
// Of what report_json() or verdicts_json() wrote. kInvalid for anything else.
Result<StoredReport> parse_report(std::string_view json);

// Trend and changes, which a run has from the runs before it: what a bundle holds of them.
std::string history_json(const Posture& posture);
struct StoredHistory {
  std::vector<TrendPoint> trend;
  std::vector<Changed> changes;
};
Result<StoredHistory> parse_history(std::string_view json);

Result<Status> parse_status(std::string_view text);
Result<Reached> parse_reached(std::string_view text);

}  // namespace cloister::posture
