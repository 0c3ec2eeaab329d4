// What a judge of a control may look at: the estate, and the facts that are still valid, by kind and subject. A fact
// that is too old is there as "not assessed", with its age as the reason. One about a subject that isn't declared and
// was decommissioned since, by a record that has no problem, isn't there.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <vector>

#include "posture/assessment.h"

namespace cloister::posture {

class View {
 public:
  // The estate and the facts outlive it.
  View(const Estate& estate, std::span<const Fact> facts, Time now);
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  const Estate& estate() const { return *estate_; }
  Time now() const { return now_; }

  // The newest of each collector about that subject; empty: nobody looked. Of kinds of which a collector says several
  // about one subject the newest of each: "drill" by `drill`, "record" by `record` and `control`, "storage.encryption"
  // by `level`, "transient.persistence" by `what` and `where`. Of those of the same time all: none replaces another.
  std::vector<const Fact*> about(std::string_view kind, const Subject& subject) const;
  // All of them, by kind, subject and collector.
  std::span<const Fact* const> newest() const { return newest_; }
  // The newest of each subject and collector, ordered by subject.
  std::vector<const Fact*> all(std::string_view kind) const;
  bool expired(const Fact& fact) const { return fact.valid_until < now_; }
  const std::string& id_of(const Fact& fact) const;  // computed once
  // Whether somebody looked at what these ids prove: one of them, that id_of() gave, is neither a person's word nor
  // made by a simulation.
  bool seen(std::span<const std::string> ids) const;

 private:
  const Estate* estate_;
  Time now_;
  std::vector<const Fact*> newest_;  // by kind, subject, collector
  mutable std::map<const Fact*, std::string> ids_;
  mutable std::map<std::string_view, const Fact*> facts_by_id_;  // of ids_
};

// What one fact says of one subject.
struct Finding {
  Status status = Status::kNotAssessed;
  std::string reason;
  std::string remediation;
};

SubjectVerdict not_assessed(Subject subject, std::string reason, std::string remediation = {});

// Verdicts over a control's subjects. Each lives in judge/, one file per prefix; `judges()` is the one table.
using Judge = std::vector<SubjectVerdict> (*)(const View& view);
struct JudgeOf {
  std::string_view control;
  Judge judge;
};
std::span<const JudgeOf> judges();

}  // namespace cloister::posture
