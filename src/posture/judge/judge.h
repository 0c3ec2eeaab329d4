// Judges by the prefix of their controls; judges() in judges.cc is all of them.
#pragma once

#include "posture/view.h"

namespace cloister::posture {

std::span<const JudgeOf> inventory_judges();
std::span<const JudgeOf> rest_judges();
std::span<const JudgeOf> key_judges();
std::span<const JudgeOf> tenancy_judges();
std::span<const JudgeOf> model_judges();
std::span<const JudgeOf> endpoint_judges();  // TRN-01 to TRN-05
std::span<const JudgeOf> edge_judges();      // TRN-06 to TRN-10
std::span<const JudgeOf> use_judges();
std::span<const JudgeOf> detection_judges();
std::span<const JudgeOf> governance_judges();
std::span<const JudgeOf> audit_judges();
std::span<const JudgeOf> redteam_judges();

}  // namespace cloister::posture
