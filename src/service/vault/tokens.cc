#include "service/vault/tokens.h"

#include <algorithm>
#include <vector>

#include "base/base64.h"

namespace cloister::service {
namespace {

constexpr std::size_t kTokenSize = 32;
constexpr std::string_view kPrefix = "hvs.";

}  // namespace

VaultTokens::Hash VaultTokens::hash_of(std::string_view text) {
  const crypto::Sha256Digest digest = crypto::sha256(as_bytes(text));
  return std::string(as_text(digest));
}

Result<VaultTokens::Made> VaultTokens::make(VaultToken token, Time now) {
  crypto::Secret secret(kTokenSize);
  random_->fill(secret.expose_mutable());
  token.accessor = to_hex(crypto::random_array<16>(*random_));
  token.made = now;
  token.ends = token.ends.unix_ms == 0 ? now + options_.ends_after : std::min(token.ends, now + options_.ends_after);
  token.expires = std::min(now + options_.lifetime, token.ends);
  Made made{net::to_buffer(kPrefix), token};
  made.text.resize(kPrefix.size() + base64_encoded_size(kTokenSize, Base64::kUrl));
  encode_base64(secret.expose(), Base64::kUrl, MutableByteView(made.text).subspan(kPrefix.size()));

  const std::lock_guard lock(mutex_);
  if (tokens_.size() >= options_.tokens_max) sweep(now);
  if (tokens_.size() >= options_.tokens_max) return Error(Code::kUnavailable, "too many tokens are in use");
  std::deque<Hash>& mine = of_caller_[token.caller];
  if (mine.size() >= options_.of_caller_max) {
    tokens_.erase(mine.front());
    mine.pop_front();
  }
  mine.push_back(hash_of(as_text(made.text)));
  tokens_.emplace(mine.back(), std::move(token));
  return made;
}

std::optional<VaultToken> VaultTokens::find(std::string_view text, Time now) const {
  const Hash hash = hash_of(text);
  const std::lock_guard lock(mutex_);
  const auto found = tokens_.find(hash);
  if (found == tokens_.end() || found->second.expires <= now) return std::nullopt;
  return found->second;
}

std::optional<VaultToken> VaultTokens::renew(std::string_view text, Time now) {
  const Hash hash = hash_of(text);
  const std::lock_guard lock(mutex_);
  const auto found = tokens_.find(hash);
  if (found == tokens_.end() || found->second.expires <= now) return std::nullopt;
  VaultToken& token = found->second;
  token.expires = std::min(now + options_.lifetime, token.ends);
  return token;
}

void VaultTokens::revoke(std::string_view text) {
  const Hash hash = hash_of(text);
  const std::lock_guard lock(mutex_);
  remove(hash);
}

std::size_t VaultTokens::size() const {
  const std::lock_guard lock(mutex_);
  return tokens_.size();
}

void VaultTokens::remove(const Hash& hash) {
  const auto found = tokens_.find(hash);
  if (found == tokens_.end()) return;
  const auto mine = of_caller_.find(found->second.caller);
  std::erase(mine->second, hash);
  if (mine->second.empty()) of_caller_.erase(mine);
  tokens_.erase(found);
}

void VaultTokens::sweep(Time now) {
  std::vector<Hash> expired;
  for (const auto& [hash, token] : tokens_) {
    if (token.expires <= now) expired.push_back(hash);
  }
  for (const Hash& hash : expired) remove(hash);
}

}  // namespace cloister::service
