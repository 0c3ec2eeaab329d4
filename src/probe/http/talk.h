// A connection to what is being looked at, in clear or under TLS, and questions of HTTP over it.
#pragma once

#include <memory>
#include <string>

#include "net/observed_http2.h"
#include "net/observed_tls.h"
#include "probe/dialer.h"

namespace cloister::probe {

// One thread at a time.
class Talk {
 public:
  static std::unique_ptr<Talk> in_clear(std::unique_ptr<Wire> wire);
  // The handshake is still to be done.
  static Result<std::unique_ptr<Talk>> over_tls(std::unique_ptr<Wire> wire, const net::ObservedTlsOptions& options);

  // Nothing to do in clear.
  Status handshake();
  Status write(ByteView bytes);
  // At least one byte; 0 when the peer closed in order.
  Result<std::size_t> read(MutableByteView out);
  // Null in clear.
  const net::TlsObservation* tls() const { return tls_ ? &tls_->observation() : nullptr; }
  bool timed_out() const { return net::ticks_now() >= wire_->deadline_ms(); }
  void set_patience(Duration patience) { wire_->set_patience(patience); }

 private:
  Talk(std::unique_ptr<Wire> wire, std::unique_ptr<net::ObservedTls> tls)
      : wire_(std::move(wire)), tls_(std::move(tls)) {}

  std::unique_ptr<Wire> wire_;
  std::unique_ptr<net::ObservedTls> tls_;  // destroyed before the wire
};

struct HttpAnswer {
  unsigned status = 0;
  net::HeaderList headers;  // names in lower case
  std::string body;         // its beginning
  // Of the first header of that name; empty when there is none.
  std::string header(std::string_view name) const;
};

inline constexpr std::size_t kHttpHeadMax = 32 << 10;
inline constexpr std::size_t kHttpBodyMax = 16 << 10;

// A head of HTTP/1 and what followed it. kInvalid for anything else, over the limits too.
Result<HttpAnswer> parse_http1_answer(std::string_view text);
// Asks with GET, `Connection: close`. The body may be cut off: it is what came before the end, the limit or the time.
// kUnavailable when there is no answer; kDenied when TLS refused; kInvalid when it isn't HTTP/1.
Result<HttpAnswer> ask_http1(Talk& talk, const std::string& host, const std::string& path, const std::string& accept);
// The same codes; an answer that says that HTTP/2 is spoken may yet have status 0.
Result<net::Http2Answer> ask_http2(Talk& talk, const net::Http2Question& question);

}  // namespace cloister::probe
