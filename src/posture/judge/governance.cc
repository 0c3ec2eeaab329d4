// GOV: threats, reviews and audits on record, and evidence that can't lie by omission.
#include <array>

#include "posture/judge/judge.h"
#include "posture/judge/proof.h"

namespace cloister::posture {
namespace {

constexpr int kThreatClasses = 16;  // T1 to T16: docs/formats/facts.md
constexpr Duration kThreatModelAgeMax = days(180);
constexpr Duration kReviewAgeMax = days(90);
constexpr Duration kAuditAgeMax = days(365);
constexpr std::int64_t kRetentionDaysMin = 183;  // six months, which the EU's AI Act asks of logs

std::string how_to_record(std::string_view record) { return "cloister posture record " + std::string(record); }

// The record by that name about the platform: complete, no older than that, and then what `look` says of it.
std::vector<SubjectVerdict> on_record(const View& view, std::string_view record, Duration age_max, const Look& look) {
  const Question question = {the_platform(), "there is no record \"" + std::string(record) + "\"",
                             how_to_record(record)};
  return {judge_by(view, question, records(view, record, the_platform()), [&](const Fact& fact) {
    Finding checked = check_record(view, fact);
    if (checked.status != Status::kPass) return checked;
    const auto old = age(view, fact.text("date"));
    if (!old) return unproven("the record has no date");
    if (*old > age_max)
      return fails("the record is older than " + std::to_string(age_max.ms / days(1).ms) + " days",
                   how_to_record(record));
    return look(fact);
  })};
}

// Whether there is none of these; not assessed where nobody counted.
Finding none_of(const Fact& fact, std::string_view number, const std::string& are_there,
                const std::string& remediation) {
  const auto count = fact.number(number);
  if (!count || *count < 0) return unproven("the record has no number \"" + std::string(number) + "\"");
  if (*count > 0) return fails(std::to_string(*count) + " " + are_there, remediation);
  return passes("");
}

Finding look_at_threats(const Fact& fact) {
  Finding orphans =
      none_of(fact, "orphans", "threats or gating controls lead nowhere", "link each to one of the other");
  if (orphans.status != Status::kPass) return orphans;
  Finding apart = none_of(fact, "out_of_sync", "components are in the estate or the threat model alone",
                          "bring the threat model up to the estate");
  if (apart.status != Status::kPass) return apart;
  const auto* covers = fact.list("covers");
  if (covers == nullptr) return unproven("the record doesn't say which classes of threats it covers");
  for (int i = 1; i <= kThreatClasses; ++i) {
    const std::string threat = "T" + std::to_string(i);
    if (!contains(covers, threat)) return fails("the class " + threat + " is missing", "add threats of that class");
  }
  return passes("every class of threats is in it, linked to controls both ways, and it fits the estate");
}

std::vector<SubjectVerdict> threat_model(const View& view) {
  return on_record(view, "threat-model", kThreatModelAgeMax, look_at_threats);
}

Finding look_at_review(const Fact& fact) {
  Finding overdue = none_of(fact, "overdue", "decisions are overdue", "close them, or decide again");
  if (overdue.status != Status::kPass) return overdue;
  const auto enforced = fact.truth("thresholds_enforced");
  if (!enforced) return unproven("the record doesn't say whether a gate holds releases to the thresholds");
  if (!*enforced)
    return fails("no gate holds releases to the thresholds", "run cloister posture gate before a release");
  const std::string* report = fact.text("report");
  if (report == nullptr || report->empty()) return unproven("the record doesn't say which report was reviewed");
  return passes("reviewed on time, nothing overdue, thresholds held by a gate");
}

std::vector<SubjectVerdict> review(const View& view) {
  return on_record(view, "review", kReviewAgeMax, look_at_review);
}

Finding look_at_audit(const Fact& fact) {
  Finding open =
      none_of(fact, "open_high", "findings of high severity are open", "repair them, and have them tried again");
  if (open.status != Status::kPass) return open;
  Finding overdue = none_of(fact, "overdue", "findings are overdue", "repair them, or decide about them");
  if (overdue.status != Status::kPass) return overdue;
  const auto* covers = fact.list("covers");
  if (covers == nullptr || covers->empty()) return unproven("the record doesn't say what was audited");
  Finding changed =
      none_of(fact, "unreviewed", "changes of the cryptography since weren't looked at", "have them reviewed");
  if (changed.status != Status::kPass) return changed;
  return passes("audited within a year, what was found is closed, changes since are reviewed");
}

std::vector<SubjectVerdict> external_audit(const View& view) {
  return on_record(view, "external-audit", kAuditAgeMax, look_at_audit);
}

Finding look_at_store(const Fact& fact) {
  const auto sampled = fact.number("sampled");
  const auto verified = fact.number("verified");
  const auto tampering = fact.truth("tamper_detected");
  const auto bare = fact.number("passes_without_fresh_evidence");
  const auto kept = fact.number("retention_days");
  const auto asked = fact.number("retention_policy_days");
  const auto is_signed = fact.truth("signed");
  const auto chained = fact.truth("chained");
  const auto anchored = fact.truth("anchored");
  if (sampled && verified && *verified < *sampled)
    return fails(std::to_string(*sampled - *verified) + " of " + std::to_string(*sampled) + " facts don't verify",
                 "find out who changed them; collect again");
  if (tampering && !*tampering) return fails("a changed fact went unnoticed", "keep evidence in the home's store");
  if (bare && *bare > 0) return fails(std::to_string(*bare) + " passes have no fresh evidence", "run the audit again");
  if (is_signed && !*is_signed) return fails("its bundles aren't signed", "run the audit with a home");
  if (chained && !*chained) return fails("its runs aren't chained", "keep evidence in the home's store");
  if (anchored && !*anchored)
    return fails("the audit log doesn't have the root of each run",
                 "find out who wrote the runs; keep them in the home");
  if (kept && (*kept < kRetentionDaysMin || (asked && *kept < *asked)))
    return fails("evidence is kept for " + std::to_string(*kept) + " days, which is too short", "keep it for longer");
  if (!sampled || *sampled < 1 || !verified || !tampering || bare != 0 || !kept || !is_signed || !chained || !anchored)
    return unproven("not all of the evidence store was looked at");
  return passes("a sample of " + std::to_string(*sampled) + " facts verifies, changes are noticed, kept for " +
                std::to_string(*kept) + " days");
}

std::vector<SubjectVerdict> evidence(const View& view) {
  const Question question = {the_platform(), "evidence isn't kept", "cloister posture audit, with a home"};
  return {judge_by(view, question, view.about("evidence.store", the_platform()), look_at_store)};
}

Finding look_at_exceptions(const Fact& fact) {
  const auto invalid = fact.number("invalid");
  const auto effective = fact.number("invalid_with_effect");
  const auto cases = fact.number("cases");
  const auto refused = fact.number("refused");
  const auto resurface = fact.truth("expired_resurface");
  if (effective && *effective > 0)
    return fails(std::to_string(*effective) + " exceptions that aren't valid have an effect",
                 "report this: it is a defect");
  if (invalid && *invalid > 0)
    return fails(std::to_string(*invalid) + " exceptions aren't valid", "fill in what they lack, or remove them");
  if (cases && refused && *refused < *cases)
    return fails("an exception that must be refused wasn't", "report this: it is a defect");
  if (resurface && !*resurface)
    return fails("what an expired exception hid stays hidden", "report this: it is a defect");
  if (invalid != 0 || effective != 0 || !cases || *cases < 1 || !refused || !resurface)
    return unproven("not all about exceptions was tried");
  return passes("every exception is valid, and what expires comes back");
}

std::vector<SubjectVerdict> exceptions(const View& view) {
  const Question question = {the_platform(), "nobody looked at the exceptions", "cloister posture audit"};
  return {judge_by(view, question, view.about("exceptions.register", the_platform()), look_at_exceptions)};
}

std::vector<SubjectVerdict> no_silent_pass(const View& view) {
  return {judge_drills(
      view, the_platform(),
      {{.drill = "blind-scanner", .every_case_refused = true}, {.drill = "monotonicity", .every_case_refused = true}})};
}

constexpr std::array<JudgeOf, 6> kJudges = {{{"GOV-01", threat_model},
                                             {"GOV-02", review},
                                             {"GOV-03", external_audit},
                                             {"GOV-04", evidence},
                                             {"GOV-05", exceptions},
                                             {"GOV-06", no_silent_pass}}};

}  // namespace

std::span<const JudgeOf> governance_judges() { return kJudges; }

}  // namespace cloister::posture
