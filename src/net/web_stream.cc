#include "net/web_stream.h"

#include "net/client_connection.h"

namespace cloister::net {

WebStream::WebStream(std::unique_ptr<ClientConnection> connection) : connection_(std::move(connection)) {}
WebStream::~WebStream() = default;

Result<std::unique_ptr<WebStream>> WebStream::connect(const TcpAddress& address, std::shared_ptr<const WebTls> tls,
                                                      Duration patience) {
  if (!tls || address.host.empty() || address.port == 0) {
    return Error(Code::kInvalid, "a stream needs an address and TLS");
  }
  CLOISTER_TRY(auto connection, ClientConnection::connect_stream({address, std::move(tls)}, ticks_now() + patience.ms));
  connection->rest(ticks_now());
  return std::unique_ptr<WebStream>(new WebStream(std::move(connection)));
}

Status WebStream::write(ByteView bytes, Duration patience) {
  connection_->rest(ticks_now());
  return connection_->write(bytes, ticks_now() + patience.ms);
}

Result<std::size_t> WebStream::read(MutableByteView out, Duration patience) {
  auto count = connection_->read(out, ticks_now() + patience.ms);
  connection_->rest(ticks_now());
  return count;
}

Status WebStream::read_exactly(MutableByteView out, Duration patience) {
  const Ticks deadline = ticks_now() + patience.ms;
  while (!out.empty()) {
    CLOISTER_TRY(const std::size_t count, connection_->read(out, deadline));
    if (count == 0) return Error(Code::kUnavailable, "the server closed the connection");
    out = out.subspan(count);
  }
  connection_->rest(ticks_now());
  return {};
}

bool WebStream::usable() const { return connection_->usable(ticks_now(), {}); }

void WebStream::close() { connection_->say_goodbye(); }

}  // namespace cloister::net
