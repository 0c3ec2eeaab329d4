// TLS as Cloister speaks it: 1.3 only, hybrid key exchange first, both ends proven. RFC 8446, RFC 10024.
//
// There is no way to turn verification off: a connection that authenticates one end only has a type of its own.
// No session tickets, no early data, no renegotiation: every connection proves itself anew.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "crypto/secret.h"
#include "net/peer.h"

namespace cloister::net {

// An immutable snapshot: a certificate chain and its private key, with their not-after date.
class Credentials {
 public:
  // Leaf first; the key as PKCS#8. kInvalid when something doesn't parse or the key isn't the leaf's.
  static Result<std::shared_ptr<const Credentials>> from_der(std::span<const Bytes> chain, const crypto::Secret& key);
  static Result<std::shared_ptr<const Credentials>> from_pem(std::string_view chain, const crypto::Secret& key);
  ~Credentials();
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;

  Time not_after() const;

  struct Parts;
  const Parts& parts() const { return *parts_; }

 private:
  explicit Credentials(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// Where a handshake gets the credentials of the moment. Any thread may call; it must not wait. Never null.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  virtual std::shared_ptr<const Credentials> current() const = 0;
};

// Credentials that are replaced whole. Connections that stand keep what they began with.
class SwappableCredentials final : public CredentialSource {
 public:
  explicit SwappableCredentials(std::shared_ptr<const Credentials> first);
  std::shared_ptr<const Credentials> current() const override;
  void replace(std::shared_ptr<const Credentials> next);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Credentials> current_;
};

using Clock = std::function<Time()>;

// Whether a connection's TLS buffers (about 33 KiB) are given back while it is idle.
enum class IdleBuffers { kReleased, kKept };

// Streams of whatever protocol, as a relay carries them.
struct StreamOptions {
  // ALPN, the best first. Without any none is named, and those that a client offers are passed over; with some, a
  // client that offers only others is refused.
  std::vector<std::string> protocols;
  // What the key exchange may be; a peer that can't is refused.
  enum class KeyExchange {
    kHybridFirst,     // X25519MLKEM768, or X25519 or P-256 with peers that don't have it
    kHybridRequired,  // X25519MLKEM768 alone
    kClassical,       // X25519 or P-256
  } key_exchange = KeyExchange::kHybridFirst;
};

// What a client speaks inside: HTTP says so in the handshake (ALPN), others say nothing.
enum class Speaks { kHttp, kHttp2, kOther };

class TlsSession;

// Both ends show a certificate and both are verified. Serves as well as connects. Any thread may use it.
class MutualTls {
 public:
  // kInvalid when a part is missing.
  static Result<std::shared_ptr<const MutualTls>> create(std::shared_ptr<const CredentialSource> credentials,
                                                         std::shared_ptr<const PeerVerifier> verifier, Clock clock,
                                                         IdleBuffers idle_buffers = IdleBuffers::kReleased);
  // For streams: larger reads, and no word of HTTP. kInvalid also for a protocol's name that is empty or longer than
  // 255 bytes, and for more than 16 of them.
  static Result<std::shared_ptr<const MutualTls>> create_for_streams(
      std::shared_ptr<const CredentialSource> credentials, std::shared_ptr<const PeerVerifier> verifier, Clock clock,
      const StreamOptions& options);
  ~MutualTls();

  // A session on a connected non-blocking socket, which must outlive it. kUnavailable while the source's credentials
  // can't be used.
  Result<std::unique_ptr<TlsSession>> accept(int socket) const;
  // The server must prove to be `expected_id`; `host` is sent as its name when it isn't an address.
  Result<std::unique_ptr<TlsSession>> connect(int socket, const std::string& host, std::string expected_id,
                                              Speaks speaks = Speaks::kHttp) const;
  // The same for a verifier that knows by itself whom to expect, and refuses everybody else. `host` may be empty: no
  // name is sent then.
  Result<std::unique_ptr<TlsSession>> connect_to_admitted(int socket, const std::string& host) const;

  // By the clock it judges certificates with.
  Time now() const;

  struct Core;

 private:
  explicit MutualTls(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

// Only the server shows a certificate: for public endpoints whose clients prove themselves in another way.
class ServerOnlyTls {
 public:
  static Result<std::shared_ptr<const ServerOnlyTls>> create(std::shared_ptr<const CredentialSource> credentials,
                                                             IdleBuffers idle_buffers = IdleBuffers::kReleased);
  ~ServerOnlyTls();

  Result<std::unique_ptr<TlsSession>> accept(int socket) const;

  struct Core;

 private:
  explicit ServerOnlyTls(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

// The other half of ServerOnlyTls: a client that has no identity yet and proves its server's. For enrolment.
class AnonymousTls {
 public:
  static Result<std::shared_ptr<const AnonymousTls>> create(std::shared_ptr<const PeerVerifier> verifier, Clock clock);
  ~AnonymousTls();

  // As MutualTls::connect().
  Result<std::unique_ptr<TlsSession>> connect(int socket, const std::string& host, std::string expected_id) const;

  Time now() const;

  struct Core;

 private:
  explicit AnonymousTls(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

}  // namespace cloister::net
