#include "mesh/workload_api/sds.h"

#include <mutex>

#include "crypto/hash.h"
#include "mesh/workload_api/sds_messages.h"

namespace cloister::mesh {
namespace {

using State = std::shared_ptr<const WorkloadState>;
using Parts = std::shared_ptr<const WorkloadApiParts>;

constexpr std::size_t kVersionBytes = 16;

// One call: what was asked, what is known, what was said last. Requests come on the I/O thread, states on workers.
class SecretCall : public std::enable_shared_from_this<SecretCall> {
 public:
  SecretCall(Parts parts, std::shared_ptr<net::GrpcCall> call, net::UnixPeer caller)
      : parts_(std::move(parts)), call_(std::move(call)), caller_(std::move(caller)) {}

  // False when the call is over with it.
  bool take_request(ByteView message) {
    auto request = parse_secret_request(message);
    if (!request.ok()) return refuse(net::GrpcCode::kInvalidArgument, request.error().message());
    if (!request->type.empty() && request->type != kSecretType) {
      return refuse(net::GrpcCode::kInvalidArgument, "there are secrets only, not " + request->type);
    }
    const std::scoped_lock lock(mutex_);
    if (request->validation) validation_ = *request->validation;
    // Of an answer that another has followed: there will be a request for that one too.
    if (!nonce_.empty() && request->nonce != nonce_) return true;
    if (request->rejected) tell(net::GrpcCode::kOk, "envoy doesn't take the secrets: " + *request->rejected);
    const bool other_names = std::exchange(names_, request->names) != request->names;
    if (state_ != nullptr && other_names) respond();
    return !call_->over();
  }

  bool take_state(const Result<State>& state) {
    const std::scoped_lock lock(mutex_);
    if (!state.ok()) return refuse(state.error());
    state_ = *state;
    respond();
    return !call_->over();
  }

  // The state of this moment, and nothing behind it. On a worker.
  void answer_once() {
    if (call_->over() || !take_state(parts_->identities.state_of(caller_))) return;
    call_->finish({});
  }

  bool refuse(const Error& error) {
    switch (error.code()) {
      case Code::kDenied: return refuse(net::GrpcCode::kPermissionDenied, "no identity issued", error.message());
      case Code::kUnavailable: return refuse(net::GrpcCode::kUnavailable, "not ready, try again", error.message());
      default: return refuse(net::GrpcCode::kInternal, "internal error", error.message());
    }
  }
  bool refuse(net::GrpcCode code, std::string text) {
    std::string reason = text;
    return refuse(code, std::move(text), std::move(reason));
  }

  const Parts& parts() const { return parts_; }
  const net::UnixPeer& caller() const { return caller_; }

 private:
  bool refuse(net::GrpcCode code, std::string text, std::string reason) {
    tell(code, std::move(reason));
    call_->finish({code, std::move(text)});
    return false;
  }

  void tell(net::GrpcCode code, std::string reason) const {
    if (!parts_->on_refusal) return;
    std::string method(call_->head().path());
    parts_->on_refusal({method.substr(method.rfind('/') + 1), caller_, code, std::move(reason)});
  }

  // Says nothing that was said already. The version is the content's: after a reconnection it is the same.
  void respond() {
    auto secrets = write_secrets(*state_, names_, validation_);
    if (!secrets.ok()) {
      refuse(net::GrpcCode::kInvalidArgument, secrets.error().message());
      return;
    }
    const crypto::Sha256Digest digest = crypto::sha256(*secrets);
    std::string version = to_hex(ByteView(digest).first(kVersionBytes));
    if (version == version_) return;
    version_ = std::move(version);
    nonce_ = std::to_string(++answers_);
    call_->send(write_secret_answer(version_, *secrets, nonce_));
  }

  const Parts parts_;
  const std::shared_ptr<net::GrpcCall> call_;
  const net::UnixPeer caller_;
  std::mutex mutex_;
  Validation validation_ = Validation::kPlain;
  std::vector<std::string> names_;
  State state_;
  std::string version_;
  std::string nonce_;
  std::uint64_t answers_ = 0;
};

// Every request may name other secrets; the first one begins to follow what the caller may have.
class StreamReceiver final : public net::GrpcReceiver {
 public:
  StreamReceiver(std::shared_ptr<SecretCall> call, std::shared_ptr<net::GrpcCall> wire,
                 std::unique_ptr<CallerLimits::Permit> permit)
      : call_(std::move(call)), wire_(std::move(wire)), permit_(std::move(permit)) {}

  void message(net::Buffer message) override {
    if (!call_->take_request(message) || following_ != nullptr) return;
    following_ = call_->parts()->feed.follow(
        call_->caller(), [call = call_](const Result<State>& state) { return call->take_state(state); });
  }
  void half_closed() override { wire_->finish({}); }
  void gone() override {
    following_ = nullptr;
    permit_ = nullptr;
  }

 private:
  const std::shared_ptr<SecretCall> call_;
  const std::shared_ptr<net::GrpcCall> wire_;
  std::unique_ptr<CallerLimits::Permit> permit_;
  std::unique_ptr<StateFeed::Following> following_;
};

class FetchReceiver final : public net::GrpcReceiver {
 public:
  FetchReceiver(std::shared_ptr<SecretCall> call, std::unique_ptr<CallerLimits::Permit> permit)
      : call_(std::move(call)), permit_(std::move(permit)) {}

  void message(net::Buffer message) override {
    if (std::exchange(asked_, true)) {
      call_->refuse(net::GrpcCode::kUnimplemented, "the method takes one message");
    } else {
      good_ = call_->take_request(message);
    }
  }
  void half_closed() override {
    if (!asked_) call_->refuse(net::GrpcCode::kUnimplemented, "the method takes one message");
    if (!good_) return;
    const bool taken = call_->parts()->workers.submit([call = call_] { call->answer_once(); });
    if (!taken) call_->refuse(Error(Code::kUnavailable, "too many calls wait for a worker"));
  }
  void gone() override { permit_ = nullptr; }

 private:
  const std::shared_ptr<SecretCall> call_;
  std::unique_ptr<CallerLimits::Permit> permit_;
  bool asked_ = false;
  bool good_ = false;
};

}  // namespace

SecretDiscovery::SecretDiscovery(WorkloadApiParts parts)
    : parts_(std::make_shared<const WorkloadApiParts>(std::move(parts))) {}

std::unique_ptr<net::GrpcReceiver> SecretDiscovery::begin(std::shared_ptr<net::GrpcCall> call) {
  const std::string_view path = call->head().path();
  const std::string prefix = "/" + std::string(kSecretDiscovery) + "/";
  const bool stream = path == prefix + "StreamSecrets";
  if (!stream && path != prefix + "FetchSecrets") return nullptr;
  const auto& peer = call->head().connection->unix_peer;
  auto secrets = std::make_shared<SecretCall>(parts_, call, peer.value_or(net::UnixPeer{}));
  std::unique_ptr<CallerLimits::Permit> permit;
  if (!peer) {
    secrets->refuse(Error(Code::kDenied, "the caller didn't come by a Unix socket"));
  } else if (auto permitted = parts_->limits.begin(*peer, parts_->clock()); permitted.ok()) {
    permit = std::move(permitted).value();
  } else {
    const bool rate = permitted.error().code() == Code::kUnavailable;
    secrets->refuse(rate ? net::GrpcCode::kUnavailable : net::GrpcCode::kResourceExhausted,
                    permitted.error().message());
  }
  if (stream) return std::make_unique<StreamReceiver>(std::move(secrets), std::move(call), std::move(permit));
  return std::make_unique<FetchReceiver>(std::move(secrets), std::move(permit));
}

}  // namespace cloister::mesh
