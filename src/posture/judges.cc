// The one table of judges: who judges which control.
#include "posture/judge/judge.h"

namespace cloister::posture {

std::span<const JudgeOf> judges() {
  static const std::vector<JudgeOf> all = [] {
    std::vector<JudgeOf> out;
    for (const std::span<const JudgeOf> of_prefix : {inventory_judges()})
      out.insert(out.end(), of_prefix.begin(), of_prefix.end());
    return out;
  }();
  return all;
}

std::string in_words(std::uint64_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

}  // namespace cloister::posture
