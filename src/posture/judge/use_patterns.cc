// USE-06 to USE-08, USE-10 and USE-11: confidential training, inference and federation, kept evidence, and the news.
#include <algorithm>

#include "posture/judge/use.h"

namespace cloister::posture {
namespace {

// Half a year: what the EU AI Act asks of logs at least.
constexpr std::int64_t kRetentionDays = 183;

bool decided_tee(const View& view, const Subject& workload) {
  const Facts facts = view.about("assessment.workload", workload);
  return std::ranges::any_of(facts, [](const Fact* fact) {
    const std::string* decision = fact->text("decision");
    return decision != nullptr && *decision == "tee";
  });
}

// It runs in a TEE, or was decided to.
bool uses_pattern(const View& view, const Subject& workload) {
  const Facts facts = view.about("attestation.workload", workload);
  const bool attested = std::ranges::any_of(facts, [](const Fact* fact) {
    const std::string* assurance = fact->text("assurance");
    return assurance == nullptr || *assurance != "none";
  });
  return attested || decided_tee(view, workload);
}

// That a workload does without a TEE is on record, or it isn't known: finding none shows nothing.
void add_undecided(const View& view, const Workload& workload, std::vector<SubjectVerdict>& out) {
  const SubjectVerdict decision = judge_decision(view, workload);
  if (decision.status == Status::kPass) return;
  out.push_back(not_assessed(decision.subject, "whether it does without a TEE isn't on record: " + decision.reason,
                             decision.remediation));
}

std::vector<SubjectVerdict> judge_pattern(const View& view, WorkloadUse use, const std::vector<DrillAsked>& drills) {
  std::vector<SubjectVerdict> out;
  for (const Workload& workload : view.estate().workloads) {
    const Subject subject{SubjectKind::kWorkload, workload.name};
    if (workload.use != use || !in_scope(workload.label)) continue;
    if (!uses_pattern(view, subject)) {
      add_undecided(view, workload, out);
      continue;
    }
    std::vector<SubjectVerdict> parts;
    parts.push_back(judge_attested(view, workload.name));
    parts.push_back(judge_drills(view, subject, drills));
    add_drills_run(view, {"RT-A10"}, parts);
    out.push_back(all_of(subject, std::move(parts)));
  }
  return out;
}

Finding look_releases(const Fact& fact) {
  const std::string remediation = "cloister attest replay --all; keep the archive, and anchor the log elsewhere";
  const auto releases = fact.number("releases"), without = fact.number("without_evidence"),
             again = fact.number("reverified"), inconsistent = fact.number("inconsistent"),
             kept = fact.number("retention_days");
  if (!releases || !without || !again || !inconsistent || !kept) {
    return unproven("what is kept of releases isn't counted whole", remediation);
  }
  if (*releases < 1) return unproven("nothing was released to an attested worker yet");
  if (*without != 0) return fails(std::to_string(*without) + " releases have no evidence kept", remediation);
  if (*inconsistent != 0) {
    return fails(std::to_string(*inconsistent) + " releases give another verdict when they are decided again",
                 remediation);
  }
  if (fact.truth("log_valid") == false) return fails("the log of releases isn't whole", remediation);
  if (fact.truth("log_valid") != true) return unproven("nobody verified the log of releases", remediation);
  if (*again < 1) return unproven("no release was decided again", remediation);
  const std::int64_t asked = fact.number("retention_policy_days").value_or(kRetentionDays);
  if (*kept < asked) {
    return fails("evidence is kept for " + std::to_string(*kept) + " days, of " + std::to_string(asked), remediation);
  }
  return passes(std::to_string(*releases) + " releases have their evidence, " + std::to_string(*again) +
                " were decided again with the same verdict");
}

Finding look_tcb(const Fact& fact) {
  const std::string remediation = "update microcode and firmware, and raise the least TCB that the policy takes";
  const std::string* status = fact.text("tcb_status");
  const std::vector<std::string>* advisories = fact.list("advisories");
  if (fact.truth("sound") != true) return unproven("its evidence isn't sound, so what it says of its TCB isn't either");
  if (status == nullptr || *status == "unknown") return unproven("the state of its TCB isn't known", remediation);
  if (*status == "out-of-date" || *status == "revoked" || *status == "configuration-needed") {
    return fails("its TCB is " + *status, remediation);
  }
  if (*status != "up-to-date") return unproven("the state of its TCB isn't known", remediation);
  if (advisories == nullptr) return unproven("which advisories are about its TCB isn't known", remediation);
  if (!advisories->empty()) return fails("advisories about its TCB: " + joined(*advisories, ", "), remediation);
  return passes("its TCB is up to date, and no advisory is about it");
}

}  // namespace

std::vector<SubjectVerdict> judge_use_06(const View& view) {
  return judge_pattern(view, WorkloadUse::kTraining,
                       {{.drill = "confidential-training", .covers = {"canary", "outputs-sealed"}}});
}

std::vector<SubjectVerdict> judge_use_07(const View& view) {
  return judge_pattern(
      view, WorkloadUse::kInference,
      {{.drill = "confidential-inference", .covers = {"canary", "binding", "relay"}}, {.drill = "RT-A02"}});
}

std::vector<SubjectVerdict> judge_use_08(const View& view) {
  return judge_pattern(view, WorkloadUse::kFederation,
                       {{.drill = "confidential-federation", .covers = {"canary", "measurement", "outputs"}}});
}

std::vector<SubjectVerdict> judge_use_10(const View& view) {
  std::vector<SubjectVerdict> parts;
  parts.push_back(judge_by(view, {the_platform(), "nobody looked at what is kept of releases"},
                           view.about("attestation.releases", the_platform()), look_releases));
  add_drills_run(view, {"RT-M06"}, parts);
  return {all_of(the_platform(), std::move(parts))};
}

std::vector<SubjectVerdict> judge_use_11(const View& view) {
  std::vector<SubjectVerdict> out;
  for (const Workload& workload : view.estate().workloads) {
    const Subject subject{SubjectKind::kWorkload, workload.name};
    if (!in_scope(workload.label)) continue;
    if (!uses_pattern(view, subject)) {
      if (workload.use != WorkloadUse::kKeyService) add_undecided(view, workload, out);
      continue;
    }
    out.push_back(judge_by(view, {subject, "nobody verified evidence of it"},
                           view.about("attestation.workload", subject), look_tcb));
  }
  if (out.empty()) return out;
  out.push_back(judge_by(view, {the_platform(), "nobody is recorded to watch advisories", "cloister posture record"},
                         records(view, "advisory-watch", the_platform()),
                         [&](const Fact& record) { return check_record(view, record); }));
  std::vector<Subject> sites;
  for (const Fact* fact : view.all("record")) {
    if (fact->subject.kind == SubjectKind::kSite && (sites.empty() || sites.back() != fact->subject)) {
      sites.push_back(fact->subject);
    }
  }
  const std::string nobody = "who can touch the machines isn't recorded";
  for (const Subject& site : sites) {
    out.push_back(judge_by(view, {site, nobody}, records(view, "site-exposure", site),
                           [&](const Fact& record) { return check_record(view, record); }));
  }
  if (sites.empty()) out.push_back(not_assessed(the_platform(), nobody + " for any site", "cloister posture record"));
  out.push_back(judge_drill(view, the_platform(), {.drill = "RT-A04"}));
  add_drills_run(view, {"RT-A11"}, out);
  return out;
}

}  // namespace cloister::posture
