// A connection's plaintext, any bytes in any pieces: HTTP/1.1, HTTP/2 and what can't tell yet. The first byte says
// which protocol, how the input is cut, and how the handler answers.
#include <vector>

#include "net/http1_parser.h"
#include "net/session.h"

using namespace cloister;

namespace {

struct Host final : net::SessionHost {
  std::optional<net::Response> handle(net::RequestId id, net::Request& request) override {
    CLOISTER_CHECK(request.target.starts_with('/') || request.target == "*");
    CLOISTER_CHECK(request.target.size() <= limits.uri_bytes && request.body.size() <= limits.body_bytes);
    CLOISTER_CHECK(request.headers.all().size() <= limits.header_count + 1);
    for (const net::Header& header : request.headers.all()) CLOISTER_CHECK(net::is_clean_value(header.value));
    if (defer) {
      waiting.push_back(id);
      return std::nullopt;
    }
    net::Response response = net::json_response(200, "{}");
    response.trailers.add("x-done", "yes");
    return response;
  }
  void refused(net::Refusal) override {}
  std::string_view date() const override { return "Mon, 21 Sep 2026 14:13:20 GMT"; }

  net::Limits limits;
  bool defer = false;
  bool streams = false;  // answers in pieces, where that can be
  std::vector<net::RequestId> waiting;
};

net::Limits small_limits() {
  net::Limits limits;
  limits.uri_bytes = 64;
  limits.header_bytes = 512;
  limits.header_count = 8;
  limits.body_bytes = 256;
  limits.body_bytes_in_flight = 1024;
  limits.streams = 4;
  limits.resets_burst = 8;
  limits.control_burst = 64;
  limits.output_bytes = 4096;
  return limits;
}

void answer_all(net::Session& session, Host& host, net::Ticks now, net::Buffer& out) {
  std::vector<net::RequestId> waiting;
  waiting.swap(host.waiting);
  for (const net::RequestId id : waiting) {
    if (!host.streams || !session.begin_body(now, id, {200, {}, {}, {}}, out)) {
      session.answer(now, id, net::problem(404), out);
      continue;
    }
    net::Push piece, end;
    piece.bytes = net::to_buffer("piece");
    session.push(now, id, std::move(piece), out);
    end.cut = id % 3 == 0;
    if (!end.cut) end.trailers.emplace();
    session.push(now, id, std::move(end), out);
  }
}

void run_server(std::uint8_t mode, ByteView bytes) {
  Host host;
  host.limits = small_limits();
  host.defer = (mode & 2) != 0;
  host.streams = bytes.size() % 2 == 1;
  net::BodyBudget bodies(host.limits.body_bytes_in_flight);
  {
    const net::SessionSettings settings{&host.limits, &bodies, &host};
    net::Buffer out;
    net::Ticks now = 1000;
    const auto protocol = (mode & 1) != 0 ? net::Protocol::kHttp2 : net::protocol_of(bytes);
    if (!protocol) return;
    const auto session = protocol == net::Protocol::kHttp2 ? net::new_http2_session(settings, now, out)
                                                           : net::new_http1_session(settings, now);
    int stalls = 0;
    const std::size_t piece = std::size_t{1} << (mode >> 4);
    while (!bytes.empty() && session->end() == net::Session::End::kNot) {
      if (session->wants_input()) {
        const std::size_t size = std::min(piece, bytes.size());
        session->feed(now, bytes.first(size), out);
        bytes = bytes.subspan(size);
      } else if (++stalls > 4) {  // it waits for an answer that nobody will give
        if (session->deadline() == net::kNever) break;
        session->expire(now = session->deadline(), out);
      }
      CLOISTER_CHECK(out.size() < 64 * host.limits.output_bytes);
      out.clear();
      if ((mode & 4) != 0) answer_all(*session, host, now, out);
      session->resume(now, out);
      now += 7;
    }
    if ((mode & 8) != 0) session->drain(now, out);
    session->input_ended(now, out);
    answer_all(*session, host, now, out);
    for (int i = 0; i < 8 && session->deadline() != net::kNever; ++i) session->expire(session->deadline(), out);
  }
  // Whatever happened, the bodies' bytes are given back.
  CLOISTER_CHECK(bodies.take(host.limits.body_bytes_in_flight));
}

void run_client(ByteView bytes) {
  const net::ResponseLimits limits{.header_bytes = 512, .header_count = 8, .body_bytes = 256};
  net::Http1ResponseParser parser(limits, net::Http1ResponseParser::Body::kExpected);
  while (!bytes.empty() && parser.state() != net::ParseState::kDone && parser.state() != net::ParseState::kRefused) {
    const std::size_t used = parser.put(bytes);
    if (used == 0) break;
    bytes = bytes.subspan(used);
  }
  if (parser.state() != net::ParseState::kDone && parser.state() != net::ParseState::kRefused) parser.put_end();
  CLOISTER_CHECK(parser.response().body.size() <= limits.body_bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  run_server(data[0], {data + 1, size - 1});
  run_client({data + 1, size - 1});
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const auto add = [seeds](std::uint8_t mode, std::string_view text) {
    std::vector<std::uint8_t> seed{mode};
    seed.insert(seed.end(), text.begin(), text.end());
    seeds->push_back(std::move(seed));
  };
  using namespace std::string_view_literals;
  add(0xF0, "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  add(0x12, "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
  add(0x26,
      "POST http://h/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n");
  add(0xF0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  const auto opening = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"sv;
  const auto get = "\0\0\6\1\5\0\0\0\1\x82\x87\x84\x41\1h"sv;
  const auto post = "\0\0\6\1\4\0\0\0\3\x83\x87\x84\x41\1h\0\0\5\0\1\0\0\0\3hello"sv;
  const auto reset = "\0\0\4\3\0\0\0\0\3\0\0\0\x08"sv;
  for (const std::uint8_t mode : {0xF1, 0xF3, 0x37, 0x0B}) {
    add(mode, std::string(opening).append(get).append(post).append(reset));
    add(mode, std::string(opening).append("\0\0\6\1\0\0\0\0\1\x82\x87\x84\x41\1h\0\0\3\x09\4\0\0\0\1\0\1x"sv));
  }
}
