#include "tests/support/flip.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace cloister::testing {
namespace {

constexpr int kReportedMax = 20;  // of one evidence: a verifier that looks at nothing shouldn't fill the screen

bool lies_in(const Uncovered& range, const std::string& part, std::size_t at) {
  return range.part == part && at >= range.first && at < range.end;
}

}  // namespace

bool as_good_as(const attest::Verdict& before, const attest::Verdict& changed) {
  const auto state_of = [](const attest::Verdict& verdict, const std::string& name) {
    const attest::Check* check = verdict.find(name);
    return check == nullptr ? attest::CheckState::kNotEvaluated : check->state;
  };
  const bool kept = std::ranges::all_of(before.checks, [&](const attest::Check& check) {
    return check.state != attest::CheckState::kPassed || state_of(changed, check.name) == attest::CheckState::kPassed;
  });
  return kept && std::ranges::all_of(changed.checks, [&](const attest::Check& check) {
           return check.state != attest::CheckState::kFailed ||
                  state_of(before, check.name) == attest::CheckState::kFailed;
         });
}

void expect_every_flip_noticed(const attest::Evidence& evidence, const Judge& judge,
                               const std::vector<Uncovered>& uncovered, std::initializer_list<std::uint8_t> masks) {
  const attest::Verdict before = judge(evidence);
  std::vector<int> unnoticed(uncovered.size());
  int reported = 0;
  attest::Evidence changed = evidence;
  for (auto& [name, bytes] : changed.parts) {
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      for (const std::uint8_t mask : masks) {
        bytes[at] ^= mask;
        const attest::Verdict verdict = judge(changed);
        bytes[at] ^= mask;
        if (!as_good_as(before, verdict)) continue;
        const auto range = std::ranges::find_if(uncovered, [&](const Uncovered& r) { return lies_in(r, name, at); });
        const bool named = range != uncovered.end();
        if (named) ++unnoticed[static_cast<std::size_t>(range - uncovered.begin())];
        if (named && verdict.claims == before.claims) continue;
        ADD_FAILURE() << name << ", byte " << at << " changed by " << int{mask}
                      << (named ? ": its claims changed, and it passed" : ": it passed for what it was");
        if (++reported == kReportedMax) return;
      }
    }
  }
  for (std::size_t i = 0; i < uncovered.size(); ++i) {
    EXPECT_GT(unnoticed[i], 0) << uncovered[i].part << " from byte " << uncovered[i].first << ": every change is seen";
  }
}

}  // namespace cloister::testing
