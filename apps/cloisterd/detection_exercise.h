// Whether the daemon's anomaly detectors notice what they are there for: labelled scenarios, played through the same
// code that the daemon feeds its decisions to. docs/anomalies.md.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace cloister::daemon {

struct DetectionReport {
  std::vector<std::string> scenarios;  // that were played, by the words of `detection.run` in docs/formats/facts.md
  std::vector<std::string> detected;
  std::vector<std::string> details;    // a line for each: what was found, or that nothing was
  std::int64_t events = 0;             // of an ordinary week, after three that were learned from
  std::int64_t false_alarms = 0;       // findings in it
  std::int64_t seconds_to_detect = 0;  // the longest of those detected
};

// Three ordinary weeks of a made-up tenant that end at `now` are learned from, and a fourth is watched; each scenario
// begins where that ends, on detectors that know nothing of the others. Made up by a fixed rule: the same `now` gives
// the same report. kInvalid as Detector::create().
Result<DetectionReport> exercise_detection(Time now);

}  // namespace cloister::daemon
