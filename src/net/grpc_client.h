// A client of gRPC: one answer, or answers for as long as the call lasts. To our own services over mutual TLS 1.3 or a
// Unix socket whose owner is known, and in plain to servers of this machine and its host.
#pragma once

#include <variant>

#include "net/grpc.h"
#include "net/http_client.h"

namespace cloister::net {

struct GrpcClientOptions {
  std::size_t message_bytes = 4 << 20;  // of one message from the server
  std::size_t header_bytes = 64 << 10;
  std::size_t header_count = 100;
  Duration silence_time{300'000};  // then the server is asked whether it is there,
  Duration ping_time{20'000};      // and has so long to answer
};

struct GrpcRequest {
  std::string method;  // "/SpiffeWorkloadAPI/FetchX509SVID"
  Headers metadata;
  Buffer message;
};

// What a call gives next.
struct GrpcNothingYet {};
using GrpcEvent = std::variant<GrpcNothingYet, Buffer, GrpcStatus>;

class GrpcClientCall;

// The answers to one call. One thread at a time, but for cancel(), which is any thread's.
class GrpcAnswers {
 public:
  explicit GrpcAnswers(std::unique_ptr<GrpcClientCall> call);
  ~GrpcAnswers();
  GrpcAnswers(const GrpcAnswers&) = delete;
  GrpcAnswers& operator=(const GrpcAnswers&) = delete;

  // Waits for a message; or for the end, which is given again afterwards. Nothing when `patience` is over. After an
  // error there is nothing to come: kUnavailable when the connection broke or cancel() was called, kInvalid when the
  // server doesn't speak gRPC or breaks a limit, kDenied when it refuses our certificate.
  Result<GrpcEvent> next(Duration patience);
  // Makes next() return at once, now and from now on.
  void cancel();
  const ConnectionInfo& connection() const;

 private:
  std::unique_ptr<GrpcClientCall> call_;
};

// Any thread may call. Each call has a connection of its own.
class GrpcClient {
 public:
  using Target = std::variant<TlsTarget, LocalTarget, UnixTarget>;
  // kInvalid when the target or an option lacks.
  static Result<std::unique_ptr<GrpcClient>> create(Target target, GrpcClientOptions options);

  // Connects and sends the request: HttpClient::send's refusals.
  Result<std::unique_ptr<GrpcAnswers>> begin(const GrpcRequest& request, Duration patience) const;

  struct Answer {
    GrpcStatus status;
    Buffer message;  // empty unless the status is kOk
  };
  // One message and kOk, or another status; whatever the server sent beside it is kInvalid. kUnavailable also when no
  // answer came within `patience`.
  Result<Answer> call(const GrpcRequest& request, Duration patience) const;

 private:
  GrpcClient(Target target, GrpcClientOptions options) : target_(std::move(target)), options_(options) {}

  const Target target_;
  const GrpcClientOptions options_;
};

}  // namespace cloister::net
