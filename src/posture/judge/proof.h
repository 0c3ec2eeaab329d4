// What judges have in common: which facts prove something, and how one verdict is put together from several.
#pragma once

#include "posture/shell_word.h"
#include "posture/view.h"

namespace cloister::posture {

Finding passes(std::string reason);
Finding fails(std::string reason, std::string remediation);
Finding unproven(std::string reason, std::string remediation = {});

// Why a fact proves nothing, whatever it says: it couldn't look, it is too old, or a simulation made it. Empty: it
// does.
std::string why_no_proof(const View& view, const Fact& fact);

using Facts = std::vector<const Fact*>;
using Look = std::function<Finding(const Fact&)>;

// What is asked of a subject, and what to say where no fact speaks about it.
struct Question {
  Subject subject;
  std::string nobody;
  std::string remediation = {};
};
// The worst of what the facts prove: a fail, or not assessed where one of them proves nothing. No facts: not assessed.
SubjectVerdict judge_by(const View& view, const Question& question, const Facts& facts, const Look& look);
SubjectVerdict verdict_of(Subject subject, Finding finding, std::vector<std::string> evidence = {});

// All parts must pass. The reason is that of the parts that decided. At least one part.
SubjectVerdict all_of(Subject subject, std::vector<SubjectVerdict> parts);
// One part that passes is enough; else the worst of them holds.
SubjectVerdict any_of(Subject subject, std::vector<SubjectVerdict> parts);

// A drill that must have ended in its defended outcome.
struct DrillAsked {
  std::string_view drill;                     // "RT-K12", "kek-rotation"
  std::vector<std::string_view> covers = {};  // what it must have shown
  bool alerts = false;                        // that somebody was told
  bool every_case_refused = false;
  Duration age_max = kDrillValid;  // whatever it says itself of how long it holds
};
// About the subject, or about the platform as a whole; for the platform, about any subject.
SubjectVerdict judge_drill(const View& view, const Subject& subject, const DrillAsked& asked);
// Of several drills, all.
SubjectVerdict judge_drills(const View& view, const Subject& subject, const std::vector<DrillAsked>& asked);
// Drills that nobody must run for a control, and that count where they were: one that failed is a fail.
void add_drills_run(const View& view, std::initializer_list<std::string_view> names, std::vector<SubjectVerdict>& out);

// The records of that name about the subject; those that are no evidence too.
Facts records(const View& view, std::string_view record, const Subject& subject);
// Owner and approver, two people, are named, and its date isn't in the future.
Finding check_record(const View& view, const Fact& record);

// Everything but what says that it is for development, tests or staging: an entry without a label is in scope.
bool in_scope(const Label& label);
bool contains(const std::vector<std::string>* list, std::string_view item);
std::string joined(const std::vector<std::string>& items, std::string_view between);
// Numbers under these names, all of them; nothing where one is missing.
std::optional<std::int64_t> sum(const Fact& fact, std::initializer_list<std::string_view> names);
// How long ago that text says; nothing where it is no time, or one in the future.
std::optional<Duration> age(const View& view, const std::string* rfc3339);
// The estate as a whole.
Subject the_platform();

}  // namespace cloister::posture
