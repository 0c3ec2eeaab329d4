#include "net/http_client.h"

#include <algorithm>
#include <array>

#include "net/client_connection.h"
#include "net/http1_parser.h"
#include "net/ticks.h"

namespace cloister::net {
namespace {

// Whether a kept connection that dies leaves the request unharmed.
enum class Failure { kBeforeAnswer, kFinal };

bool may_be_repeated(std::string_view method) {
  static constexpr std::array<std::string_view, 5> kRepeatable{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
  return std::ranges::find(kRepeatable, method) != kRepeatable.end();
}

// As foreign servers know themselves: without the port where it is the usual one.
std::string web_host(const TcpAddress& address, std::uint16_t usual_port) {
  std::string host = address.to_string();
  if (address.port == usual_port) host.resize(host.rfind(':'));
  return host;
}

std::string host_of(const HttpClient::Target& target) {
  if (const auto* remote = std::get_if<WebTarget>(&target)) return web_host(remote->address, 443);
  if (const auto* remote = std::get_if<LocalTarget>(&target)) return web_host(remote->address, 80);
  if (const auto* remote = std::get_if<TlsTarget>(&target)) return remote->address.to_string();
  if (const auto* remote = std::get_if<AnonymousTlsTarget>(&target)) return remote->address.to_string();
  return "localhost";
}

template <typename Remote>
Status check_remote(const Remote& remote) {
  if (remote.tls && !remote.server_id.empty() && !remote.address.host.empty() && remote.address.port != 0) return {};
  return Error(Code::kInvalid, "a client needs an address, TLS and the identity of its server");
}

Status check_target(const HttpClient::Target& target) {
  if (const auto* mutual = std::get_if<TlsTarget>(&target)) return check_remote(*mutual);
  if (const auto* anonymous = std::get_if<AnonymousTlsTarget>(&target)) return check_remote(*anonymous);
  if (const auto* local = std::get_if<UnixTarget>(&target)) {
    const auto address = unix_address(local->path);
    return address.ok() ? Status() : Status(address.error());
  }
  const auto* web = std::get_if<WebTarget>(&target);
  const TcpAddress& address = web != nullptr ? web->address : std::get<LocalTarget>(target).address;
  if ((web == nullptr || web->tls) && !address.host.empty() && address.port != 0) return {};
  return Error(Code::kInvalid, "a client needs an address, and TLS unless its server is on this machine");
}

Result<Buffer> serialize(const Request& request, const std::string& host) {
  const bool named = !request.method.empty() && std::ranges::all_of(request.method, [](char character) {
    return (character >= 'A' && character <= 'Z') || character == '-';
  });
  if (!named || !is_origin_form(request.method, request.target)) {
    return Error(Code::kInvalid, "a request needs a method in capitals and a target that begins with a slash");
  }
  Buffer out;
  out.reserve(256 + request.body.size());
  append(out, request.method + " " + request.target + " HTTP/1.1\r\n");
  if (request.headers.find("host") == nullptr) append(out, "host: " + host + "\r\n");
  for (const Header& header : request.headers.all()) {
    if (!is_sendable(header)) return Error(Code::kInvalid, "a request can't carry the header " + header.name);
    append(out, header.name + ": " + header.value + "\r\n");
  }
  const bool says_length = !request.body.empty() || (request.method != "GET" && request.method != "HEAD");
  if (says_length) append(out, "content-length: " + std::to_string(request.body.size()) + "\r\n");
  append(out, "\r\n");
  append(out, request.body);
  return out;
}

Http1ResponseParser::Body body_of(const Request& request) {
  return request.method == "HEAD" ? Http1ResponseParser::Body::kNone : Http1ResponseParser::Body::kExpected;
}

struct Attempt {
  ClientConnection& connection;
  const ClientOptions& options;
  Ticks deadline;
  Failure failure = Failure::kBeforeAnswer;
  bool reusable = false;

  Result<Response> exchange(ByteView request, Http1ResponseParser::Body body) {
    // A server that refuses early stops reading: its answer may be there all the same.
    const Status written = connection.write(request, deadline);
    Http1ResponseParser parser(options.response, body);
    Buffer waiting;
    Buffer room(16 << 10);
    while (parser.state() != ParseState::kDone) {
      auto count = connection.read(room, deadline);
      if (!count.ok()) return !written.ok() && count.error().code() != Code::kDenied ? written.error() : count.error();
      if (count.value() == 0) {
        if (failure == Failure::kBeforeAnswer) return Error(Code::kUnavailable, "the server closed the connection");
        parser.put_end();
      } else {
        failure = Failure::kFinal;
        append(waiting, ByteView(room).first(count.value()));
        const std::size_t used = parser.put(waiting);
        Buffer rest(waiting.begin() + static_cast<std::ptrdiff_t>(used), waiting.end());
        waiting.swap(rest);
      }
      if (parser.state() == ParseState::kRefused) return parser.fault();
    }
    reusable = written.ok() && parser.keeps_alive() && waiting.empty();
    return std::move(parser.response());
  }
};

constexpr Ticks kWaitStep = 50;

// Hands an answer's body on as it comes.
struct StreamAttempt {
  ClientConnection& connection;
  const ClientOptions& options;
  BodySink& sink;
  Duration patience;
  bool begun = false;
  std::size_t bytes = 0;

  // As ClientConnection::read(), but the sink is told when nothing comes.
  Result<std::size_t> read(MutableByteView room) {
    const Ticks deadline = ticks_now() + patience.ms;
    for (;;) {
      const Ticks step = std::min(deadline, ticks_now() + kWaitStep);
      auto count = connection.read(room, step);
      const Ticks now = ticks_now();
      if (count.ok() || count.error().code() != Code::kUnavailable || now < step || now >= deadline) return count;
      CLOISTER_RETURN_IF_ERROR(sink.wait());
    }
  }

  Status hand_on(Http1ResponseParser& parser) {
    if (parser.state() != ParseState::kBody && parser.state() != ParseState::kDone) return {};
    const Buffer piece = std::exchange(parser.response().body, {});
    if (!std::exchange(begun, true)) CLOISTER_RETURN_IF_ERROR(sink.begin(parser.response()));
    bytes += piece.size();
    if (bytes > options.response.body_bytes) return Error(Code::kInvalid, "the server's answer is larger than allowed");
    return piece.empty() ? Status() : sink.take(piece);
  }

  Result<Response> exchange(ByteView request) {
    const Status written = connection.write(request, ticks_now() + patience.ms);
    Http1ResponseParser parser(options.response, Http1ResponseParser::Body::kExpected);
    Buffer waiting;
    Buffer room(16 << 10);
    while (parser.state() != ParseState::kDone) {
      auto count = read(room);
      if (!count.ok()) return !written.ok() && count.error().code() != Code::kDenied ? written.error() : count.error();
      if (count.value() == 0) {
        if (parser.state() == ParseState::kNothing)
          return Error(Code::kUnavailable, "the server closed the connection");
        parser.put_end();
      } else {
        append(waiting, ByteView(room).first(count.value()));
        const std::size_t used = parser.put(waiting);
        waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(used));
      }
      if (parser.state() == ParseState::kRefused) return parser.fault();
      CLOISTER_RETURN_IF_ERROR(hand_on(parser));
    }
    return std::move(parser.response());
  }
};

}  // namespace

HttpConnection::HttpConnection(std::unique_ptr<ClientConnection> connection, std::string host, ClientOptions options)
    : connection_(std::move(connection)), host_(std::move(host)), options_(std::move(options)) {}
HttpConnection::~HttpConnection() = default;

const ConnectionInfo& HttpConnection::info() const { return *connection_->info(); }

Result<Response> HttpConnection::send(const Request& request, Duration patience) {
  CLOISTER_TRY(const Buffer bytes, serialize(request, host_));
  if (!reusable_) return Error(Code::kUnavailable, "the connection has ended");
  Attempt attempt{*connection_, options_, ticks_now() + patience.ms};
  auto response = attempt.exchange(bytes, body_of(request));
  reusable_ = attempt.reusable;
  return response;
}

HttpClient::HttpClient(Target target, ClientOptions options)
    : target_(std::move(target)), options_(std::move(options)) {}
HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient>> HttpClient::create(Target target, ClientOptions options) {
  CLOISTER_RETURN_IF_ERROR(check_target(target));
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(target), std::move(options)));
}

std::unique_ptr<ClientConnection> HttpClient::take_kept() {
  const Ticks now = ticks_now();
  const std::scoped_lock lock(mutex_);
  while (!kept_.empty()) {
    std::unique_ptr<ClientConnection> connection = std::move(kept_.back());
    kept_.pop_back();
    if (connection->usable(now, options_)) return connection;
  }
  return nullptr;
}

void HttpClient::keep(std::unique_ptr<ClientConnection> connection) {
  connection->rest(ticks_now());
  const std::scoped_lock lock(mutex_);
  if (kept_.size() < options_.idle_connections) kept_.push_back(std::move(connection));
}

Result<std::unique_ptr<HttpConnection>> HttpClient::open(Duration patience) {
  CLOISTER_TRY(auto connection, ClientConnection::connect(target_, ticks_now() + patience.ms));
  return std::unique_ptr<HttpConnection>(new HttpConnection(std::move(connection), host_of(target_), options_));
}

Result<Response> HttpClient::stream(const Request& request, BodySink& sink, Duration patience) {
  CLOISTER_TRY(const Buffer bytes, serialize(request, host_of(target_)));
  CLOISTER_TRY(const auto connection, ClientConnection::connect(target_, ticks_now() + patience.ms));
  StreamAttempt attempt{*connection, options_, sink, patience};
  return attempt.exchange(bytes);
}

Result<Exchange> HttpClient::send(const Request& request, Duration patience) {
  const Ticks deadline = ticks_now() + patience.ms;
  CLOISTER_TRY(const Buffer bytes, serialize(request, host_of(target_)));
  std::unique_ptr<ClientConnection> connection = take_kept();
  bool repeat = connection != nullptr && may_be_repeated(request.method);
  for (;;) {
    if (!connection) {
      CLOISTER_TRY(connection, ClientConnection::connect(target_, deadline));
    }
    Attempt attempt{*connection, options_, deadline};
    auto response = attempt.exchange(bytes, body_of(request));
    if (response.ok()) {
      Exchange exchange{std::move(response).value(), connection->info()};
      if (attempt.reusable) keep(std::move(connection));
      return exchange;
    }
    const bool gone = response.error().code() == Code::kUnavailable && attempt.failure == Failure::kBeforeAnswer;
    if (!repeat || !gone || ticks_now() >= deadline) return response.error();
    repeat = false;
    connection.reset();
  }
}

}  // namespace cloister::net
