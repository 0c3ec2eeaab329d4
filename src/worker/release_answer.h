// What a key service answers to a worker: read within bounds. docs/formats/release.md.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "crypto/hpke.h"
#include "net/http_message.h"

namespace cloister::worker {

inline constexpr std::size_t kChallengeSize = 32;

// kInvalid unless it is a challenge.
Result<Bytes> parse_challenge_answer(ByteView body);

// A key sealed to this worker, or why it wasn't given.
using ReleasedKey = std::variant<crypto::HpkeSealed, Error>;
struct ReleaseAnswer {
  std::string release;  // its id, which later requests name as their lease
  Time lease_end;
  std::string policy;  // id of the attestation policy that allowed it; empty: an older service doesn't say
  std::vector<ReleasedKey> keys;
};
// kInvalid unless it is an answer for that many keys.
Result<ReleaseAnswer> parse_release_answer(ByteView body, std::size_t keys);

// What a status other than success says: the service's own sentence under the code of the status.
Error refusal_of(const net::Response& response);

}  // namespace cloister::worker
