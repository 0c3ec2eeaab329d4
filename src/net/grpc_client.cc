#include "net/grpc_client.h"

#include <algorithm>

#include "net/client_connection.h"
#include "net/grpc_client_session.h"

namespace cloister::net {
namespace {

constexpr std::size_t kRoom = 16 << 10;

Status check(const GrpcClient::Target& target) {
  const auto reachable = [](const TcpAddress& address) { return !address.host.empty() && address.port != 0; };
  bool whole = false;
  if (const auto* mutual = std::get_if<TlsTarget>(&target)) {
    whole = reachable(mutual->address) && !mutual->server_id.empty() && mutual->tls != nullptr;
  } else if (const auto* local = std::get_if<LocalTarget>(&target)) {
    whole = reachable(local->address);
  } else {
    whole = !std::get<UnixTarget>(target).path.empty();
  }
  if (!whole) return Error(Code::kInvalid, "a client of gRPC needs an address and, with TLS, whom it expects there");
  return {};
}

GrpcClientSession::Origin origin_of(const GrpcClient::Target& target) {
  if (const auto* mutual = std::get_if<TlsTarget>(&target)) return {"https", mutual->address.to_string()};
  if (const auto* local = std::get_if<LocalTarget>(&target)) return {"http", local->address.to_string()};
  return {"http", "localhost"};
}

Status check(const GrpcRequest& request) {
  if (!is_origin_form("POST", request.method)) return Error(Code::kInvalid, "a method of gRPC begins with a slash");
  for (const Header& header : request.metadata.all()) {
    if (!is_sendable(header)) return Error(Code::kInvalid, "a call can't carry the metadata " + header.name);
  }
  return {};
}

}  // namespace

class GrpcClientCall {
 public:
  GrpcClientCall(const GrpcClientOptions& options, const GrpcRequest& request, const GrpcClientSession::Origin& origin,
                 std::unique_ptr<ClientConnection> connection)
      : options_(options),
        connection_(std::move(connection)),
        session_(options, request, origin),
        heard_(ticks_now()) {}

  Status send(Ticks deadline) { return connection_->write(session_.output(), deadline); }

  Result<GrpcEvent> next(Ticks deadline) {
    for (;;) {
      if (cancelled_) return Error(Code::kUnavailable, "the call was cancelled");
      if (auto event = session_.take()) return std::move(*event);
      if (!failure_.ok()) return failure_.error();
      failure_ = read_some(deadline);
      if (failure_.ok() && ticks_now() >= deadline) {
        auto event = session_.take();
        return event ? std::move(*event) : GrpcEvent(GrpcNothingYet{});
      }
    }
  }

  void cancel() {
    cancelled_ = true;
    connection_->interrupt();
  }
  const ConnectionInfo& info() const { return *connection_->info(); }

 private:
  // Returns at the deadline without an error.
  Status read_some(Ticks deadline) {
    const Ticks end_of_silence = asked_ ? *asked_ + options_.ping_time.ms : heard_ + options_.silence_time.ms;
    const Ticks until = std::min(deadline, end_of_silence);
    Buffer room(kRoom);
    auto count = connection_->read(room, until);
    const Ticks now = ticks_now();
    if (!count.ok()) {
      if (count.error().code() != Code::kUnavailable || now < until || cancelled_) return count.error();
      return now >= end_of_silence ? break_silence(now) : Status();
    }
    if (*count == 0) return Error(Code::kUnavailable, "the server closed the connection");
    heard_ = now;
    asked_.reset();
    CLOISTER_RETURN_IF_ERROR(session_.feed(now, ByteView(room).first(*count)));
    // Acknowledgements and windows: a server that takes none of them is gone.
    const Buffer out = session_.output();
    return out.empty() ? Status() : connection_->write(out, now + options_.ping_time.ms);
  }

  Status break_silence(Ticks now) {
    if (asked_) return Error(Code::kUnavailable, "the server doesn't answer any more");
    asked_ = now;
    session_.ping();
    return connection_->write(session_.output(), now + options_.ping_time.ms);
  }

  const GrpcClientOptions options_;
  const std::unique_ptr<ClientConnection> connection_;
  GrpcClientSession session_;
  Ticks heard_;
  std::optional<Ticks> asked_;
  Status failure_;
  std::atomic<bool> cancelled_{false};
};

GrpcAnswers::GrpcAnswers(std::unique_ptr<GrpcClientCall> call) : call_(std::move(call)) {}
GrpcAnswers::~GrpcAnswers() = default;
Result<GrpcEvent> GrpcAnswers::next(Duration patience) { return call_->next(ticks_now() + patience.ms); }
void GrpcAnswers::cancel() { call_->cancel(); }
const ConnectionInfo& GrpcAnswers::connection() const { return call_->info(); }

Result<std::unique_ptr<GrpcClient>> GrpcClient::create(Target target, GrpcClientOptions options) {
  CLOISTER_RETURN_IF_ERROR(check(target));
  if (options.message_bytes == 0 || options.silence_time.ms <= 0 || options.ping_time.ms <= 0) {
    return Error(Code::kInvalid, "a limit of gRPC must be more than nothing");
  }
  return std::unique_ptr<GrpcClient>(new GrpcClient(std::move(target), options));
}

Result<std::unique_ptr<GrpcAnswers>> GrpcClient::begin(const GrpcRequest& request, Duration patience) const {
  CLOISTER_RETURN_IF_ERROR(check(request));
  const Ticks deadline = ticks_now() + patience.ms;
  const auto widened = std::visit([](const auto& one) -> HttpClient::Target { return one; }, target_);
  CLOISTER_TRY(auto connection, ClientConnection::connect(widened, deadline, Speaks::kHttp2));
  auto call = std::make_unique<GrpcClientCall>(options_, request, origin_of(target_), std::move(connection));
  CLOISTER_RETURN_IF_ERROR(call->send(deadline));
  return std::make_unique<GrpcAnswers>(std::move(call));
}

Result<GrpcClient::Answer> GrpcClient::call(const GrpcRequest& request, Duration patience) const {
  const Ticks deadline = ticks_now() + patience.ms;
  CLOISTER_TRY(const auto answers, begin(request, patience));
  std::optional<Buffer> message;
  for (;;) {
    CLOISTER_TRY(GrpcEvent event, answers->next(Duration{std::max<Ticks>(deadline - ticks_now(), 0)}));
    if (std::holds_alternative<GrpcNothingYet>(event)) {
      return Error(Code::kUnavailable, "call " + request.method + ": no answer in time");
    }
    if (auto* status = std::get_if<GrpcStatus>(&event)) {
      if (status->code != GrpcCode::kOk) return Answer{std::move(*status), {}};
      if (!message) return Error(Code::kInvalid, "call " + request.method + ": the answer holds no message");
      return Answer{{}, std::move(*message)};
    }
    if (message) return Error(Code::kInvalid, "call " + request.method + ": the answer holds several messages");
    message = std::get<Buffer>(std::move(event));
  }
}

}  // namespace cloister::net
