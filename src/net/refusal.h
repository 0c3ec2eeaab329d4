// Why a connection or a request was turned away: for counters and logs, never for the peer.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace cloister::net {

enum class Refusal : unsigned char {
  kTooManyConnections,
  kTooManyFromAddress,
  kTooManyFromPeer,
  kTooManyHandshakes,
  kUnixUser,     // not among those admitted
  kTls,          // not TLS 1.3 as we speak it, or broken off
  kPeer,         // no certificate, or one the verifier refused
  kPeerExpired,  // its proof ran out while connected
  kHandshakeTime,
  kHeaderTime,
  kBodyTime,
  kAnswerTime,
  kWriteTime,
  kMalformed,       // not HTTP
  kUri,             // too long
  kHeader,          // too large or too many
  kBody,            // too large
  kBodiesInFlight,  // all together
  kFlood,           // resets, control frames, continuations
  kUnfinished,      // too many answers outstanding
  kSilent,          // with streams open, and no answer to the question whether it is there
};
inline constexpr std::size_t kRefusals = 21;

// "too-many-connections"
std::string_view refusal_name(Refusal refusal);

}  // namespace cloister::net
