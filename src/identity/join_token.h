// Join tokens: how a node or workload without any identity gets its first one. Shown once, kept only as a hash, good
// for one SPIFFE ID, once, until it expires.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "identity/spiffe_id.h"

namespace cloister::identity {

inline constexpr Duration kJoinTokenLifetimeMax = days(7);

// Enough to look a token up by and to recognise it, and nothing to make one from: the token has 256 random bits.
using JoinTokenHash = crypto::Sha256Digest;

struct StoredJoinToken {
  JoinTokenHash hash{};
  SpiffeId id;
  Time expires;
  std::optional<Time> used;
};

struct NewJoinToken {
  crypto::Secret text;  // show it once, then forget it
  StoredJoinToken stored;
};

// kInvalid for an id without a path and a lifetime of nothing or over kJoinTokenLifetimeMax.
Result<NewJoinToken> create_join_token(const SpiffeId& id, Time now, Duration lifetime, crypto::Random& random);

// Under which a token that somebody shows is stored. kInvalid when the text is none: cut short, mistyped, of another
// kind.
Result<JoinTokenHash> join_token_hash(const crypto::Secret& text);

// The stored token marked as used: store it in the same transaction as what is done for it. kDenied when the text isn't
// that of the stored token, or was used before; kExpired after its time; kInvalid when the text is no token.
Result<StoredJoinToken> redeem_join_token(const StoredJoinToken& stored, const crypto::Secret& text, Time now);

}  // namespace cloister::identity
