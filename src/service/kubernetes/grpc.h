// gRPC over HTTP/2, unary calls only: github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. One message in, one
// message or a status out.
#pragma once

#include <cstdint>

#include "net/http_message.h"
#include "service/problem.h"

namespace cloister::service {

// The numbers are gRPC's and never change.
enum class GrpcCode : std::uint8_t {
  kOk = 0,
  kInvalidArgument = 3,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};
GrpcCode grpc_code_of(ProblemCode code);

// What is wrong with a request before its message is looked at: it isn't a POST of gRPC in protobuf over HTTP/2, or
// says how long it waits in no way there is. A deadline itself is the client's to keep: it takes its request back.
std::optional<Problem> check_grpc_head(const net::Request& request);

// The one message of a unary call, with nothing behind it. kInvalid for anything else; kUnsupported when the message is
// compressed, since no way to compress was offered.
Result<ByteView> read_grpc_message(ByteView body);

// An answer with one message in it, to be written behind what is there; end_grpc_message() fills in its length.
net::Response begin_grpc_message();
void end_grpc_message(net::Response& response);

// A status without a message. What isn't printable ASCII in its text is percent-encoded.
net::Response grpc_failure(GrpcCode code, std::string_view text);

}  // namespace cloister::service
