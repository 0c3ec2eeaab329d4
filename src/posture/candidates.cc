// The rule for confidential computing, over labels and use; and the first workload to try it with.
#include "posture/candidates.h"

#include <algorithm>
#include <array>

#include "posture/judge/proof.h"
#include "posture/people.h"

namespace cloister::posture {
namespace {

constexpr std::array<std::string_view, 3> kDecisions = {"tee", "later", "not_needed"};

std::optional<Sensitivity> most_sensitive(const Estate& estate, const Workload& workload) {
  std::optional<Sensitivity> most = workload.label.sensitivity;
  for (const std::string& name : workload.reads) {
    const auto location = std::ranges::find(estate.locations, name, &Location::name);
    if (location == estate.locations.end() || !location->label.sensitivity) continue;
    if (!most || *location->label.sensitivity < *most) most = location->label.sensitivity;
  }
  return most;
}

// The data decides; who runs the machines, and who else is at the table, decide where the data doesn't.
TeeDecision decide(Sensitivity sensitivity, const Workload& workload) {
  const bool exposed = !workload.host_trusted || workload.several_parties;
  if (needs_tee(sensitivity)) return TeeDecision::kTee;
  switch (sensitivity) {
    case Sensitivity::kSensitiveBusiness: return exposed ? TeeDecision::kTee : TeeDecision::kLater;
    case Sensitivity::kInternal:
      if (workload.several_parties && workload.use == WorkloadUse::kFederation) return TeeDecision::kTee;
      return exposed ? TeeDecision::kLater : TeeDecision::kNotNeeded;
    default: return TeeDecision::kNotNeeded;
  }
}

Finding look_attested(const View& view, const Fact& fact) {
  const std::string remediation = "run it as an attested worker whose keys are released to it alone: cloister-worker";
  const std::string* assurance = fact.text("assurance");
  const auto sound = fact.truth("sound"), debug = fact.truth("debug");
  if (assurance == nullptr) return unproven("what attests it isn't known", remediation);
  if (*assurance == "none") return fails("it doesn't run in a TEE", remediation);
  if (*assurance != "hardware") return unproven("it is attested by software, which proves nothing", remediation);
  if (sound == false) return fails("its evidence isn't sound", remediation);
  if (debug == true) return fails("its TEE is in debug mode, in which its memory can be read", remediation);
  if (!sound || !debug) return unproven("its evidence wasn't verified whole", remediation);
  const std::optional<Duration> old = age(view, fact.text("at"));
  if (!old) return unproven("when it was attested isn't known", remediation);
  if (*old > hours(24)) return unproven("it was attested more than a day ago", "attest it again");
  const std::string* platform = fact.text("platform");
  return passes("attested within a day" + (platform == nullptr ? "" : ", by " + *platform));
}

int urgency(const Candidate& one) {
  const int decision = !one.computed                          ? 1
                       : *one.computed == TeeDecision::kTee   ? 0
                       : *one.computed == TeeDecision::kLater ? 2
                                                              : 3;
  return decision * 2 + (one.is_attested() ? 1 : 0);
}

const Workload* find_workload(const Estate& estate, std::string_view name) {
  const auto found = std::ranges::find(estate.workloads, name, &Workload::name);
  return found == estate.workloads.end() ? nullptr : &*found;
}

// What makes a first attempt harder than another: lower is easier.
int obstacles(const Workload& workload) {
  return (workload.accelerator ? 2 : 0) + (workload.several_parties ? 4 : 0) +
         (workload.use == WorkloadUse::kTraining ? 1 : 0) +
         static_cast<int>(std::min<std::size_t>(workload.reads.size(), 9));
}

void add_steps(const Workload& workload, PilotPlan& plan) {
  const std::string name = shell_word(workload.name);
  plan.steps = {{"Record the decision, with its owner and an approver who is somebody else.", ""},
                {"Find machines with Intel TDX or AMD SEV-SNP" +
                     std::string(workload.accelerator ? ", and GPUs that have a confidential mode" : "") +
                     ", and see that evidence made on one verifies.",
                 "cloister attest verify EVIDENCE"},
                {"Build one image of " + name + " and write down its measurements as reference values, signed.",
                 "cloister attest policy check POLICY"},
                {"Seal what it reads under datasets of its own, so that there is a key to release.",
                 "cloister seal DIRECTORY --dataset TENANT/DATASET"},
                {"Let the policy give those keys to attested workers with these measurements, and to nobody else.",
                 "cloister attest policy set POLICY"},
                {"Run it in the TEE beside the one that runs now, on a share of the work.", "cloister-worker --help"}};
  if (workload.several_parties) {
    plan.steps.push_back(
        {"Have each party keep its own policy, naming the same measurement; change one byte of the "
         "image and see that all refuse.",
         ""});
  }
  plan.steps.push_back({"Verify kept releases again, offline.", "cloister attest replay RELEASE"});
  plan.steps.push_back(
      {"Measure latency and throughput against the one that runs now, and write down the difference.", ""});
  plan.steps.push_back({"Decide: expand, or stop; with owner, date and the ids of the releases.", ""});
  plan.done_when = {
      "at least one release to the attested worker is kept, and gives the same verdict when it is replayed",
      "a worker with another measurement, without evidence, and in debug mode was refused",
      "the overhead is measured, and a decision to expand or to stop is recorded"};
}

}  // namespace

std::string_view name_of(TeeDecision decision) { return kDecisions[static_cast<std::size_t>(decision)]; }

std::optional<TeeDecision> parse_tee_decision(std::string_view text) {
  const auto found = std::ranges::find(kDecisions, text);
  if (found == kDecisions.end()) return std::nullopt;
  return static_cast<TeeDecision>(found - kDecisions.begin());
}

bool needs_tee(Sensitivity sensitivity) {
  return sensitivity == Sensitivity::kRegulated || sensitivity == Sensitivity::kThirdPartyIp;
}

SubjectVerdict judge_attested(const View& view, const std::string& workload) {
  const Subject subject{SubjectKind::kWorkload, workload};
  return judge_by(view,
                  {subject, "nobody verified evidence of it",
                   "run it as an attested worker whose keys are released to it alone: cloister-worker"},
                  view.about("attestation.workload", subject),
                  [&](const Fact& fact) { return look_attested(view, fact); });
}

Candidate candidate(const View& view, const Workload& workload) {
  Candidate out;
  out.workload = workload.name;
  out.use = workload.use;
  out.sensitivity = most_sensitive(view.estate(), workload);
  if (out.sensitivity) {
    out.computed = decide(*out.sensitivity, workload);
    out.why.push_back("what it handles is " + std::string(name_of(*out.sensitivity)));
  } else {
    out.why.push_back("neither it nor what it reads is labelled");
  }
  out.why.push_back(workload.host_trusted ? "its machines are run by who owns the data"
                                          : "its machines are run by somebody who doesn't own the data");
  if (workload.several_parties) out.why.push_back("several parties share it");
  if (workload.accelerator) out.why.push_back("it uses an accelerator, which must be in confidential mode too");
  const SubjectVerdict attested = judge_attested(view, workload.name);
  if (attested.status != Status::kPass) out.attested = attested.reason;
  return out;
}

std::vector<Candidate> candidates(const View& view) {
  std::vector<Candidate> out;
  for (const Workload& workload : view.estate().workloads) {
    if (in_scope(workload.label) && workload.use != WorkloadUse::kKeyService) out.push_back(candidate(view, workload));
  }
  std::ranges::sort(out, [](const Candidate& left, const Candidate& right) {
    if (urgency(left) != urgency(right)) return urgency(left) < urgency(right);
    if (left.sensitivity != right.sensitivity) {
      return right.sensitivity.has_value() ? left.sensitivity.has_value() && *left.sensitivity < *right.sensitivity
                                           : left.sensitivity.has_value();
    }
    return left.workload < right.workload;
  });
  return out;
}

std::optional<PilotPlan> pilot_plan(const View& view, const std::vector<Candidate>& candidates) {
  const Candidate* best = nullptr;
  int fewest = 0;
  for (const Candidate& one : candidates) {
    const Workload* workload = find_workload(view.estate(), one.workload);
    if (workload == nullptr || one.computed != TeeDecision::kTee || one.is_attested()) continue;
    if (best == nullptr || obstacles(*workload) < fewest) {
      best = &one;
      fewest = obstacles(*workload);
    }
  }
  if (best == nullptr) return std::nullopt;
  PilotPlan plan;
  plan.workload = best->workload;
  plan.why = best->why;
  plan.why.push_back("of those that need a TEE and have none it has the fewest obstacles");
  add_steps(*find_workload(view.estate(), best->workload), plan);
  return plan;
}

Result<Fact> assessment_fact(const Candidate& candidate, const TeeAssessment& assessment, std::string collector,
                             Time now) {
  if (!candidate.computed) {
    return Error(Code::kInvalid,
                 candidate.workload + " and what it reads have no label: there is nothing to decide on");
  }
  if (const std::string people = problem_of_people(assessment.owner, assessment.approver); !people.empty()) {
    return Error(Code::kInvalid, "a decision needs an owner, and an approver who is somebody else: " + people);
  }
  const bool as_computed = assessment.decision == *candidate.computed;
  if (!as_computed && assessment.reason.empty()) {
    return Error(Code::kInvalid, "the rule says \"" + std::string(name_of(*candidate.computed)) + "\" of " +
                                     candidate.workload + ": another decision needs a reason");
  }
  Fact fact;
  fact.kind = "assessment.workload";
  fact.subject = {SubjectKind::kWorkload, candidate.workload};
  fact.collector = std::move(collector);
  fact.scope = "a decision by " + assessment.owner;
  fact.method = Method::kRecord;
  fact.at = now;
  fact.valid_until = now + kRecordValid;
  fact.values = {{"decision", std::string(name_of(assessment.decision))},
                 {"computed", std::string(name_of(*candidate.computed))},
                 {"justified", true},
                 {"reason", assessment.reason},
                 {"decided_at", to_rfc3339(now)},
                 {"owner", assessment.owner},
                 {"approver", assessment.approver}};
  return fact;
}

}  // namespace cloister::posture
