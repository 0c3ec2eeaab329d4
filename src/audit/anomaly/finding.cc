#include "audit/anomaly/finding.h"

#include <cmath>
#include <cstdio>

namespace cloister::audit::anomaly {

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kUnwrapSurge: return "unwrap surge";
    case Kind::kBreadth: return "breadth";
    case Kind::kImbalance: return "decrypt/encrypt imbalance";
    case Kind::kNewActor: return "new actor or edge";
    case Kind::kCrossTenantProbe: return "cross-tenant probing";
    case Kind::kMeasurementDrift: return "measurement drift";
    case Kind::kTwoPlaces: return "two places";
    case Kind::kOffHours: return "off-hours";
    case Kind::kDestructiveSequence: return "destructive sequence";
    case Kind::kStaleVersion: return "stale key version";
    case Kind::kDormantKey: return "dormant or condemned key";
    case Kind::kUsageLimit: return "usage limit";
    case Kind::kThrottling: return "throttling abuse";
    case Kind::kLogTampering: return "log tampering";
    case Kind::kPostureDrift: return "posture drift";
  }
  return "unknown";
}

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::kLow: return "low";
    case Severity::kMedium: return "medium";
    case Severity::kHigh: return "high";
    case Severity::kCritical: return "critical";
  }
  return "unknown";
}

std::string printable(std::string_view name) {
  constexpr std::size_t kShownMax = 128;
  std::string text(name.substr(0, kShownMax));
  for (char& character : text) {
    if (character < 0x20 || character > 0x7e) character = '?';
  }
  return text;
}

std::string number(double value) {
  if (!std::isfinite(value)) return "unbounded";
  const double size = std::fabs(value);
  const int decimals = size >= 100 || value == std::floor(value) ? 0 : size >= 1 ? 1 : 2;
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, std::fmin(std::fmax(value, -1e18), 1e18));
  return text;
}

std::string explain(const Finding& finding) {
  std::string text(severity_name(finding.severity));
  text += ": " + std::string(kind_name(finding.kind)) + ": " + finding.tenant + ": ";
  if (!finding.principal.empty()) text += finding.principal + ": ";
  text += finding.what;
  std::string because;
  for (const Contribution& contribution : finding.contributions) {
    because += (because.empty() ? " (" : "; ") + contribution.feature + " " + number(contribution.value) +
               ", expected " + number(contribution.expected);
  }
  return text + because + (because.empty() ? "" : ")");
}

}  // namespace cloister::audit::anomaly
