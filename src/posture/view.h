// What a judge of a control may look at: the estate, and the facts that are still valid, by kind and subject. A fact
// that is too old is there as "not assessed", with its age as the reason.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <vector>

#include "posture/assessment.h"

namespace cloister::posture {

class View {
 public:
  View(const Estate& estate, std::span<const Fact> facts, Time now);

  const Estate& estate() const { return *estate_; }
  Time now() const { return now_; }

  // The newest of each collector about that subject; empty: nobody looked.
  std::vector<const Fact*> about(std::string_view kind, const Subject& subject) const;
  // The newest of each subject and collector, ordered by subject.
  std::vector<const Fact*> all(std::string_view kind) const;
  bool expired(const Fact& fact) const { return fact.valid_until < now_; }
  const std::string& id_of(const Fact& fact) const;  // computed once

 private:
  const Estate* estate_;
  Time now_;
  std::vector<const Fact*> newest_;  // by kind, subject, collector
  mutable std::map<const Fact*, std::string> ids_;
};

// What one fact says of one subject.
struct Finding {
  Status status = Status::kNotAssessed;
  std::string reason;
  std::string remediation;
};

// Judges one subject by every fact of that kind about it: not assessed where there is none, where one is too old or
// couldn't look; else the worst of what `look` says of each.
SubjectVerdict judge_subject(const View& view, std::string_view kind, const Subject& subject,
                             const std::function<Finding(const Fact&)>& look);
SubjectVerdict not_assessed(Subject subject, std::string reason, std::string remediation = {});

// Verdicts over a control's subjects. Each lives in judge/, one file per prefix; `judges()` is the one table.
using Judge = std::vector<SubjectVerdict> (*)(const View& view);
struct JudgeOf {
  std::string_view control;
  Judge judge;
};
std::span<const JudgeOf> judges();

}  // namespace cloister::posture
