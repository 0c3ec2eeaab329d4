// Facts in, verdicts out: each control judged over its subjects, and what no fact speaks about not assessed. Pure: the
// same catalogue, estate, facts, exceptions and time give the same assessment, today and when an auditor repeats it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "posture/catalogue.h"
#include "posture/estate.h"
#include "posture/exception.h"
#include "posture/fact.h"

namespace cloister::posture {

enum class Status : std::uint8_t { kPass, kFail, kNotAssessed, kNotApplicable, kException };
inline constexpr std::size_t kStatusCount = 5;
std::string_view name_of(Status status);  // "pass", "fail", "not-assessed", "not-applicable", "exception"

struct SubjectVerdict {
  Subject subject;
  Status status = Status::kNotAssessed;
  std::string reason;                  // one line: what was seen against what was asked
  std::vector<std::string> evidence;   // ids of facts; a pass has at least one
  std::string remediation;             // what to do about it, a command where there is one; empty for a pass
  std::optional<Exception> exception;  // the one that holds

  std::string fingerprint(std::string_view control) const;  // control and subject, the same in every run
};

struct ControlAssessment {
  std::string control;
  Status status = Status::kNotAssessed;
  std::string reason;                    // one line for the control as a whole
  std::vector<SubjectVerdict> subjects;  // worst first, then by subject
};

// How much of what is there was looked at, over declared and seen together.
struct Coverage {
  std::uint64_t assessed = 0;
  std::uint64_t known = 0;
  // In thousandths, rounded down; 0 where nothing is known.
  std::uint32_t permille() const { return known == 0 ? 0 : static_cast<std::uint32_t>(assessed * 1000 / known); }
};

struct Assessment {
  Time at;
  std::string estate, estate_digest;
  std::string catalogue_version, catalogue_digest;
  std::vector<ControlAssessment> controls;  // every control of the catalogue, in its order
  Coverage coverage;
  std::vector<std::string> exception_problems;  // why an exception has no effect, a line each

  const ControlAssessment* find(std::string_view control) const;
  Status status_of(std::string_view control) const;  // kNotAssessed for a control it doesn't have
};

// Of one control over its subjects: any fail is a fail; else any that isn't assessed; else any exception; else pass. No
// subjects is not assessed, never a pass.
Status fold(std::span<const SubjectVerdict> subjects);

Assessment assess(const Catalogue& catalogue, const Estate& estate, std::span<const Fact> facts,
                  std::span<const Exception> exceptions, Time now);

}  // namespace cloister::posture
