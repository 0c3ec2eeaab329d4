// TLS to a stranger that is being looked at: every handshake is finished if that is possible at all, whatever the
// server's certificate says, with versions and ciphers that nobody should use. Nothing is verified here, so nothing of
// ours is ever sent through it: questions that anybody may ask, and throw-away certificates. Who wants to talk to a
// server uses MutualTls or WebTls.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "net/ticks.h"
#include "net/tls.h"

namespace cloister::net {

struct ObservedTlsOptions {
  std::string server_name;             // sent as SNI; empty: none
  std::vector<std::string> protocols;  // offered by ALPN, in this order; none: no such extension
  enum class Newest { kTls12, kTls13 } newest = Newest::kTls13;
  std::shared_ptr<const Credentials> own = {};  // shown when the server asks
};

// What there was to see until the handshake ended, or broke. All of it is a stranger's word.
struct TlsObservation {
  std::string version, cipher, group, protocol;  // empty while it isn't settled; OpenSSL's names
  std::string peer_signature;                    // the algorithm that the server signed the handshake with
  std::vector<Bytes> chain;                      // DER, as it was sent
  Bytes ocsp_response;                           // stapled; empty: none
  Bytes timestamps;                              // SignedCertificateTimestampList of the TLS extension; empty: none
  bool client_certificate_asked = false;
  std::vector<Bytes> authority_names;  // DER Names that the server told with that question
  std::optional<unsigned> alert;       // the last fatal one that came
};

// One thread at a time.
class ObservedTls {
 public:
  // On a connected non-blocking socket, which must outlive it.
  static Result<std::unique_ptr<ObservedTls>> create(int socket, const ObservedTlsOptions& options);
  ~ObservedTls();
  ObservedTls(const ObservedTls&) = delete;
  ObservedTls& operator=(const ObservedTls&) = delete;

  // kDenied: the server refused with an alert. kUnavailable: no end in time, or the connection broke. kInvalid: what
  // came isn't TLS that this library knows. What was seen until then is in observation() all the same.
  Status handshake(Ticks deadline);
  // After the handshake. The same codes; a server that refuses the client only now says so here (RFC 8446 4.4.2.4).
  Status write(ByteView bytes, Ticks deadline);
  // At least one byte; 0 when the server closed in order.
  Result<std::size_t> read(MutableByteView out, Ticks deadline);

  const TlsObservation& observation() const;

  struct State;

 private:
  explicit ObservedTls(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cloister::net
