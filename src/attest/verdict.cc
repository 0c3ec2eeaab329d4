#include "attest/verdict.h"

#include <algorithm>
#include <utility>

#include "base/result.h"

namespace cloister::attest {

std::string_view check_state_name(CheckState state) {
  switch (state) {
    case CheckState::kPassed: return "passed";
    case CheckState::kFailed: return "failed";
    case CheckState::kNotEvaluated: return "not-evaluated";
  }
  CLOISTER_CHECK(false);
  return {};
}

std::string_view assurance_name(Assurance assurance) {
  switch (assurance) {
    case Assurance::kNone: return "none";
    case Assurance::kInsecureSoftware: return "insecure_software";
    case Assurance::kHardware: return "hardware";
  }
  CLOISTER_CHECK(false);
  return {};
}

void Verdict::pass(std::string name, std::string detail) {
  checks.push_back({std::move(name), CheckState::kPassed, std::nullopt, std::move(detail)});
}

void Verdict::fail(std::string name, Reason reason, std::string detail) {
  checks.push_back({std::move(name), CheckState::kFailed, reason, std::move(detail)});
}

void Verdict::skip(std::string name, Reason reason, std::string detail) {
  checks.push_back({std::move(name), CheckState::kNotEvaluated, reason, std::move(detail)});
}

bool Verdict::sound() const {
  return !checks.empty() &&
         std::ranges::all_of(checks, [](const Check& check) { return check.state == CheckState::kPassed; });
}

bool Verdict::any_failed() const {
  return std::ranges::any_of(checks, [](const Check& check) { return check.state == CheckState::kFailed; });
}

const Check* Verdict::find(std::string_view name) const {
  const auto found = std::ranges::find_if(checks, [name](const Check& check) { return check.name == name; });
  return found == checks.end() ? nullptr : &*found;
}

const Check* Verdict::first_problem() const {
  for (const CheckState wanted : {CheckState::kFailed, CheckState::kNotEvaluated}) {
    const auto found = std::ranges::find_if(checks, [wanted](const Check& check) { return check.state == wanted; });
    if (found != checks.end()) return &*found;
  }
  return nullptr;
}

Verdict unreadable(Kind kind, Time at, Reason reason, std::string detail) {
  Verdict verdict;
  verdict.kind = kind;
  verdict.at = at;
  verdict.fail("parse", reason, std::move(detail));
  return verdict;
}

}  // namespace cloister::attest
