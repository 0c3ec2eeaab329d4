#include "attest/floors.h"

#include <algorithm>

namespace cloister::attest {
namespace {

void raise_one(Floors& floors, const std::string& name, std::uint64_t number, bool& changed) {
  const auto [at, is_new] = floors.emplace(name, number);
  if (!is_new && at->second >= number) return;
  at->second = number;
  changed = true;
}

// Of those with names of certificates.
Floors::iterator oldest(Floors& answers) {
  auto found = answers.end();
  for (auto at = answers.begin(); at != answers.end(); ++at) {
    if (at->first == kCommonAnswerFloor) continue;
    if (found == answers.end() || at->second < found->second) found = at;
  }
  return found;
}

}  // namespace

bool is_answer_floor(std::string_view name) { return name == kCommonAnswerFloor || name.starts_with(kAnswerFloors); }

std::uint64_t answer_floor(const Floors& floors, std::string_view name) {
  std::uint64_t highest = 0;
  for (const std::string_view one : {name, kCommonAnswerFloor}) {
    if (const auto found = floors.find(one); found != floors.end()) highest = std::max(highest, found->second);
  }
  return highest;
}

std::uint64_t floor_of(const Floors& floors, std::string_view name) {
  if (is_answer_floor(name)) return answer_floor(floors, name);
  const auto found = floors.find(name);
  return found == floors.end() ? 0 : found->second;
}

bool raise_answers(Floors& answers, const Floors& seen, std::size_t max) {
  bool changed = false;
  for (const auto& [name, number] : seen) {
    // What isn't above the common floor is held by that already.
    const bool own = answers.contains(name);
    if (!own && number <= answer_floor(answers, name)) continue;
    raise_one(answers, name, number, changed);
  }
  while (answers.size() - answers.count(kCommonAnswerFloor) > max) {
    const auto at = oldest(answers);
    const std::uint64_t number = at->second;
    answers.erase(at);
    raise_one(answers, std::string(kCommonAnswerFloor), number, changed);
  }
  return changed;
}

}  // namespace cloister::attest
