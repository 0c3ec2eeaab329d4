#include "probe/path/plaintext_probe.h"

#include <array>

#include "probe/path/record_walk.h"

namespace cloister::probe::path {
namespace {

constexpr std::string_view kHttp1 = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
// The preface of HTTP/2 and an empty SETTINGS frame. RFC 9113 3.4.
constexpr std::string_view kHttp2("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
constexpr std::uint8_t kAlert = 21;

Result<PlaintextAnswer> try_in_the_clear(Dialer& dialer, std::string_view request) {
  CLOISTER_TRY(const auto wire, dialer.connect());
  if (!wire->write(as_bytes(request)).ok())
    return wire->timed_out() ? PlaintextAnswer::kSilent : PlaintextAnswer::kRefused;
  std::array<std::uint8_t, 512> answer;
  const auto size = wire->read(answer);
  if (!size.ok()) return wire->timed_out() ? PlaintextAnswer::kSilent : PlaintextAnswer::kRefused;
  return read_answer(ByteView(answer).first(*size), *size == 0);
}

}  // namespace

PlaintextAnswer read_answer(ByteView answer, bool ended) {
  if (answer.empty()) return ended ? PlaintextAnswer::kRefused : PlaintextAnswer::kSilent;
  const bool alert = record_size(answer) && answer[0] == kAlert;
  return alert ? PlaintextAnswer::kRefused : PlaintextAnswer::kAccepted;
}

Result<std::vector<Statement>> probe_plaintext(Dialer& dialer, Time now) {
  Statement statement;
  statement.source = Source::kProbe;
  CLOISTER_TRY(statement.to.address, IpAddress::parse(dialer.endpoint().resolved.host()));
  statement.port = dialer.endpoint().resolved.port();
  statement.begin = statement.end = now;
  CLOISTER_TRY(const PlaintextAnswer http1, try_in_the_clear(dialer, kHttp1));
  CLOISTER_TRY(const PlaintextAnswer http2, try_in_the_clear(dialer, kHttp2));
  if (http1 == PlaintextAnswer::kAccepted || http2 == PlaintextAnswer::kAccepted) {
    statement.claim = Claim::kPlaintextAccepted;
    statement.detail =
        http1 == PlaintextAnswer::kAccepted ? "answers HTTP/1 in the clear" : "answers HTTP/2 in the clear";
  } else if (http1 == PlaintextAnswer::kRefused && http2 == PlaintextAnswer::kRefused) {
    statement.claim = Claim::kPlaintextRefused;
    statement.detail = "HTTP/1 and HTTP/2 in the clear were refused";
  } else {
    return std::vector<Statement>();
  }
  return std::vector<Statement>{std::move(statement)};
}

}  // namespace cloister::probe::path
