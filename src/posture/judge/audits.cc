// AUD: the three audits were done, of everything, and what they found has an owner and a date.
#include <array>

#include "posture/judge/judge.h"
#include "posture/judge/proof.h"
#include "posture/people.h"
#include "posture/subjects.h"

namespace cloister::posture {
namespace {

constexpr Duration kQuarter = days(92);
constexpr Duration kPilotAgeMax = days(365);

Finding look_at_quarter(const View& view, const Fact& record) {
  Finding checked = check_record(view, record);
  if (checked.status != Status::kPass) return checked;
  const auto old = age(view, record.text("date"));
  if (!old) return unproven("the record has no date");
  if (*old > kQuarter) return fails("the last one is older than a quarter", "audit again, and record it");
  const auto orphans = record.number("orphans");
  const auto overdue = record.number("overdue");
  if (!orphans || *orphans < 0 || !overdue || *overdue < 0)
    return unproven("the record doesn't say whether every gap has a date, and which are overdue");
  if (*orphans > 0)
    return fails(std::to_string(*orphans) + " gaps have no dated action", "give each an owner and a date");
  if (*overdue > 0) return fails(std::to_string(*overdue) + " actions are overdue", "do them, or decide again");
  return passes("audited within the quarter, every gap has a date, none is overdue");
}

SubjectVerdict recorded(const View& view, std::string_view record) {
  const std::string name(record);
  const Question question = {the_platform(), "there is no record \"" + name + "\"", "cloister posture record " + name};
  return judge_by(view, question, records(view, record, the_platform()),
                  [&](const Fact& fact) { return look_at_quarter(view, fact); });
}

Finding has_verdict(const Fact& fact) {
  const std::string* encrypted = fact.text("encrypted");
  if (encrypted == nullptr || (*encrypted != "yes" && *encrypted != "no"))
    return unproven("whether it is encrypted isn't known");
  if (*encrypted == "no") return passes("it was audited: it isn't encrypted");
  const std::string* manager = fact.text("key_manager");
  if (manager == nullptr || manager->empty() || *manager == "unknown")
    return unproven("who manages its key isn't known");
  return passes("it was audited: encrypted, its key's manager is known");
}

// What the audit found doesn't matter here: only that it found something out about everything.
std::vector<SubjectVerdict> storage_audit(const View& view) {
  std::vector<SubjectVerdict> out;
  for (const Subject& subject : known_subjects(view)) {
    if (subject.kind != SubjectKind::kLocation) continue;
    const Question question = {subject, "it wasn't audited", "cloister posture audit"};
    out.push_back(judge_by(view, question, view.about("storage.encryption", subject), has_verdict));
  }
  if (out.empty()) return out;
  out.push_back(recorded(view, "quarterly-storage-audit"));
  return out;
}

Finding has_path_verdict(const Fact& fact) {
  const std::string* verdict = fact.text("verdict");
  if (verdict == nullptr || *verdict == "unknown" || verdict->empty()) return unproven("nothing is known about it");
  if (*verdict == "configured" || *verdict == "provider-only") return unproven("it was read about, and not looked at");
  const auto undeclared = fact.truth("undeclared");
  if (undeclared.value_or(false))
    return fails("it was seen, and nobody declared it", "declare it in the estate, or stop it");
  return passes("it was audited: " + *verdict);
}

std::vector<SubjectVerdict> path_audit(const View& view) {
  std::vector<SubjectVerdict> out;
  for (const Subject& subject : known_subjects(view)) {
    if (subject.kind != SubjectKind::kEdge) continue;
    const Question question = {subject, "it wasn't audited", "cloister paths check"};
    out.push_back(judge_by(view, question, view.about("path.edge", subject), has_path_verdict));
  }
  if (out.empty()) return out;
  out.push_back(recorded(view, "quarterly-path-audit"));
  return out;
}

Finding look_at_candidate(const Fact& fact) {
  const std::string* decision = fact.text("decision");
  if (decision == nullptr || decision->empty()) return unproven("nobody decided about it");
  const std::string* owner = fact.text("owner");
  const std::string* approver = fact.text("approver");
  const std::string people =
      owner == nullptr || approver == nullptr ? "they aren't both named" : problem_of_people(*owner, *approver);
  if (!people.empty())
    return fails("what was decided about it has no second person behind it: " + people,
                 "have the decision approved by somebody else");
  return passes("decided: " + *decision + ", approved by " + *approver);
}

Finding look_at_pilot(const View& view, const Fact& fact) {
  const auto text = [&](std::string_view name) {
    return fact.text(name) == nullptr ? std::string() : *fact.text(name);
  };
  const auto* releases = fact.list("releases");
  if (text("workload").empty() || text("owner").empty()) return unproven("the pilot names no workload or no owner");
  if (text("completed_at").empty()) return fails("the pilot isn't completed", "complete it: docs/posture.md");
  const auto old = age(view, fact.text("completed_at"));
  if (!old) return unproven("when the pilot was completed isn't known");
  if (*old > kPilotAgeMax) return fails("the last pilot is older than a year", "run another");
  if (text("decision").empty()) return fails("nothing was decided after the pilot", "decide whether to go on");
  if (releases == nullptr || releases->empty())
    return unproven("the pilot has no attested release that somebody could verify again");
  return passes("pilot of " + text("workload") + " completed: " + text("decision"));
}

// What the pilot names as released counts as far as what is kept gives the same verdict when it is decided again.
Finding look_at_kept(const Fact& fact) {
  const std::string remediation = "cloister attest replay --all; keep the archive";
  const auto again = fact.number("reverified"), inconsistent = fact.number("inconsistent");
  if (!again || !inconsistent) return unproven("which releases give the same verdict again isn't counted", remediation);
  if (*inconsistent != 0) {
    return fails(std::to_string(*inconsistent) + " releases give another verdict when they are decided again",
                 remediation);
  }
  if (*again < 1) return unproven("no release was decided again", remediation);
  return passes(std::to_string(*again) + " releases give the same verdict again");
}

SubjectVerdict pilot(const View& view) {
  std::vector<SubjectVerdict> parts;
  parts.push_back(judge_by(view, {the_platform(), "no pilot is recorded", "cloister posture candidates"},
                           view.about("pilot", the_platform()),
                           [&](const Fact& fact) { return look_at_pilot(view, fact); }));
  parts.push_back(judge_by(view, {the_platform(), "nobody looked at what is kept of releases"},
                           view.about("attestation.releases", the_platform()), look_at_kept));
  return all_of(the_platform(), std::move(parts));
}

std::vector<SubjectVerdict> candidates(const View& view) {
  std::vector<SubjectVerdict> out;
  for (const Workload& workload : view.estate().workloads) {
    if (!in_scope(workload.label)) continue;
    const Subject subject = {SubjectKind::kWorkload, workload.name};
    const Question question = {subject, "nobody assessed it", "cloister posture candidates"};
    out.push_back(judge_by(view, question, view.about("assessment.workload", subject), look_at_candidate));
  }
  if (out.empty()) return out;
  out.push_back(pilot(view));
  return out;
}

constexpr std::array<JudgeOf, 3> kJudges = {
    {{"AUD-01", storage_audit}, {"AUD-02", path_audit}, {"AUD-03", candidates}}};

}  // namespace

std::span<const JudgeOf> audit_judges() { return kJudges; }

}  // namespace cloister::posture
