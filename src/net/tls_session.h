// One TLS connection over a non-blocking socket. Made by MutualTls and ServerOnlyTls.
#pragma once

#include <optional>

#include "crypto/hash.h"
#include "net/tls.h"

namespace cloister::net {

// One thread at a time. After kFailed nothing but failure() may be asked.
class TlsSession {
 public:
  struct State;
  explicit TlsSession(std::unique_ptr<State> state);
  ~TlsSession();

  enum class Outcome {
    kDone,       // handshake finished, or bytes moved
    kWantRead,   // call again when the socket can be read
    kWantWrite,  // call again when the socket can be written
    kClosed,     // the peer said goodbye properly
    kFailed,     // failure() says why
  };
  Outcome handshake();

  struct Transfer {
    Outcome outcome;
    std::size_t bytes = 0;
  };
  // At least one byte when kDone. On a client, a refusal of its certificate is first seen here.
  Transfer read(MutableByteView out);
  // Bytes came from the socket that read() hasn't handed out: don't wait for the socket before calling it again.
  bool has_buffered() const;
  // May take a part only. A call that returned kWantRead or kWantWrite is repeated with bytes that begin the same.
  Transfer write(ByteView bytes);
  // For streams, instead of write(): encrypts all of it and hands the records to the socket with one call. What the
  // socket doesn't take is kept, kWantWrite says so, and flush() goes on with it; nothing may be sent before that is
  // done. `scratch` is room that the sessions of one thread share.
  Outcome send(ByteView bytes, Bytes& scratch);
  // kDone, kWantWrite or kFailed. After a read() too: answers to the peer's key updates wait here.
  Outcome flush();
  bool has_unsent() const;
  // Says goodbye, as far as the socket takes it.
  void close_notify();

  // kDenied, kExpired, kCorrupt: the verifier's own words. kDenied also: the peer refused us. kUnavailable: the
  // connection broke. kInvalid: the peer doesn't speak TLS as we do.
  const Error& failure() const;
  // Whether that was the peer, which doesn't take our certificate.
  bool refused_by_peer() const;

  // After the handshake. No peer behind ServerOnlyTls.
  const std::optional<Peer>& peer() const;
  // SHA-256 of the public key (SPKI) in the peer's leaf certificate; not for streams.
  const std::optional<crypto::Sha256Digest>& peer_key() const;
  // The same of the certificate that this end shows; nothing when it shows none.
  std::optional<crypto::Sha256Digest> own_key() const;
  // Of the leaf certificate that a stream's peer showed.
  const std::optional<crypto::Sha256Digest>& peer_leaf() const;
  // kUnavailable before the handshake is done.
  Result<ChannelBinding> channel_binding() const;
  std::string group() const;
  std::string cipher() const;
  bool speaks_http2() const;
  // What ALPN chose: empty where nothing was.
  std::string protocol() const;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace cloister::net
