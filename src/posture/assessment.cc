// The engine: what the judges say, what records and exceptions change of it, and how much of the estate was measured.
#include "posture/assessment.h"

#include <algorithm>
#include <array>
#include <map>

#include "crypto/hash.h"
#include "posture/records.h"
#include "posture/subjects.h"
#include "posture/view.h"

namespace cloister::posture {
namespace {

constexpr std::array<std::string_view, kStatusCount> kStatuses = {"pass", "fail", "not-assessed", "not-applicable",
                                                                  "exception"};

// Worst first in reports.
int rank(Status status) {
  switch (status) {
    case Status::kFail: return 0;
    case Status::kNotAssessed: return 1;
    case Status::kException: return 2;
    case Status::kNotApplicable: return 3;
    case Status::kPass: return 4;
  }
  return 0;
}

bool worse(const SubjectVerdict& left, const SubjectVerdict& right) {
  if (left.status != right.status) return rank(left.status) < rank(right.status);
  return left.subject < right.subject;
}

bool measured(Status status) { return status == Status::kPass || status == Status::kFail; }

// A judge has three words; and what it passes, it has seen.
void hold_to_evidence(SubjectVerdict& verdict) {
  const bool word = measured(verdict.status) || verdict.status == Status::kNotAssessed;
  if (word && (verdict.status != Status::kPass || !verdict.evidence.empty())) return;
  verdict.status = Status::kNotAssessed;
  verdict.reason = "no evidence for it: " + verdict.reason;
}

std::vector<SubjectVerdict> judge(const View& view, std::string_view control) {
  const auto table = judges();
  const auto found = std::ranges::find(table, control, &JudgeOf::control);
  if (found == table.end()) return {};
  std::map<Subject, SubjectVerdict> by_subject;
  for (SubjectVerdict& verdict : found->judge(view)) {
    hold_to_evidence(verdict);
    const auto [place, added] = by_subject.try_emplace(verdict.subject, verdict);
    if (!added && rank(verdict.status) < rank(place->second.status)) place->second = std::move(verdict);
  }
  std::vector<SubjectVerdict> out;
  out.reserve(by_subject.size());
  for (auto& [subject, verdict] : by_subject) out.push_back(std::move(verdict));
  return out;
}

std::string summary(const ControlAssessment& control) {
  if (control.subjects.empty()) return "there is nothing that it could be judged on";
  std::array<std::size_t, kStatusCount> count{};
  for (const SubjectVerdict& verdict : control.subjects) ++count[static_cast<std::size_t>(verdict.status)];
  if (control.subjects.size() == 1) return control.subjects.front().reason;
  std::string out = std::to_string(control.subjects.size()) + " subjects:";
  for (const Status status : {Status::kFail, Status::kNotAssessed, Status::kException, Status::kPass}) {
    const std::size_t of = count[static_cast<std::size_t>(status)];
    if (of != 0) out += " " + std::to_string(of) + " " + std::string(name_of(status)) + ",";
  }
  out.pop_back();
  return out;
}

class Engine {
 public:
  Engine(const Catalogue& catalogue, const Estate& estate, std::span<const Fact> facts, Time now)
      : catalogue_(catalogue), view_(estate, facts, now) {
    out_.at = now;
    out_.estate = estate.id;
    out_.estate_digest = estate.digest;
    out_.catalogue_version = catalogue.version;
    out_.catalogue_digest = catalogue.digest;
    for (const Subject& subject : known_subjects(view_)) known_.emplace(subject, false);
  }

  void judge_all() {
    for (const Control& control : catalogue_.controls) {
      ControlAssessment& assessed = out_.controls.emplace_back();
      assessed.control = control.id;
      assessed.subjects = judge(view_, control.id);
      if (control.id != "INV-01") count_measured(assessed);
    }
    for (const auto& [subject, measured] : known_) {
      ++out_.coverage.known;
      if (measured) ++out_.coverage.assessed;
    }
  }

  void except(std::span<const Exception> exceptions) {
    for (const Exception& exception : exceptions) {
      const std::string problem = use(exception);
      if (!problem.empty())
        out_.exception_problems.push_back(exception.control + " " + exception.subject.text() + ": " + problem);
    }
  }

  Assessment finish() && {
    for (ControlAssessment& control : out_.controls) {
      std::ranges::sort(control.subjects, worse);
      control.status = fold(control.subjects);
      control.reason = summary(control);
      if (control.subjects.empty()) use_record(control);
    }
    return std::move(out_);
  }

 private:
  // What only a person said of it isn't measured.
  void count_measured(const ControlAssessment& control) {
    for (const SubjectVerdict& verdict : control.subjects) {
      const auto known = known_.find(verdict.subject);
      if (known != known_.end() && measured(verdict.status) && view_.seen(verdict.evidence)) known->second = true;
    }
  }

  // Empty, or why it has no effect.
  std::string use(const Exception& exception) {
    std::string problem = problem_of(exception, view_.now());
    if (!problem.empty()) return problem;
    const Control* control = catalogue_.find(exception.control);
    if (control == nullptr) return "there is no control of that name";
    if (control->critical) return "the control is critical, and takes no exception";
    ControlAssessment& assessed = out_.controls[static_cast<std::size_t>(control - catalogue_.controls.data())];
    const auto verdict = std::ranges::find(assessed.subjects, exception.subject, &SubjectVerdict::subject);
    if (verdict == assessed.subjects.end()) return "the control has no such subject";
    if (verdict->exception) return "there is another exception for it";
    if (verdict->status == Status::kPass) return "it passes, and needs none";
    verdict->status = Status::kException;
    verdict->exception = exception;
    return "";
  }

  // What exists isn't made inapplicable by a word: the record counts where there is nothing to judge.
  void use_record(ControlAssessment& control) {
    const std::vector<const Fact*> records = view_.about("record", {});
    const auto found = std::ranges::find_if(records, [&](const Fact* record) {
      const std::string* kind = record->text("record");
      const std::string* of = record->text("control");
      return kind != nullptr && *kind == "not-applicable" && of != nullptr && *of == control.control &&
             problem_of_record(*record, view_.now()).empty();
    });
    if (found == records.end()) return;
    const Fact* record = *found;
    control.status = Status::kNotApplicable;
    control.reason = "recorded as not applicable: " + *record->text("reason");
    SubjectVerdict& verdict = control.subjects.emplace_back();
    verdict.status = Status::kNotApplicable;
    verdict.reason = "approved by " + *record->text("approver") + ", until " + to_rfc3339(record->valid_until);
    verdict.evidence.push_back(view_.id_of(*record));
  }

  const Catalogue& catalogue_;
  View view_;
  std::map<Subject, bool> known_;  // and whether it was measured
  Assessment out_;
};

}  // namespace

std::string_view name_of(Status status) { return kStatuses[static_cast<std::size_t>(status)]; }

std::string SubjectVerdict::fingerprint(std::string_view control) const {
  const std::string text = std::string(control) + '\0' + subject.text();
  return to_hex(crypto::sha256(as_bytes(text))).substr(0, 32);
}

const ControlAssessment* Assessment::find(std::string_view control) const {
  const auto found = std::ranges::find(controls, control, &ControlAssessment::control);
  return found == controls.end() ? nullptr : &*found;
}

Status Assessment::status_of(std::string_view control) const {
  const ControlAssessment* found = find(control);
  return found == nullptr ? Status::kNotAssessed : found->status;
}

Status fold(std::span<const SubjectVerdict> subjects) {
  const auto any = [&](Status status) {
    return std::ranges::find(subjects, status, &SubjectVerdict::status) != subjects.end();
  };
  if (any(Status::kFail)) return Status::kFail;
  if (subjects.empty() || any(Status::kNotAssessed)) return Status::kNotAssessed;
  if (any(Status::kException)) return Status::kException;
  return any(Status::kPass) ? Status::kPass : Status::kNotApplicable;
}

Assessment assess(const Catalogue& catalogue, const Estate& estate, std::span<const Fact> facts,
                  std::span<const Exception> exceptions, Time now) {
  Engine engine(catalogue, estate, facts, now);
  engine.judge_all();
  engine.except(exceptions);
  return std::move(engine).finish();
}

}  // namespace cloister::posture
