// Audit 3: which workloads justify confidential computing, what is attested already, and how to begin with one. Pure.
// docs/posture-candidates.md has the rule.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "posture/view.h"

namespace cloister::posture {

enum class TeeDecision : std::uint8_t { kTee, kLater, kNotNeeded };
std::string_view name_of(TeeDecision decision);  // "tee", "later", "not_needed"
std::optional<TeeDecision> parse_tee_decision(std::string_view text);

// What the rule makes of a workload.
struct Candidate {
  std::string workload;
  WorkloadUse use = WorkloadUse::kOther;
  // Of the workload and of what it reads, the most sensitive. Nothing: neither is labelled, and nothing follows.
  std::optional<Sensitivity> sensitivity;
  std::optional<TeeDecision> computed;
  std::vector<std::string> why;  // the inputs of the rule, a line each
  std::string attested;          // empty: by a real TEE, within a day; else why not
  bool is_attested() const { return attested.empty(); }
};

// Of one workload, whatever its environment.
Candidate candidate(const View& view, const Workload& workload);
// Workloads in scope that handle AI data; those that need a TEE most and have none first.
std::vector<Candidate> candidates(const View& view);

// The workload to begin with: the one that needs it most and stands in nobody's way; nothing where none needs it.
struct PilotPlan {
  std::string workload;
  std::vector<std::string> why;
  struct Step {
    std::string what;
    std::string command;  // empty: there is none
  };
  std::vector<Step> steps;
  std::vector<std::string> done_when;
};
std::optional<PilotPlan> pilot_plan(const View& view, const std::vector<Candidate>& candidates);

// A person's decision about a workload, as the fact `assessment.workload`.
struct TeeAssessment {
  TeeDecision decision = TeeDecision::kTee;
  std::string owner, approver;
  std::string reason;  // needed where it isn't what the rule says
};
// kInvalid: no owner or approver, or both the same; another decision than the rule's without a reason; a workload that
// has no label, so that there is nothing to decide on.
Result<Fact> assessment_fact(const Candidate& candidate, const TeeAssessment& assessment, std::string collector,
                             Time now);

// In the tiers that need it by themselves.
bool needs_tee(Sensitivity sensitivity);
// By a real TEE, not in debug mode, within a day: for USE-02 and USE-09 too.
SubjectVerdict judge_attested(const View& view, const std::string& workload);

}  // namespace cloister::posture
