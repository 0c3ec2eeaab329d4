#include "mesh/workload_api/workload_api.h"

#include <algorithm>
#include <array>
#include <optional>

#include "crypto/hash.h"
#include "mesh/workload_api/messages.h"

namespace cloister::mesh {
namespace {

constexpr std::string_view kService = "/SpiffeWorkloadAPI/";
constexpr std::string_view kSecurityHeader = "workload.spiffe.io";
// Tokens are made by the machine they are checked on, or by one whose clock may be off by as much.
constexpr Duration kTokenLeeway = identity::kJwtLeewayMax;

// A browser, or a server that was tricked into asking, can't send this header.
bool has_security_header(const net::Headers& headers) {
  std::size_t there = 0, right = 0;
  for (const net::Header& header : headers.all()) {
    if (header.name != kSecurityHeader) continue;
    ++there;
    if (header.value == "true") ++right;
  }
  return there == 1 && right == 1;
}

// One call on its way, between the I/O thread and the workers.
struct Exchange {
  std::shared_ptr<const WorkloadApiParts> parts;
  std::shared_ptr<net::GrpcCall> call;
  net::UnixPeer caller;
  std::string method;

  void refuse(net::GrpcCode code, std::string text, std::string reason) const {
    if (parts->on_refusal) parts->on_refusal({method, caller, code, std::move(reason)});
    call->finish({code, std::move(text)});
  }
  void refuse_argument(const Error& error) const {
    refuse(net::GrpcCode::kInvalidArgument, error.message(), error.message());
  }
  // Why there is nothing for the caller is for the log: what is registered for others is no business of the caller's.
  void refuse(const Error& error) const {
    switch (error.code()) {
      case Code::kDenied:
      case Code::kNotFound: return refuse(net::GrpcCode::kPermissionDenied, "no identity issued", error.message());
      case Code::kInvalid: return refuse_argument(error);
      case Code::kUnavailable: return refuse(net::GrpcCode::kUnavailable, "not ready, try again", error.message());
      default: return refuse(net::GrpcCode::kInternal, "internal error", error.message());
    }
  }
};
using Shared = std::shared_ptr<const Exchange>;

// What an action returns lives until the call is over.
using Held = std::shared_ptr<void>;
using Action = Held (*)(const Shared& exchange, ByteView message);

using WriteState = Result<net::Buffer> (*)(const WorkloadState& state);

// Every message is the whole state. One that says the same as the one before isn't sent again.
Held follow(const Shared& exchange, ByteView message, WriteState write) {
  const Status request = parse_empty_request(message);
  if (!request.ok()) return exchange->refuse_argument(request.error()), nullptr;
  auto last = std::make_shared<std::optional<crypto::Sha256Digest>>();
  auto deliver = [exchange, last, write](const Result<std::shared_ptr<const WorkloadState>>& state) {
    net::GrpcCall& call = *exchange->call;
    if (call.over()) return false;
    if (!state.ok()) return exchange->refuse(state.error()), false;
    auto written = write(**state);
    if (!written.ok()) return exchange->refuse(written.error()), false;
    const crypto::Sha256Digest digest = crypto::sha256(*written);
    if (std::exchange(*last, digest) != digest) call.send(std::move(*written));
    return !call.over();
  };
  return exchange->parts->feed.follow(exchange->caller, std::move(deliver));
}

Held fetch_x509_svid(const Shared& exchange, ByteView message) { return follow(exchange, message, write_x509_svids); }

Held fetch_x509_bundles(const Shared& exchange, ByteView message) {
  return follow(exchange, message,
                [](const WorkloadState& state) { return Result<net::Buffer>(write_x509_bundles(state.bundles)); });
}

Held fetch_jwt_bundles(const Shared& exchange, ByteView message) {
  return follow(exchange, message,
                [](const WorkloadState& state) { return Result<net::Buffer>(write_jwt_bundles(state.bundles)); });
}

// On a worker: `answer` returns the one message, or has refused.
void answer_later(const Shared& exchange, std::function<Result<net::Buffer>()> answer) {
  const bool taken = exchange->parts->workers.submit([exchange, answer = std::move(answer)] {
    if (exchange->call->over()) return;
    auto message = answer();
    if (!message.ok()) return exchange->refuse(message.error());
    exchange->call->send(std::move(*message));
    exchange->call->finish({});
  });
  if (!taken) exchange->refuse(Error(Code::kUnavailable, "too many calls wait for a worker"));
}

Held fetch_jwt_svid(const Shared& exchange, ByteView message) {
  auto request = parse_jwt_svid_request(message);
  if (!request.ok()) return exchange->refuse_argument(request.error()), nullptr;
  answer_later(exchange, [exchange, request = std::move(*request)]() -> Result<net::Buffer> {
    CLOISTER_TRY(const auto tokens,
                 exchange->parts->identities.tokens_for(exchange->caller, request.audience, request.id));
    if (tokens.empty()) return Error(Code::kDenied, "there is no token");
    return write_jwt_svids(tokens);
  });
  return nullptr;
}

Held validate_jwt_svid(const Shared& exchange, ByteView message) {
  auto request = parse_validate_jwt_svid_request(message);
  if (!request.ok()) return exchange->refuse_argument(request.error()), nullptr;
  answer_later(exchange, [exchange, request = std::move(*request)]() -> Result<net::Buffer> {
    CLOISTER_TRY(const auto state, exchange->parts->identities.state_of(exchange->caller));
    const auto svid = identity::verify_jwt_svid(request.token, state->bundles,
                                                {request.audience, exchange->parts->clock(), kTokenLeeway});
    if (!svid.ok()) return Error(Code::kInvalid, svid.error().message());
    return write_validated(*svid);
  });
  return nullptr;
}

struct Method {
  std::string_view name;
  Action action;
};
constexpr std::array kMethods{
    Method{"FetchX509SVID", fetch_x509_svid},     Method{"FetchX509Bundles", fetch_x509_bundles},
    Method{"FetchJWTSVID", fetch_jwt_svid},       Method{"FetchJWTBundles", fetch_jwt_bundles},
    Method{"ValidateJWTSVID", validate_jwt_svid},
};

// Every method takes exactly one message, and acts once it is known that there is no other.
class OneMessage final : public net::GrpcReceiver {
 public:
  OneMessage(Shared exchange, Action action, std::unique_ptr<CallerLimits::Permit> permit)
      : exchange_(std::move(exchange)), action_(action), permit_(std::move(permit)) {}

  void message(net::Buffer message) override {
    if (message_) return refuse_count();
    message_ = std::move(message);
  }
  void half_closed() override {
    if (exchange_->call->over()) return;
    if (!message_) return refuse_count();
    held_ = action_(exchange_, *message_);
  }
  void gone() override {
    held_ = nullptr;
    permit_ = nullptr;
  }

 private:
  void refuse_count() {
    exchange_->refuse(net::GrpcCode::kUnimplemented, "the method takes one message", "not exactly one message");
  }

  Shared exchange_;
  Action action_;
  std::unique_ptr<CallerLimits::Permit> permit_;
  std::optional<net::Buffer> message_;
  Held held_;
};

// For a call that was refused before its first message.
class Deaf final : public net::GrpcReceiver {
 public:
  void message(net::Buffer) override {}
  void half_closed() override {}
  void gone() override {}
};

}  // namespace

WorkloadApi::WorkloadApi(WorkloadApiParts parts) : parts_(std::make_shared<const WorkloadApiParts>(std::move(parts))) {}

std::unique_ptr<net::GrpcReceiver> WorkloadApi::begin(std::shared_ptr<net::GrpcCall> call) {
  const net::Request& head = call->head();
  const std::string_view path = head.path();
  if (!path.starts_with(kService)) return nullptr;
  const auto& peer = head.connection->unix_peer;
  const auto exchange = std::make_shared<const Exchange>(
      Exchange{parts_, call, peer.value_or(net::UnixPeer{}), std::string(path.substr(kService.size()))});
  if (!has_security_header(head.headers)) {
    exchange->refuse(net::GrpcCode::kInvalidArgument, "security header missing from request", "no security header");
    return std::make_unique<Deaf>();
  }
  if (!peer) {
    exchange->refuse(Error(Code::kDenied, "the caller didn't come by a Unix socket"));
    return std::make_unique<Deaf>();
  }
  const auto method = std::ranges::find(kMethods, exchange->method, &Method::name);
  if (method == kMethods.end()) return nullptr;
  auto permit = parts_->limits.begin(*peer, parts_->clock());
  if (!permit.ok()) {
    const bool rate = permit.error().code() == Code::kUnavailable;
    exchange->refuse(rate ? net::GrpcCode::kUnavailable : net::GrpcCode::kResourceExhausted, permit.error().message(),
                     permit.error().message());
    return std::make_unique<Deaf>();
  }
  return std::make_unique<OneMessage>(exchange, method->action, std::move(*permit));
}

}  // namespace cloister::mesh
