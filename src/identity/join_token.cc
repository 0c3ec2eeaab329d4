#include "identity/join_token.h"

#include <algorithm>

#include "base/base64.h"
#include "base/reader.h"

namespace cloister::identity {
namespace {

constexpr std::string_view kPrefix = "cljoin_";  // for people and for scanners that look for leaked secrets
constexpr std::size_t kRandomSize = 32;
constexpr std::size_t kRawSize = kRandomSize + 4;  // and a checksum, to tell a typing error from a wrong token
constexpr std::size_t kTextSize = kPrefix.size() + 48;

JoinTokenHash hash_of(ByteView random) {
  crypto::Sha256 hash;
  Writer label;
  label.text16("CLSR1 join token");
  hash.update(label.view());
  hash.update(random);
  return hash.finish();
}

}  // namespace

Result<NewJoinToken> create_join_token(const SpiffeId& id, Time now, Duration lifetime, crypto::Random& random) {
  if (id.path().empty()) return Error(Code::kInvalid, id.uri() + " names a trust domain, not a workload");
  if (lifetime <= Duration{0} || lifetime > kJoinTokenLifetimeMax) {
    return Error(Code::kInvalid, "a join token lives for 7 days at most");
  }
  crypto::Secret raw(kRawSize);
  const MutableByteView random_part = raw.expose_mutable().first(kRandomSize);
  random.fill(random_part);
  store_le(raw.expose_mutable().data() + kRandomSize, crc32c(random_part));
  crypto::Secret text(kTextSize);
  const MutableByteView out = text.expose_mutable();
  std::ranges::copy(as_bytes(kPrefix), out.begin());
  encode_base64(raw.expose(), Base64::kUrl, out.subspan(kPrefix.size()));
  return NewJoinToken{std::move(text), {hash_of(random_part), id, now + lifetime, std::nullopt}};
}

Result<JoinTokenHash> join_token_hash(const crypto::Secret& text) {
  const Error none(Code::kInvalid, "that is no join token: it begins with cljoin_ and has 55 characters");
  const ByteView bytes = text.expose();
  if (bytes.size() != kTextSize || !as_text(bytes).starts_with(kPrefix)) return none;
  crypto::Secret raw(kRawSize);
  const MutableByteView out = raw.expose_mutable();
  if (!decode_base64(as_text(bytes.subspan(kPrefix.size())), Base64::kUrl, out).ok()) return none;
  if (crc32c(out.first(kRandomSize)) != load_le<std::uint32_t>(out.data() + kRandomSize)) {
    return Error(Code::kInvalid, "the join token is mistyped or cut: its checksum doesn't fit");
  }
  return hash_of(out.first(kRandomSize));
}

Result<StoredJoinToken> redeem_join_token(const StoredJoinToken& stored, const crypto::Secret& text, Time now) {
  CLOISTER_TRY(const JoinTokenHash hash, join_token_hash(text));
  if (!crypto::equal_constant_time(hash, stored.hash)) return Error(Code::kDenied, "the join token isn't known");
  if (stored.used) {
    return Error(Code::kDenied, "the join token of " + stored.id.uri() + " was used at " + to_rfc3339(*stored.used));
  }
  if (now >= stored.expires) {
    return Error(Code::kExpired, "the join token of " + stored.id.uri() + " expired at " + to_rfc3339(stored.expires));
  }
  StoredJoinToken redeemed = stored;
  redeemed.used = now;
  return redeemed;
}

}  // namespace cloister::identity
