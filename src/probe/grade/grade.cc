#include "probe/grade/grade.h"

#include <algorithm>

namespace cloister::probe {
namespace {

struct Step {
  unsigned from;
  char letter;
};
constexpr Step kSteps[] = {{90, 'A'}, {80, 'B'}, {65, 'C'}, {50, 'D'}, {35, 'E'}};

bool names(std::string_view pattern, std::string_view subject) {
  if (pattern.starts_with('*')) return subject.ends_with(pattern.substr(1));
  return pattern == subject;
}

bool is_about(const Rule& rule, const Fact& fact) {
  if (fact.check != rule.check) return false;
  std::string_view rest = rule.subject;
  for (;;) {
    const std::size_t bar = rest.find('|');
    if (names(rest.substr(0, bar), fact.subject)) return true;
    if (bar == std::string_view::npos) return false;
    rest.remove_prefix(bar + 1);
  }
}

// How much a fact decides: the one with the highest rank stands for all.
int rank(Seen seen, bool every) {
  if (seen == Seen::kNotApplicable) return 0;
  if (every) return seen == Seen::kNo ? 3 : seen == Seen::kUnknown ? 2 : 1;
  if (seen == Seen::kYes) return 3;
  return seen == Seen::kUnknown ? 2 : 1;
}

struct Verdict {
  Seen seen;
  const Fact* fact = nullptr;
};

Verdict look_up(const Rule& rule, const Facts& facts) {
  const bool every = rule.good == Seen::kYes && rule.subject.starts_with('*');
  Verdict verdict{Seen::kUnknown, nullptr};
  int highest = -1;
  bool looked = false;
  for (const Fact& fact : facts.all()) {
    looked = looked || fact.check == rule.check;
    if (!is_about(rule, fact)) continue;
    const int its = rank(fact.seen, every);
    if (its <= highest) continue;
    highest = its;
    verdict = {fact.seen, &fact};
  }
  if (verdict.fact != nullptr) return verdict;
  switch (rule.absent) {
    case Absent::kNotApplicable: return {Seen::kNotApplicable, nullptr};
    case Absent::kNo: return {looked ? Seen::kNo : Seen::kUnknown, nullptr};
    case Absent::kUnknown: break;
  }
  return {Seen::kUnknown, nullptr};
}

std::string letter_of(unsigned score, char cap, bool spotless) {
  char letter = 'F';
  for (const Step& step : kSteps) {
    if (score < step.from) continue;
    letter = step.letter;
    break;
  }
  letter = std::max(letter, cap);
  return std::string(1, letter) + (letter == 'A' && spotless ? "+" : "");
}

}  // namespace

Grade grade(const Profile& profile, const Facts& facts) {
  Grade result;
  unsigned lost = 0;
  char cap = 'A';
  for (const Rule& rule : rules()) {
    const Weight& weight = rule.weights[profile.column];
    if (weight.cap == '-') continue;
    const Verdict verdict = look_up(rule, facts);
    if (verdict.seen == rule.good || verdict.seen == Seen::kNotApplicable) continue;
    Finding finding{&rule, verdict.seen, weight.points, weight.cap, {}, {}};
    if (verdict.fact != nullptr) {
      finding.subject = verdict.fact->subject;
      finding.detail = verdict.fact->detail;
    }
    if (verdict.seen != Seen::kUnknown) {
      lost += weight.points;
      cap = std::max(cap, weight.cap);
      result.lost.push_back(std::move(finding));
      continue;
    }
    if (rule.absent == Absent::kNotApplicable) finding.points = 0;
    lost += finding.points;
    finding.cap = 'A';
    result.not_assessed.push_back(std::move(finding));
  }
  std::ranges::sort(result.lost, [](const Finding& a, const Finding& b) {
    return a.points != b.points ? a.points > b.points : a.rule < b.rule;
  });
  result.score = lost >= 100 ? 0 : 100 - lost;
  result.letter = letter_of(result.score, cap, result.lost.empty() && result.not_assessed.empty());
  return result;
}

}  // namespace cloister::probe
