// Verdicts from facts, and from other verdicts.
#include "posture/judge/proof.h"

#include <algorithm>

#include "posture/people.h"

namespace cloister::posture {
namespace {

// A location may have a hundred thousand objects that all say the same: each has a verdict of its own.
constexpr std::size_t kEvidenceMax = 64;
constexpr std::size_t kReasonSizeMax = 1000;

void add_evidence(SubjectVerdict& verdict, const std::vector<std::string>& evidence) {
  for (const std::string& id : evidence) {
    if (verdict.evidence.size() >= kEvidenceMax) return;
    if (std::ranges::find(verdict.evidence, id) == verdict.evidence.end()) verdict.evidence.push_back(id);
  }
}

void add_line(std::string& text, std::string_view line) {
  if (line.empty() || text.size() > kReasonSizeMax || text.find(line) != std::string::npos) return;
  if (!text.empty()) text += "; ";
  text += line;
}

bool any_is(const std::vector<SubjectVerdict>& parts, Status status) {
  return std::ranges::any_of(parts, [&](const SubjectVerdict& part) { return part.status == status; });
}

// Reasons, remediation and evidence of the parts with that status.
SubjectVerdict decided_by(Subject subject, const std::vector<SubjectVerdict>& parts, Status status) {
  SubjectVerdict verdict;
  verdict.subject = std::move(subject);
  verdict.status = status;
  for (const SubjectVerdict& part : parts) {
    if (part.status != status) continue;
    add_line(verdict.reason, part.reason);
    add_line(verdict.remediation, part.remediation);
    add_evidence(verdict, part.evidence);
  }
  return verdict;
}

std::string how_to_run(std::string_view drill) {
  static constexpr std::string_view kOfTheProgram[] = {"kek-rotation", "dek-rotation", "destruction", "aead-limits",
                                                       "attested-release"};
  const std::string name(drill);
  const bool runs = drill.starts_with("RT-") || std::ranges::find(kOfTheProgram, drill) != std::end(kOfTheProgram);
  return runs ? "cloister redteam run " + name + " --authorised-by NAME" : "run the drill \"" + name + "\"";
}

Finding look_at_drill(const Fact& fact, const DrillAsked& asked, Time now) {
  const bool about_all = fact.subject.kind == SubjectKind::kPlatform;
  const std::string name = std::string(asked.drill) + (about_all ? "" : " on " + fact.subject.text());
  const std::string again = "find out why, repair it, and run it again: " + how_to_run(asked.drill);
  const std::string* outcome = fact.text("outcome");
  if (outcome == nullptr) return unproven(name + " doesn't say how it ended");
  if (*outcome == "failed") return fails(name + " wasn't defended", again);
  if (*outcome != "defended") return unproven(name + " wasn't run");
  const std::optional<std::int64_t> cases = fact.number("cases");
  if (!cases || *cases < 1) return unproven(name + " doesn't say that it tried anything");
  const std::optional<std::int64_t> refused = fact.number("refused");
  if (asked.every_case_refused && !refused) return unproven(name + " doesn't say how many cases were refused");
  if (refused && *refused < *cases && asked.every_case_refused) {
    return fails(
        std::to_string(*cases - *refused) + " of " + std::to_string(*cases) + " cases of " + name + " weren't refused",
        again);
  }
  for (const std::string_view cover : asked.covers) {
    if (!contains(fact.list("covers"), cover)) return unproven(name + " doesn't show \"" + std::string(cover) + "\"");
  }
  if (asked.alerts) {
    const std::optional<bool> alerts = fact.truth("alerts_seen");
    if (!alerts) return unproven(name + " doesn't say whether anybody was told");
    if (!*alerts) return fails(name + " was defended, and nobody was told", "let its refusals reach whoever watches");
  }
  if (fact.at + asked.age_max < now)
    return unproven(name + " was last run at " + to_rfc3339(fact.at) + ", too long ago", how_to_run(asked.drill));
  return passes(name + " was defended in all of its " + std::to_string(*cases) + " cases");
}

}  // namespace

Finding passes(std::string reason) { return {Status::kPass, std::move(reason), {}}; }
Finding fails(std::string reason, std::string remediation) {
  return {Status::kFail, std::move(reason), std::move(remediation)};
}
Finding unproven(std::string reason, std::string remediation) {
  return {Status::kNotAssessed, std::move(reason), std::move(remediation)};
}

std::string why_no_proof(const View& view, const Fact& fact) {
  if (fact.not_assessed) return fact.collector + " couldn't look: " + *fact.not_assessed;
  if (fact.at > view.now()) return fact.collector + " dates its fact in the future: " + to_rfc3339(fact.at);
  if (view.expired(fact)) return fact.kind + " of " + to_rfc3339(fact.at) + " is too old";
  if (fact.simulated) return fact.kind + " is about a simulation, which proves nothing about the real thing";
  return {};
}

SubjectVerdict verdict_of(Subject subject, Finding finding, std::vector<std::string> evidence) {
  SubjectVerdict verdict;
  verdict.subject = std::move(subject);
  verdict.status = finding.status;
  verdict.reason = std::move(finding.reason);
  verdict.remediation = std::move(finding.remediation);
  verdict.evidence = std::move(evidence);
  return verdict;
}

SubjectVerdict judge_by(const View& view, const Question& question, const Facts& facts, const Look& look) {
  if (facts.empty()) return not_assessed(question.subject, question.nobody, question.remediation);
  std::vector<SubjectVerdict> parts;
  parts.reserve(facts.size());
  for (const Fact* fact : facts) {
    std::string why = why_no_proof(view, *fact);
    parts.push_back(verdict_of(question.subject,
                               why.empty() ? look(*fact) : unproven(std::move(why), question.remediation),
                               {view.id_of(*fact)}));
  }
  return all_of(question.subject, std::move(parts));
}

SubjectVerdict all_of(Subject subject, std::vector<SubjectVerdict> parts) {
  CLOISTER_CHECK(!parts.empty());
  if (parts.size() == 1) {
    parts.front().subject = std::move(subject);
    return std::move(parts.front());
  }
  const Status status = any_is(parts, Status::kFail)          ? Status::kFail
                        : any_is(parts, Status::kNotAssessed) ? Status::kNotAssessed
                                                              : Status::kPass;
  return decided_by(std::move(subject), parts, status);
}

SubjectVerdict any_of(Subject subject, std::vector<SubjectVerdict> parts) {
  CLOISTER_CHECK(!parts.empty());
  if (any_is(parts, Status::kPass)) return decided_by(std::move(subject), parts, Status::kPass);
  return all_of(std::move(subject), std::move(parts));
}

namespace {

Facts drills(const View& view, const Subject& subject, std::string_view name) {
  Facts facts;
  for (const Fact* fact : view.all("drill")) {
    const std::string* drill = fact->text("drill");
    const bool about = fact->subject == subject || fact->subject.kind == SubjectKind::kPlatform ||
                       subject.kind == SubjectKind::kPlatform;
    if (about && drill != nullptr && *drill == name) facts.push_back(fact);
  }
  return facts;
}

}  // namespace

SubjectVerdict judge_drill(const View& view, const Subject& subject, const DrillAsked& asked) {
  const Facts facts = drills(view, subject, asked.drill);
  const std::string name(asked.drill);
  const Question question{subject, name + " wasn't run", how_to_run(asked.drill)};
  return judge_by(view, question, facts, [&](const Fact& fact) { return look_at_drill(fact, asked, view.now()); });
}

SubjectVerdict judge_drills(const View& view, const Subject& subject, const std::vector<DrillAsked>& asked) {
  std::vector<SubjectVerdict> parts;
  for (const DrillAsked& drill : asked) parts.push_back(judge_drill(view, subject, drill));
  return all_of(subject, std::move(parts));
}

void add_drills_run(const View& view, std::initializer_list<std::string_view> names, std::vector<SubjectVerdict>& out) {
  for (const std::string_view name : names) {
    if (!drills(view, the_platform(), name).empty()) out.push_back(judge_drill(view, the_platform(), {.drill = name}));
  }
}

Facts records(const View& view, std::string_view record, const Subject& subject) {
  Facts out;
  for (const Fact* fact : view.about("record", subject)) {
    const std::string* name = fact->text("record");
    if (name != nullptr && *name == record) out.push_back(fact);
  }
  return out;
}

Finding check_record(const View& view, const Fact& record) {
  const std::string* owner = record.text("owner");
  const std::string* approver = record.text("approver");
  if (owner == nullptr || approver == nullptr) return unproven("the record doesn't name its owner and its approver");
  const std::string people = problem_of_people(*owner, *approver);
  if (!people.empty()) return unproven("the record doesn't count: " + people);
  const std::optional<Duration> old = age(view, record.text("date"));
  if (!old) return unproven("the record has no date that has come");
  if (*old > days(365)) return unproven("the record is older than a year");
  return passes("recorded by " + *owner + ", approved by " + *approver);
}

Subject the_platform() { return {SubjectKind::kPlatform, ""}; }

bool in_scope(const Label& label) {
  static constexpr std::string_view kElsewhere[] = {"development", "dev",     "test", "testing",
                                                    "staging",     "sandbox", "lab"};
  return std::ranges::find(kElsewhere, label.environment) == std::end(kElsewhere);
}

bool contains(const std::vector<std::string>* list, std::string_view item) {
  return list != nullptr && std::ranges::find(*list, item) != list->end();
}

std::string joined(const std::vector<std::string>& items, std::string_view between) {
  std::string out;
  for (const std::string& item : items) {
    if (!out.empty()) out += between;
    out += item;
  }
  return out;
}

std::optional<std::int64_t> sum(const Fact& fact, std::initializer_list<std::string_view> names) {
  std::int64_t total = 0;
  for (const std::string_view name : names) {
    const std::optional<std::int64_t> number = fact.number(name);
    // Facts from elsewhere may say anything: nothing here may overflow, and no negative count hides another.
    if (!number || *number < 0 || *number > INT64_MAX - total) return std::nullopt;
    total += *number;
  }
  return total;
}

std::optional<Duration> age(const View& view, const std::string* rfc3339) {
  if (rfc3339 == nullptr) return std::nullopt;
  const Result<Time> time = parse_rfc3339(*rfc3339);
  if (!time || *time > view.now()) return std::nullopt;
  return view.now() - *time;
}

}  // namespace cloister::posture
