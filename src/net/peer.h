// Who is at the other end of a connection, and how that is known.
#pragma once

#include <sys/types.h>

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"

namespace cloister::net {

// Somebody who proved an identity by TLS.
struct Peer {
  std::string id;  // as the verifier names it: "spiffe://acme.example/ns/ml/sa/trainer"
  Time not_after;  // when the proof runs out; the connection is closed then
};

// Decides whether a certificate chain is somebody. Any thread may call; it must not wait.
class PeerVerifier {
 public:
  virtual ~PeerVerifier() = default;
  // `chain`: DER certificates as the peer sent them, leaf first, at least one and at most kChainMax, unchecked in every
  // way. That the peer holds the leaf's private key is proven by the handshake, after this returns.
  // kDenied: not trusted. kExpired: at `now` too late or too early. kCorrupt, kInvalid: not a proper chain.
  virtual Result<Peer> verify(Time now, std::span<const Bytes> chain) const = 0;

  static constexpr std::size_t kChainMax = 8;
};

// The same bytes at both ends of one TLS connection and nowhere else: tls-exporter, RFC 9266.
using ChannelBinding = std::array<std::uint8_t, 32>;

// Somebody on this machine, as the kernel knows them: unix(7), SO_PEERCRED.
struct UnixPeer {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  // The process itself rather than its number (SO_PEERPIDFD, Linux 6.5): null where the kernel is older.
  std::shared_ptr<const File> pidfd;
};

}  // namespace cloister::net
