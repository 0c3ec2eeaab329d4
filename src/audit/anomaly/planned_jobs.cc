#include "audit/anomaly/planned_jobs.h"

#include "audit/anomaly/scene.h"

namespace cloister::audit::anomaly {
namespace {

constexpr double kTolerance = 1.1, kToleranceDeks = 10;

}  // namespace

void watch_plan(Scene& scene) {
  if (scene.event.job_id.empty() || scene.event.outcome != UsageOutcome::kAllowed) return;
  JobState* job = scene.tenant.jobs.find(scene.names.of(NameKind::kJob, scene.event.job_id));
  if (job == nullptr || job->family != scene.family->id || job->key != scene.key_id) return;
  const std::int64_t now = scene.now.unix_ms;
  if (now < job->from_ms || now > job->until_ms) return;
  if (scene.event.operation != Operation::kUnwrap) {
    scene.planned = true;
    return;
  }
  if (job->used <= 0) job->first_index = scene.event.audit_index;
  job->used += scene.event.dek_count;
  scene.planned = job->used <= job->expected * kTolerance + kToleranceDeks;
  if (scene.planned) return;
  Finding* finding = scene.tell(Kind::kUnwrapSurge, Severity::kHigh, scene.names.of(job->id, 1),
                                job->used / (job->expected + 1), job->first_index);
  if (finding == nullptr) return;
  finding->what = "job " + printable(scene.event.job_id) + " has unwrapped " + number(job->used) +
                  " DEKs, announced were " + number(job->expected);
  finding->contributions = {{"DEKs of the job", job->used, job->expected}};
}

}  // namespace cloister::audit::anomaly
