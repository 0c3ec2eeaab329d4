#include "audit/anomaly/log_watch.h"

#include <algorithm>

#include "audit/anomaly/scene.h"

namespace cloister::audit::anomaly {
namespace {

enum Sign : std::uint64_t { kGap = 1, kRepeated, kClock, kShrunk, kForked };

void tell_log(Scene& scene, Sign sign, Severity severity, double score, std::string what, Contribution contribution) {
  Finding* finding = scene.tell(Kind::kLogTampering, severity, scene.names.of(sign, 1), score, scene.event.audit_index);
  if (finding == nullptr) return;
  finding->principal.clear();  // whoever acts in a record isn't who tampers with it
  finding->key_id.clear();
  finding->what = std::move(what);
  finding->contributions = {std::move(contribution)};
}

void watch_index(Scene& scene, LogWatch& log) {
  const std::uint64_t index = scene.event.audit_index, expected = log.last_index + 1;
  if (index == 0 || scene.thresholds.log_indices == LogIndices::kReference) return;
  const bool follows = log.last_index == 0 || index == expected;
  log.last_index = std::max(log.last_index, index);
  if (follows) return;
  const Contribution contribution{"audit index", double(index), double(expected)};
  if (index > expected) {
    tell_log(
        scene, kGap, Severity::kHigh, double(index - expected),
        "records " + std::to_string(expected) + " to " + std::to_string(index - 1) + " of the audit log are missing",
        contribution);
  } else {
    tell_log(scene, kRepeated, Severity::kCritical, double(expected - index),
             "record " + std::to_string(index) + " of the audit log comes after record " + std::to_string(expected - 1),
             contribution);
  }
}

}  // namespace

void watch_log(Scene& scene, std::int64_t recorded_ms) {
  LogWatch& log = scene.tenant.log;
  watch_index(scene, log);
  const std::int64_t regress_ms = log.last_ms - recorded_ms;
  log.last_ms = std::max(log.last_ms, recorded_ms);
  if (regress_ms <= scene.thresholds.clock_regress.ms) return;
  const double seconds = static_cast<double>(regress_ms) / 1000;
  tell_log(scene, kClock, regress_ms > hours(1).ms ? Severity::kHigh : Severity::kMedium, seconds,
           "the clock of the audit log went back by " + number(seconds) + " seconds",
           {"seconds back", seconds, static_cast<double>(scene.thresholds.clock_regress.ms) / 1000});
}

void watch_head(Scene& scene, std::uint64_t size, std::uint64_t root) {
  LogWatch& log = scene.tenant.log;
  const LogWatch before = log;
  if (size >= before.head_size) {
    log.head_size = size;
    log.head_root = root;
  }
  const Contribution contribution{"size of the log", double(size), double(before.head_size)};
  if (size < before.head_size) {
    tell_log(
        scene, kShrunk, Severity::kCritical, double(before.head_size - size),
        "the audit log shrank from " + std::to_string(before.head_size) + " to " + std::to_string(size) + " records",
        contribution);
  } else if (size == before.head_size && before.head_root != 0 && root != before.head_root) {
    tell_log(scene, kForked, Severity::kCritical, 1,
             "two roots were seen for the audit log at " + std::to_string(size) + " records: it was forked",
             contribution);
  }
}

}  // namespace cloister::audit::anomaly
