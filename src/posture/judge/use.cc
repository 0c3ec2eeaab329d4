// USE-01 to USE-05 and USE-09: which workloads are attested, and to whom keys are released.
#include "posture/judge/use.h"

#include <algorithm>

#include "posture/people.h"

namespace cloister::posture {
namespace {

// Those that handle AI data; a key service is judged by what it does with keys.
std::vector<const Workload*> workloads(const View& view) {
  std::vector<const Workload*> out;
  for (const Workload& workload : view.estate().workloads) {
    if (in_scope(workload.label) && workload.use != WorkloadUse::kKeyService) out.push_back(&workload);
  }
  return out;
}

Finding look_decision(const View& view, const Fact& fact, const Candidate& now) {
  const std::string remediation = "cloister posture candidates, and record a decision with owner and approver";
  const std::string* decision = fact.text("decision");
  const std::string* owner = fact.text("owner");
  const std::string* approver = fact.text("approver");
  if (decision == nullptr || !parse_tee_decision(*decision))
    return unproven("what was decided isn't known", remediation);
  if (owner == nullptr || approver == nullptr || !problem_of_people(*owner, *approver).empty()) {
    return unproven("nobody else than its owner approved the decision", remediation);
  }
  const std::optional<Duration> old = age(view, fact.text("decided_at"));
  if (!old) return unproven("when it was decided isn't known", remediation);
  if (*old > days(365)) return unproven("the decision is older than a year", remediation);
  if (!now.computed) return unproven("neither it nor what it reads is labelled", "label it in the estate");
  if (*decision == name_of(*now.computed)) return passes("decided: " + *decision + ", as the rule says");
  const std::string* reason = fact.text("reason");
  if (fact.truth("justified") == true && reason != nullptr && !reason->empty()) {
    // Another reason may be needed for what it handles now.
    const std::string* computed = fact.text("computed");
    if (computed != nullptr && *computed == name_of(*now.computed))
      return passes("decided: " + *decision + ": " + *reason);
    return unproven("what it handles, or where, has changed since it was decided", remediation);
  }
  return fails("the rule says " + std::string(name_of(*now.computed)) + ", and it was decided " + *decision +
                   " without a reason",
               remediation);
}

}  // namespace

SubjectVerdict judge_decision(const View& view, const Workload& workload) {
  const Subject subject{SubjectKind::kWorkload, workload.name};
  const Candidate now = candidate(view, workload);
  return judge_by(view, {subject, "nobody decided whether it needs a TEE", "cloister posture candidates"},
                  view.about("assessment.workload", subject),
                  [&](const Fact& fact) { return look_decision(view, fact, now); });
}

namespace {

std::vector<SubjectVerdict> judge_use_01(const View& view) {
  std::vector<SubjectVerdict> out;
  for (const Workload* workload : workloads(view)) out.push_back(judge_decision(view, *workload));
  return out;
}

// Workloads that carry one of the labels; those without a label could.
std::vector<SubjectVerdict> judge_tier(const View& view, const std::function<bool(Sensitivity)>& in_tier) {
  std::vector<SubjectVerdict> out;
  for (const Workload* workload : workloads(view)) {
    const Candidate one = candidate(view, *workload);
    if (!one.sensitivity) {
      out.push_back(not_assessed({SubjectKind::kWorkload, workload->name}, "neither it nor what it reads is labelled",
                                 "label it in the estate"));
    } else if (in_tier(*one.sensitivity)) {
      out.push_back(judge_attested(view, workload->name));
    }
  }
  return out;
}

// The most sensitive label that there is, down to sensitive business: below that no tier needs it.
std::vector<SubjectVerdict> judge_use_02(const View& view) {
  std::optional<Sensitivity> highest;
  for (const Workload* workload : workloads(view)) {
    const std::optional<Sensitivity> of = candidate(view, *workload).sensitivity;
    if (of && *of <= Sensitivity::kSensitiveBusiness && (!highest || *of < *highest)) highest = of;
  }
  return judge_tier(view, [&](Sensitivity of) { return highest == of; });
}

std::vector<SubjectVerdict> judge_use_09(const View& view) { return judge_tier(view, needs_tee); }

Finding look_paths(const Fact& fact) {
  const std::string remediation =
      "let every rule for these datasets ask for evidence, and break the glass with two people: cloister policy check";
  const auto paths = fact.number("unattested_paths");
  const std::string* glass = fact.text("break_glass");
  if (!paths || *paths < 0) return unproven("which ways to the keys ask for no evidence isn't known", remediation);
  if (*paths > 0) return fails(std::to_string(*paths) + " ways to the keys ask for no evidence", remediation);
  if (fact.number("datasets").value_or(0) < 1) return unproven("no dataset is given to attested workers");
  if (glass != nullptr && *glass == "single") return fails("one person can break the glass", remediation);
  if (glass == nullptr || (*glass != "none" && *glass != "dual-control")) {
    return unproven("who can break the glass isn't known", remediation);
  }
  return passes("every way to the keys asks for evidence");
}

std::vector<SubjectVerdict> judge_use_03(const View& view) {
  std::vector<SubjectVerdict> parts;
  parts.push_back(judge_by(view, {the_platform(), "nobody looked which ways to the keys ask for no evidence"},
                           view.about("attestation.policy", the_platform()), look_paths));
  parts.push_back(judge_drills(
      view, the_platform(),
      {{.drill = "attested-release",
        .covers = {"positive", "no-evidence", "stale", "measurement", "debug", "tenant", "replay", "channel"}},
       {.drill = "RT-A02"},
       {.drill = "RT-A05"},
       {.drill = "RT-A08"}}));
  return {all_of(the_platform(), std::move(parts))};
}

Finding look_policy(const Fact& fact) {
  const std::vector<std::string>* findings = fact.list("findings");
  if (findings == nullptr) return unproven("what the policy doesn't ask of evidence isn't known");
  if (fact.number("datasets").value_or(0) < 1) return unproven("no policy asks for evidence");
  if (findings->empty()) return passes("the policy asks for every claim");
  return fails("the policy: " + joined(*findings, ", "), "ask for what is missing: cloister attest policy");
}

std::vector<SubjectVerdict> judge_use_04(const View& view) {
  std::vector<std::string> platforms;
  std::vector<SubjectVerdict> parts;
  for (const Fact* fact : view.all("attestation.workload")) {
    if (fact->simulated) continue;
    const std::string* platform = fact->text("platform");
    if (platform != nullptr) {
      platforms.push_back(*platform);
    } else {
      parts.push_back(not_assessed(the_platform(), "which platform " + fact->subject.id + " runs on isn't known"));
    }
  }
  DrillAsked vectors{.drill = "negative-vectors", .every_case_refused = true};
  vectors.covers.assign(platforms.begin(), platforms.end());
  parts.push_back(judge_by(view, {the_platform(), "nobody looked at what the policy asks of evidence"},
                           view.about("attestation.policy", the_platform()), look_policy));
  parts.push_back(
      judge_drills(view, the_platform(), {vectors, {.drill = "RT-A01"}, {.drill = "RT-A03"}, {.drill = "RT-A04"}}));
  add_drills_run(view, {"RT-A09"}, parts);
  return {all_of(the_platform(), std::move(parts))};
}

Finding look_accelerator(const Fact& fact) {
  const std::string remediation =
      "switch its confidential mode on and developer tools off, update its firmware, and let the worker hold its "
      "evidence against the CPU's before it is ready";
  const auto on = fact.truth("cc_on"), tools = fact.truth("devtools"), bound = fact.truth("bound"),
             match = fact.truth("rim_match");
  if (on == false) return fails("its accelerator isn't in confidential mode", remediation);
  if (tools == true) return fails("its accelerator lets developer tools in", remediation);
  if (match == false) return fails("its accelerator's firmware isn't what its maker measured", remediation);
  if (bound == false) return fails("its accelerator isn't bound to the CPU's evidence", remediation);
  if (!on || !tools || !match || !bound) return unproven("its accelerator wasn't attested whole", remediation);
  return passes("its accelerator is in confidential mode, measured, and bound to the CPU's evidence");
}

std::vector<SubjectVerdict> judge_use_05(const View& view) {
  std::vector<SubjectVerdict> out;
  for (const Workload* workload : workloads(view)) {
    const Subject subject{SubjectKind::kWorkload, workload->name};
    const Facts facts = view.about("accelerator.mode", subject);
    const bool confidential = candidate(view, *workload).computed.value_or(TeeDecision::kTee) == TeeDecision::kTee;
    if (facts.empty() && !(workload->accelerator && confidential)) continue;
    out.push_back(judge_by(view, {subject, "nobody attested its accelerator"}, facts, look_accelerator));
  }
  if (!out.empty()) out.push_back(judge_drills(view, the_platform(), {{.drill = "RT-A06"}, {.drill = "RT-A07"}}));
  return out;
}

}  // namespace

std::span<const JudgeOf> use_judges() {
  static constexpr JudgeOf kJudges[] = {{"USE-01", judge_use_01}, {"USE-02", judge_use_02}, {"USE-03", judge_use_03},
                                        {"USE-04", judge_use_04}, {"USE-05", judge_use_05}, {"USE-06", judge_use_06},
                                        {"USE-07", judge_use_07}, {"USE-08", judge_use_08}, {"USE-09", judge_use_09},
                                        {"USE-10", judge_use_10}, {"USE-11", judge_use_11}};
  return kJudges;
}

}  // namespace cloister::posture
