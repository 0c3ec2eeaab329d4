// Judges of USE-01 to USE-11, in two files.
#pragma once

#include "posture/candidates.h"
#include "posture/judge/judge.h"
#include "posture/judge/proof.h"

namespace cloister::posture {

// use.cc: passes where a decision about it counts, whatever was decided.
SubjectVerdict judge_decision(const View& view, const Workload& workload);

// use_patterns.cc
std::vector<SubjectVerdict> judge_use_06(const View& view);
std::vector<SubjectVerdict> judge_use_07(const View& view);
std::vector<SubjectVerdict> judge_use_08(const View& view);
std::vector<SubjectVerdict> judge_use_10(const View& view);
std::vector<SubjectVerdict> judge_use_11(const View& view);

}  // namespace cloister::posture
