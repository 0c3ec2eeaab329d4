// RED: every exercise of the playbook was run, and defended.
#include <array>

#include "posture/judge/judge.h"
#include "posture/judge/proof.h"

namespace cloister::posture {
namespace {

// "RT-K01" to "RT-K15".
std::vector<std::string> exercises(char group, int count) {
  std::vector<std::string> out;
  for (int i = 1; i <= count; ++i) out.push_back(std::string("RT-") + group + (i < 10 ? "0" : "") + std::to_string(i));
  return out;
}

std::vector<SubjectVerdict> all_defended(const View& view, char group, int count) {
  std::vector<SubjectVerdict> parts;
  for (const std::string& exercise : exercises(group, count))
    parts.push_back(judge_drill(view, the_platform(), {.drill = exercise, .alerts = true}));
  return {all_of(the_platform(), std::move(parts))};
}

std::vector<SubjectVerdict> keys(const View& view) { return all_defended(view, 'K', 15); }
std::vector<SubjectVerdict> transit(const View& view) { return all_defended(view, 'T', 12); }
std::vector<SubjectVerdict> attested(const View& view) { return all_defended(view, 'A', 11); }
std::vector<SubjectVerdict> tampering(const View& view) { return all_defended(view, 'M', 8); }

constexpr std::array<JudgeOf, 4> kJudges = {
    {{"RED-01", keys}, {"RED-02", transit}, {"RED-03", attested}, {"RED-04", tampering}}};

}  // namespace

std::span<const JudgeOf> redteam_judges() { return kJudges; }

}  // namespace cloister::posture
