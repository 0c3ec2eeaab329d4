// What a detector has to say: one sentence, a score, and the features it was made of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace cloister::audit::anomaly {

enum class Kind : std::uint8_t {
  kUnwrapSurge = 1,
  kBreadth,
  kImbalance,
  kNewActor,
  kCrossTenantProbe,
  kMeasurementDrift,
  kTwoPlaces,
  kOffHours,
  kDestructiveSequence,
  kStaleVersion,
  kDormantKey,
  kUsageLimit,
  kThrottling,
  kLogTampering,
  kPostureDrift,
};
inline constexpr unsigned kKinds = 15;
std::string_view kind_name(Kind kind);

enum class Severity : std::uint8_t { kLow = 1, kMedium, kHigh, kCritical };
std::string_view severity_name(Severity severity);

struct Contribution {
  std::string feature;
  double value = 0;
  double expected = 0;
};

struct Finding {
  Kind kind{};
  Severity severity{};
  Time time;
  std::string tenant;
  std::string principal;  // whose event completed the picture; empty where no single one did
  std::string key_id;     // empty where no single key is concerned
  std::string what;       // one sentence without a full stop
  double score = 0;       // how far out, in the unit of the kind: docs/anomalies.md
  std::vector<Contribution> contributions;
  std::uint64_t first_index = 0;  // audit indices of the first and the last event it rests on; 0 where not known
  std::uint64_t last_index = 0;
  std::uint64_t held_back = 0;  // times this was seen again since it was last told
};

// "high: unwrap surge: acme: spiffe://acme/ns/serve/sa/llm: 812 DEKs ... (DEKs in this hour 812, usually 40)"
std::string explain(const Finding& finding);

// A name as it may appear in a sentence: at most 128 bytes, and '?' for what isn't printable ASCII.
std::string printable(std::string_view name);
// "1234567", "12.3", "0.04": never an exponent a reader has to count.
std::string number(double value);

}  // namespace cloister::audit::anomaly
