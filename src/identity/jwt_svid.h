// JWT-SVIDs: who a caller is, from the token it bears. SPIFFE JWT-SVID standard. A token can be replayed by whoever
// gets to see it until it expires; where both ends speak TLS, use X.509-SVIDs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "identity/bundle_set.h"

namespace cloister::identity {

// The most that a verifier may allow for clocks that disagree.
inline constexpr Duration kJwtLeewayMax = minutes(1);
// The most keys that are tried for a token that names none.
inline constexpr std::size_t kJwtKeysTriedMax = 16;

struct JwtSvid {
  SpiffeId id;
  std::vector<std::string> audience;
  Time expires;
  JsonValue claims;  // all of them
};

// For whom the token must be meant, and when it is looked at.
struct JwtExpectation {
  std::string audience;
  Time now;
  Duration leeway;  // for exp and nbf; at most kJwtLeewayMax
};

// kInvalid: no JWT-SVID (crypto::Jws's refusals, another typ than JWT or JOSE, an empty kid, claims that are missing or
// malformed), or an expectation without audience. kDenied: no bundle of the id's trust domain, no such key in it, a
// wrong signature, another audience. kExpired: not valid at that time. The standard lets a token go without kid: then
// exactly one key of the bundle must have made its signature, and kDenied is also for more than kJwtKeysTriedMax keys
// that could have.
Result<JwtSvid> verify_jwt_svid(std::string_view token, const BundleSet& bundles, const JwtExpectation& expectation);

}  // namespace cloister::identity
