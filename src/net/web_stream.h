// Bytes to and from a server that isn't ours, over TLS: for protocols that aren't HTTP, such as KMIP.
#pragma once

#include "net/address.h"
#include "net/web_tls.h"

namespace cloister::net {

class ClientConnection;

// One thread at a time; every call waits, no longer than its `patience`. After an error nothing but destruction.
class WebStream {
 public:
  // Connected, and the server has proven to be `address.host`. kDenied, kExpired: it isn't, or it refuses us.
  // kUnavailable: out of reach, or no answer in time. kInvalid: it doesn't speak TLS as we do.
  static Result<std::unique_ptr<WebStream>> connect(const TcpAddress& address, std::shared_ptr<const WebTls> tls,
                                                    Duration patience);
  ~WebStream();
  WebStream(const WebStream&) = delete;
  WebStream& operator=(const WebStream&) = delete;

  // All of them.
  Status write(ByteView bytes, Duration patience);
  // At least one byte; 0 when the server has closed.
  Result<std::size_t> read(MutableByteView out, Duration patience);
  // All of `out`; kUnavailable when the server closes before.
  Status read_exactly(MutableByteView out, Duration patience);
  // False when the server has closed, sent something unasked, or left its proof behind: connect anew.
  bool usable() const;
  // Says goodbye. Nothing may follow.
  void close();

 private:
  explicit WebStream(std::unique_ptr<ClientConnection> connection);
  std::unique_ptr<ClientConnection> connection_;
};

}  // namespace cloister::net
