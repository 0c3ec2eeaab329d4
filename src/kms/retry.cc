#include "kms/retry.h"

#include <algorithm>
#include <cmath>

namespace cloister::kms {
namespace {

using Kind = Verdict::Kind;

// Full jitter: anything between nothing and the bound, which grows with the attempts made.
Duration back_off(const RetryRules& rules, unsigned attempts_made, double random) {
  const double bound = static_cast<double>(rules.base.ms) * std::pow(rules.factor, attempts_made - 1);
  return Duration{static_cast<std::int64_t>(random * std::min(bound, static_cast<double>(rules.longest.ms)))};
}

Verdict judge_unreached(const Error& error) {
  return {error.code() == Code::kUnavailable ? Kind::kRetry : Kind::kFinal, {}};
}

}  // namespace

bool RetryBudget::take(double cost) {
  const std::lock_guard lock(mutex_);
  if (tokens_ < cost) return false;
  tokens_ -= cost;
  return true;
}

void RetryBudget::give(double back) {
  const std::lock_guard lock(mutex_);
  tokens_ = std::min(most_, tokens_ + back);
}

Result<net::Response> RetryingCall::run() const {
  const Time began = waiting.now();
  bool renewed = false;
  for (unsigned attempts_made = 1;; ++attempts_made) {
    CLOISTER_TRY(const net::Request request, make());
    Result<net::Response> answer = transport.send(request, rules.patience);
    const Verdict verdict = answer.ok() ? judge(answer.value()) : judge_unreached(answer.error());
    if (verdict.kind == Kind::kFinal) {
      if (answer.ok()) budget.give();
      return answer;
    }
    if (verdict.kind == Kind::kRenew) {
      if (renewed || !renew) return answer;
      CLOISTER_RETURN_IF_ERROR(renew(answer.value()));
      renewed = true;
      --attempts_made;
      continue;
    }
    const Duration wait = verdict.wait.value_or(back_off(rules, attempts_made, waiting.random()));
    const bool in_time = waiting.now() + wait - began <= rules.in_all;
    if (attempts_made >= rules.attempts || !in_time || !budget.take()) return answer;
    waiting.sleep(wait);
  }
}

}  // namespace cloister::kms
