// Two people, not one under two spellings: whoever approves isn't whoever owns.
#pragma once

#include <string>
#include <string_view>

namespace cloister::posture {

bool is_blank(std::string_view text);

// Empty, or what is wrong: one of them isn't named, or both are the same but for case and blanks.
std::string problem_of_people(std::string_view owner, std::string_view approver);

}  // namespace cloister::posture
