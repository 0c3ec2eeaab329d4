// Judges of KEY-01 to KEY-11, in three files.
#pragma once

#include "posture/judge/key_facts.h"

namespace cloister::posture {

// keys.cc
std::vector<SubjectVerdict> judge_key_01(const View& view);
std::vector<SubjectVerdict> judge_key_02(const View& view);
std::vector<SubjectVerdict> judge_key_03(const View& view);
// key_rotation.cc
std::vector<SubjectVerdict> judge_key_04(const View& view);
std::vector<SubjectVerdict> judge_key_05(const View& view);
std::vector<SubjectVerdict> judge_key_06(const View& view);
std::vector<SubjectVerdict> judge_key_07(const View& view);
// key_practice.cc
std::vector<SubjectVerdict> judge_key_08(const View& view);
std::vector<SubjectVerdict> judge_key_09(const View& view);
std::vector<SubjectVerdict> judge_key_10(const View& view);
std::vector<SubjectVerdict> judge_key_11(const View& view);

// Keys that a location's headers name: keyrings, and what else is in slots.
std::vector<std::string> header_keys(const Fact& seal);

}  // namespace cloister::posture
