// One connection of a client: connects, writes and reads, each until a deadline. Used by HttpClient alone.
#pragma once

#include "net/http_client.h"
#include "net/session.h"
#include "net/socket.h"
#include "net/tls_session.h"

namespace cloister::net {

class ClientConnection {
 public:
  // Connected and proven, or kDenied, kUnavailable as HttpClient::send says.
  static Result<std::unique_ptr<ClientConnection>> connect(const HttpClient::Target& target, Ticks deadline);

  Status write(ByteView bytes, Ticks deadline);
  // At least one byte; 0 when the server has closed.
  Result<std::size_t> read(MutableByteView out, Ticks deadline);

  // Nothing came unasked, the server hasn't closed, and the proof hasn't run out.
  bool usable(Ticks now, const ClientOptions& options) const;
  void rest(Ticks now) { resting_since_ = now; }
  const std::shared_ptr<ConnectionInfo>& info() const { return info_; }

 private:
  ClientConnection() : info_(std::make_shared<ConnectionInfo>()) {}
  Status shake_hands(Ticks deadline);

  Socket socket_;
  std::unique_ptr<TlsSession> tls_;  // destroyed before the socket
  std::shared_ptr<ConnectionInfo> info_;
  Ticks began_ = 0;
  Ticks resting_since_ = 0;
  Ticks end_of_proof_ = kNever;
};

}  // namespace cloister::net
