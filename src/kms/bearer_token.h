// Tokens that clouds hand to those who have proven themselves: read from the answer of a token endpoint (RFC 6749 5),
// kept until shortly before they end.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "crypto/secret.h"

namespace cloister::kms {

struct BearerToken {
  crypto::Secret text;
  Time expires;
};

// kInvalid for anything but RFC 6750's characters, at most 16 KiB: what goes into a header can't be two of them.
Result<BearerToken> make_token(std::string_view text, Time expires);
// The value of an authorization header.
std::string authorization(const BearerToken& token);

// RFC 6749 5.1, with expires_in as a number or, as Azure's metadata service has it, as text. kInvalid for an answer
// that isn't one, for a token of another type than Bearer and for one that lasts longer than 7 days or not at all.
Result<BearerToken> parse_token_answer(ByteView body, Time now);
// RFC 6749 5.2: what a token endpoint says when it gives none. `body` may be anything. kUnavailable for 429 and 5xx,
// kDenied for the rest.
Error parse_token_refusal(unsigned status, ByteView body);

// Keeps a token and gets the next one in time: when 5 minutes are left, or a quarter of its life if that is less. Any
// thread may call; one of them fetches while the others wait for it.
class TokenCache {
 public:
  using Fetch = std::function<Result<BearerToken>()>;
  using Shared = std::shared_ptr<const BearerToken>;

  // A token that is still good serves on, while a new one can't be had because its source is out of reach.
  Result<Shared> get(Time now, const Fetch& fetch);
  // The token was refused: it isn't used again. A newer one, which another thread has got meanwhile, stays.
  void drop(const Shared& refused);

 private:
  std::mutex mutex_;
  Shared token_;
  Time renew_at_;
};

}  // namespace cloister::kms
