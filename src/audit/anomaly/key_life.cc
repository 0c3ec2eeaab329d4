#include "audit/anomaly/key_life.h"

#include <algorithm>

#include "audit/anomaly/scene.h"

namespace cloister::audit::anomaly {
namespace {

constexpr std::int64_t kWeekMs = 7 * 86'400'000, kDayMs = 86'400'000;

bool opens(const UsageEvent& event) {
  return event.operation == Operation::kUnwrap || event.operation == Operation::kExportKey;
}

void tell_stale(Scene& scene, Severity severity, std::uint32_t lag, double usual, const std::string& what) {
  Finding* finding = scene.tell(Kind::kStaleVersion, severity, scene.names.of(scene.family->id, scene.key->id), lag,
                                scene.event.audit_index);
  if (finding == nullptr) return;
  finding->what = what;
  finding->contributions = {{"versions behind the newest", double(lag), usual}};
}

struct LimitStep {
  double share;
  Severity severity;
};
constexpr LimitStep kLimitSteps[] = {{0.5, Severity::kLow}, {0.75, Severity::kMedium}, {0.9, Severity::kHigh}};

enum class Limited : std::uint64_t { kWraps = 1, kExports };

void watch_limit(Scene& scene, Limited limited, double used, double limit, std::uint8_t& told) {
  const std::string what = limited == Limited::kWraps ? "wraps" : "exports";
  while (told < std::size(kLimitSteps) && used >= kLimitSteps[told].share * limit) {
    const LimitStep& step = kLimitSteps[told++];
    Finding* finding =
        scene.tell(Kind::kUsageLimit, step.severity, scene.names.of(scene.key->id, static_cast<std::uint64_t>(limited)),
                   used / limit, scene.event.audit_index);
    if (finding == nullptr) continue;
    finding->what = "version " + std::to_string(scene.key->life.newest_version) + " of key " +
                    printable(scene.event.key_id) + " has reached " + number(100 * used / limit) + " % of the " + what +
                    " it may see: rotate it";
    finding->contributions = {{what, used, limit}};
  }
}

}  // namespace

void watch_stale_version(Scene& scene) {
  const UsageEvent& event = scene.event;
  if (event.newest_version == 0 || event.key_version == 0 || event.key_version >= event.newest_version) return;
  const Thresholds& thresholds = scene.thresholds;
  KeyLife& life = scene.key->life;
  const std::int64_t now = scene.now.unix_ms;
  const std::uint32_t lag = event.newest_version - event.key_version;
  const std::string versions = "version " + std::to_string(event.key_version) + " of key " + printable(event.key_id) +
                               ", whose newest is " + std::to_string(event.newest_version);
  if (event.operation == Operation::kWrap) {
    if (life.version_ms < 0 || now - life.version_ms <= thresholds.stale_wrap_grace.ms) return;
    return tell_stale(scene, Severity::kHigh, lag, 0, "wraps under " + versions);
  }
  if (event.operation != Operation::kUnwrap) return;
  const auto weeks = life.lag_ms < 0 ? 0 : (now - life.lag_ms) / kWeekMs;
  const auto usual = static_cast<std::uint32_t>(std::max<std::int64_t>(0, life.usual_lag - weeks));
  const bool unusual = lag >= thresholds.stale_versions && lag > usual + 1 && scene.mature(scene.key->first_ms);
  if (lag >= usual) {
    life.usual_lag = lag;
    life.lag_ms = now;
  }
  if (unusual) tell_stale(scene, Severity::kMedium, lag, usual, "unwraps under " + versions);
}

void watch_dormant_key(Scene& scene) {
  const UsageEvent& event = scene.event;
  if (!opens(event)) return;
  const KeyState& key = *scene.key;
  const bool allowed = event.outcome == UsageOutcome::kAllowed;
  const std::uint64_t subject = scene.names.of(scene.principal->family, key.id);
  if (key.life.condemned) {
    Finding* finding =
        scene.tell(Kind::kDormantKey, allowed ? Severity::kHigh : Severity::kMedium, subject, 1, event.audit_index);
    if (finding == nullptr) return;
    finding->what = "uses key " + printable(event.key_id) + ", which is flagged for deletion" +
                    (allowed ? "" : ", and was refused") + ": cancel the deletion, or stop the user";
    finding->contributions = {{"flagged for deletion", 1, 0}};
    return;
  }
  if (!allowed) return;
  // A key that was there before us has been idle at least as long as we have looked.
  const std::int64_t touched_ms = std::max(key.life.used_ms, key.created_ms);
  const std::int64_t idle_since = touched_ms >= 0 ? touched_ms : scene.tenant.first_ms;
  const std::int64_t idle_ms = scene.now.unix_ms - idle_since;
  if (idle_ms < scene.thresholds.dormant.ms) return;
  const double idle_days = static_cast<double>(idle_ms / kDayMs);
  const double limit_days = static_cast<double>(scene.thresholds.dormant.ms / kDayMs);
  Finding* finding =
      scene.tell(Kind::kDormantKey, Severity::kMedium, subject, idle_days / limit_days, event.audit_index);
  if (finding == nullptr) return;
  finding->what = "uses key " + printable(event.key_id) + ", which nobody used for " + number(idle_days) + " days";
  finding->contributions = {{"days unused", idle_days, limit_days}};
}

void watch_usage_limit(Scene& scene) {
  const UsageEvent& event = scene.event;
  KeyLife& life = scene.key->life;
  if (event.newest_version > life.newest_version) {
    life.newest_version = event.newest_version;
    life.version_ms = scene.now.unix_ms;
    life.wraps = life.exports = 0;
    life.wraps_told = life.exports_told = 0;
  }
  if (event.outcome != UsageOutcome::kAllowed) return;
  if (event.operation == Operation::kWrap || event.operation == Operation::kRewrap) {
    life.wraps += event.dek_count;
    watch_limit(scene, Limited::kWraps, life.wraps, scene.thresholds.usage_limit_calls, life.wraps_told);
  } else if (event.operation == Operation::kExportKey) {
    life.exports += 1;
    watch_limit(scene, Limited::kExports, life.exports, scene.thresholds.usage_limit_exports, life.exports_told);
  }
}

void note_key_life(Scene& scene) {
  if (scene.event.outcome != UsageOutcome::kAllowed) return;
  KeyState& key = *scene.key;
  switch (scene.event.operation) {
    case Operation::kScheduleDeletion: key.life.condemned = true; break;
    case Operation::kCancelDeletion: key.life.condemned = false; break;
    case Operation::kCreateKey: key.created_ms = scene.now.unix_ms; break;
    case Operation::kWrap:
    case Operation::kUnwrap: key.life.used_ms = scene.now.unix_ms; break;
    default: break;
  }
}

}  // namespace cloister::audit::anomaly
