// What a reader wants to know first: how many, what stands before the next level, and what to do about it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "posture/report/index.h"

namespace cloister::posture::report {

using Counts = std::array<std::uint64_t, kStatusCount>;  // by Status

Counts control_counts(const Assessment& assessment);
Counts subject_counts(const ControlAssessment& control);

// What stands before a domain's next level, ready to be shown.
struct Obstacle {
  std::string control;  // empty: coverage or measured evidence
  std::string title;
  Status status = Status::kNotAssessed;
  bool critical = false;
  std::string reason;
  std::string owner;   // of the subjects concerned, up to two; empty: nobody is named
  std::string effort;  // "days"; empty where there is no control
  std::string what;    // what to do, a command where there is one
};

// Critical ones first, of them what fails before what nobody looked at.
std::vector<Obstacle> obstacles(const Index& index, const DomainMaturity& domain);
// The steps of Maturity::next as obstacles, in their order.
std::vector<Obstacle> next_steps(const Index& index, std::size_t count_max);

// The level after this one; nothing after Strategic.
std::optional<Level> next_level(Reached reached);
// The domains that hold the overall level down, "At rest and In use".
std::string lowest_domains(const Maturity& maturity);
// Two or three sentences for somebody who reads nothing else.
std::string headline(const Posture& posture);
// Facts that a simulation made.
std::uint64_t simulated_count(const Posture& posture);

// All verdicts of a status, control by control.
struct Listed {
  const Control* control = nullptr;  // null: the catalogue doesn't have it
  const ControlAssessment* assessment = nullptr;
  const SubjectVerdict* verdict = nullptr;
};
std::vector<Listed> listed(const Assessment& assessment, Status status);

}  // namespace cloister::posture::report
