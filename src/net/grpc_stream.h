// One call of gRPC on a stream of HTTP/2: between the connection and the service. Used by Connection alone, and by
// tests and fuzzers in its place.
#pragma once

#include <atomic>
#include <functional>

#include "net/grpc_server.h"
#include "net/session.h"

namespace cloister::net {

struct GrpcServing {
  std::shared_ptr<GrpcService> service;
  GrpcLimits limits;
};

// What a call's stream is part of.
struct StreamPlace {
  BodyBudget* bodies;
  SessionHost* host;                                  // is told of refusals
  std::function<void(Push)> outlet;                   // from any thread; may outlive the connection
  std::shared_ptr<std::atomic<std::uint32_t>> calls;  // of this connection that somebody still holds
  std::uint32_t calls_max;
};

std::unique_ptr<StreamInput> begin_grpc_stream(const GrpcServing& serving, Request head, Ticks now, StreamPlace place);

// Cuts a stream's bytes into messages.
class GrpcMessageReader {
 public:
  explicit GrpcMessageReader(std::size_t message_bytes) : message_bytes_(message_bytes) {}

  // Takes bytes from the front, up to the end of one message, which is set once it is whole. What isn't kOk is for
  // good: kResourceExhausted for a message too long, kUnimplemented for a compressed one, kInvalidArgument for bytes
  // that are none.
  GrpcStatus take(ByteView& bytes, std::optional<Buffer>& message);
  // Of a message that isn't whole yet.
  std::size_t held() const { return buffer_.size(); }

 private:
  const std::size_t message_bytes_;
  Buffer buffer_;  // the prefix, and then the message behind it
};

}  // namespace cloister::net
