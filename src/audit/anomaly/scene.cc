#include "audit/anomaly/scene.h"

#include <algorithm>

namespace cloister::audit::anomaly {

Finding* Scene::tell(Kind kind, Severity severity, std::uint64_t subject, double score, std::uint64_t first_index) {
  const std::uint64_t id = names.of(static_cast<std::uint64_t>(kind), subject);
  const auto [open, is_new] = tenant.open.find_or_insert(id);
  const bool fresh = !is_new && now.unix_ms - open->last_ms < thresholds.cool_down.ms;
  const bool reminded = fresh && now.unix_ms - open->told_ms >= thresholds.reminder.ms;
  open->last_ms = now.unix_ms;
  if (fresh && severity <= open->severity && !reminded) {
    ++open->held_back;
    return nullptr;
  }
  Finding finding;
  finding.kind = kind;
  finding.severity = fresh ? std::max(severity, open->severity) : severity;
  finding.time = now;
  finding.tenant = printable(event.tenant);
  finding.principal = printable(event.principal);
  finding.key_id = printable(event.key_id);
  finding.score = score;
  finding.first_index = first_index;
  finding.last_index = event.audit_index;
  finding.held_back = open->held_back;
  *open = OpenFinding{id, now.unix_ms, now.unix_ms, finding.severity, 0};
  findings.push_back(std::move(finding));
  return &findings.back();
}

}  // namespace cloister::audit::anomaly
