#include "service/attestation/challenges.h"

namespace cloister::service {

void Challenges::forget(std::map<Challenge, Entry>::iterator entry) {
  const auto count = per_caller_.find(entry->second.caller);
  if (--count->second == 0) per_caller_.erase(count);
  open_.erase(entry);
}

void Challenges::sweep(Time now) {
  for (auto entry = open_.begin(); entry != open_.end();) {
    const auto at = entry++;
    if (at->second.expires <= now) forget(at);
  }
}

Result<Challenges::Made> Challenges::make(const std::string& caller, const std::string& role, Time now,
                                          crypto::Random& random) {
  const auto challenge = crypto::random_array<std::tuple_size_v<Challenge>>(random);
  const std::lock_guard lock(mutex_);
  const auto is_full = [&] {
    const auto own = per_caller_.find(caller);
    return open_.size() >= limits_.max || (own != per_caller_.end() && own->second >= limits_.per_caller);
  };
  if (is_full()) sweep(now);
  if (is_full()) return Error(Code::kUnavailable, "too many challenges are open: answer some, or wait");
  const Time expires = now + limits_.life;
  open_.emplace(challenge, Entry{caller, role, expires});
  ++per_caller_[caller];
  return Made{challenge, expires};
}

Status Challenges::take(const Challenge& challenge, const std::string& caller, const std::string& role, Time now) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(challenge);
  if (found == open_.end() || found->second.caller != caller) {
    return Error(Code::kDenied, "this challenge isn't open: it was answered, is another's or was never made");
  }
  const Entry entry = found->second;
  forget(found);
  if (entry.role != role) return Error(Code::kDenied, "the challenge was made for another role");
  if (entry.expires <= now) return Error(Code::kExpired, "the challenge has expired: ask for another");
  return {};
}

std::size_t Challenges::size() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

}  // namespace cloister::service
