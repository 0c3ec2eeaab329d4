// One connection of a client: connects, writes and reads, each until a deadline. Used by HttpClient, GrpcClient and
// WebStream alone.
#pragma once

#include <sys/socket.h>

#include "net/http_client.h"
#include "net/session.h"
#include "net/socket.h"
#include "net/tls_session.h"

namespace cloister::net {

class ClientConnection {
 public:
  // Connected and proven, or kDenied, kUnavailable as HttpClient::send says.
  static Result<std::unique_ptr<ClientConnection>> connect(const HttpClient::Target& target, Ticks deadline,
                                                           Speaks speaks = Speaks::kHttp);

  // The same, for something else than HTTP.
  static Result<std::unique_ptr<ClientConnection>> connect_stream(const WebTarget& target, Ticks deadline);

  Status write(ByteView bytes, Ticks deadline);
  // At least one byte; 0 when the server has closed.
  Result<std::size_t> read(MutableByteView out, Ticks deadline);

  // Nothing came unasked, the server hasn't closed, and the proof hasn't run out.
  bool usable(Ticks now, const ClientOptions& options) const;
  void rest(Ticks now) { resting_since_ = now; }
  const std::shared_ptr<ConnectionInfo>& info() const { return info_; }
  // From any thread: reads and writes end at once, now and from now on.
  void interrupt() { ::shutdown(socket_.descriptor(), SHUT_RDWR); }
  // Says goodbye; nothing may be written afterwards.
  void say_goodbye();

 private:
  ClientConnection() : info_(std::make_shared<ConnectionInfo>()) {}
  Status connect_mutual(const TlsTarget& target, Speaks speaks, Ticks deadline);
  Status connect_anonymous(const AnonymousTlsTarget& target, Ticks deadline);
  Status connect_web(const WebTarget& target, Speaks speaks, Ticks deadline);
  Status prove(const TcpAddress& address, Time now, Ticks deadline);
  Status shake_hands(Ticks deadline);

  Socket socket_;
  std::unique_ptr<TlsSession> tls_;  // destroyed before the socket
  std::shared_ptr<ConnectionInfo> info_;
  Ticks began_ = 0;
  Ticks resting_since_ = 0;
  Ticks end_of_proof_ = kNever;
};

}  // namespace cloister::net
