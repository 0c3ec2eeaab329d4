// Facts in a file, one a line.
#include "posture/fact_lines.h"

#include <algorithm>

namespace cloister::posture {

std::string fact_lines(const std::vector<Fact>& facts) {
  std::string text;
  for (const Fact& fact : facts) text += fact_json(fact) + "\n";
  return text;
}

Result<std::vector<Fact>> parse_fact_lines(std::string_view text) {
  if (text.size() > kFactFileSizeMax) return Error(Code::kInvalid, "a file of facts has more than 1 GiB");
  std::vector<Fact> facts;
  std::size_t number = 0;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = text.substr(start, end - start);
    start = end + 1;
    ++number;
    if (line.empty()) continue;
    CLOISTER_TRY(Fact fact, parse_fact(line).with_context("line " + std::to_string(number)));
    facts.push_back(std::move(fact));
  }
  return facts;
}

}  // namespace cloister::posture
