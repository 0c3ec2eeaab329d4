#include "service/kbs/sessions.h"

#include "base/base64.h"

namespace cloister::service {
namespace {

constexpr std::size_t kIdSize = 16;
constexpr std::size_t kNonceSize = 32;

std::string hash_of(std::string_view known) { return to_hex(crypto::sha256(as_bytes(known))); }

}  // namespace

std::string_view kbs_hash_name(KbsHash hash) {
  switch (hash) {
    case KbsHash::kSha256: return "sha256";
    case KbsHash::kSha384: return "sha384";
    case KbsHash::kSha512: return "sha512";
  }
  CLOISTER_CHECK(false);
  return {};
}

void KbsSessions::sweep(Time now) {
  while (!by_age_.empty()) {
    const auto oldest = sessions_.find(by_age_.front());
    CLOISTER_CHECK(oldest != sessions_.end());
    if (now < oldest->second.expires) return;
    const auto source = of_source_.find(oldest->second.source);
    if (--source->second == 0) of_source_.erase(source);
    by_token_.erase(oldest->second.token);
    sessions_.erase(oldest);
    by_age_.pop_front();
  }
}

const KbsSessions::Session* KbsSessions::find(std::string_view id, Time now) const {
  const auto found = sessions_.find(hash_of(id));
  return found == sessions_.end() || now >= found->second.expires ? nullptr : &found->second;
}

Result<KbsSessions::Made> KbsSessions::begin(const std::string& tee, KbsHash hash, const std::string& source,
                                             Time now) {
  std::array<std::uint8_t, kIdSize> id{};
  std::array<std::uint8_t, kNonceSize> nonce{};
  random_->fill(id);
  random_->fill(nonce);
  Made made{to_hex(id), {tee, to_base64(nonce), hash}};
  const std::lock_guard lock(mutex_);
  sweep(now);
  if (sessions_.size() >= limits_.max) return Error(Code::kUnavailable, "too many guests are being attested");
  std::size_t& of_source = of_source_[source];
  if (of_source >= limits_.per_source_max) {
    return Error(Code::kUnavailable, "too many guests at this address are being attested");
  }
  ++of_source;
  Hash key = hash_of(made.id);
  by_age_.push_back(key);
  sessions_.emplace(std::move(key), Session{made.challenge, source, false, {}, nullptr, now + limits_.life});
  return made;
}

Result<KbsChallenge> KbsSessions::take(std::string_view id, Time now) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(hash_of(id));
  if (found == sessions_.end()) return Error(Code::kDenied, "there is no such session");
  Session& session = found->second;
  if (session.taken) return Error(Code::kDenied, "the challenge of this session was answered before");
  if (now >= session.expires) return Error(Code::kExpired, "the session is over");
  session.taken = true;
  return session.challenge;
}

void KbsSessions::admit(std::string_view id, std::string_view token, std::shared_ptr<const KbsGuest> guest, Time now) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(hash_of(id));
  if (found == sessions_.end() || now >= found->second.expires) return;
  found->second.guest = std::move(guest);
  found->second.token = hash_of(token);
  by_token_[found->second.token] = found->first;
}

std::shared_ptr<const KbsGuest> KbsSessions::by_cookie(std::string_view id, Time now) const {
  const std::lock_guard lock(mutex_);
  const Session* session = find(id, now);
  return session == nullptr ? nullptr : session->guest;
}

std::shared_ptr<const KbsGuest> KbsSessions::by_token(std::string_view token, Time now) const {
  const std::lock_guard lock(mutex_);
  const auto named = by_token_.find(hash_of(token));
  if (named == by_token_.end()) return nullptr;
  const auto found = sessions_.find(named->second);
  return found == sessions_.end() || now >= found->second.expires ? nullptr : found->second.guest;
}

std::string KbsSessions::tee_of(std::string_view id, Time now) const {
  const std::lock_guard lock(mutex_);
  const Session* session = find(id, now);
  return session == nullptr || session->taken ? std::string() : session->challenge.tee;
}

std::size_t KbsSessions::size() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

}  // namespace cloister::service
