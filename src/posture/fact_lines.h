// Facts in a file: one a line, each as fact_json() writes it. What `cloister posture audit --facts` reads.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "posture/fact.h"

namespace cloister::posture {

inline constexpr std::size_t kFactFileSizeMax = std::size_t{1} << 30;

std::string fact_lines(const std::vector<Fact>& facts);
// kInvalid "line 12: …" for the first that is no fact. Empty lines are passed over.
Result<std::vector<Fact>> parse_fact_lines(std::string_view text);

}  // namespace cloister::posture
