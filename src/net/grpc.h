// What gRPC puts into HTTP/2: heads, messages and statuses. github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md.
// Calls that stream are in grpc_server.h and grpc_client.h.
#pragma once

#include <cstdint>
#include <optional>

#include "net/http_message.h"

namespace cloister::net {

// The numbers are gRPC's and never change.
enum class GrpcCode : std::uint8_t {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

// How a call ended. The text is for people and must not hold secrets.
struct GrpcStatus {
  GrpcCode code = GrpcCode::kOk;
  std::string text;
};

// What a request is, before its messages are looked at.
enum class GrpcHead {
  kFine,
  kNotGrpc,     // another content-type than gRPC in protobuf
  kNoTrailers,  // not over HTTP/2, or it doesn't say "te: trailers"
  kNotPost,
  kBadTimeout,  // says how long it waits in no way there is
};
// A deadline itself is the client's to keep: it takes its request back.
GrpcHead grpc_head(const Request& request);
// What is wrong with it, as a sentence. Empty for kFine.
std::string_view text_of(GrpcHead head);

inline constexpr std::size_t kGrpcPrefixSize = 5;
// Whether a message is compressed, and its length. `prefix` has kGrpcPrefixSize bytes. kInvalid for a first byte that
// is no flag; kUnsupported when it is compressed, since no way to compress was offered.
Result<std::uint32_t> read_grpc_prefix(ByteView prefix);
// The message with its prefix.
Buffer framed(ByteView message);

// The one message of a unary call, with nothing behind it. kInvalid for anything else; kUnsupported as above.
Result<ByteView> read_grpc_message(ByteView body);

// An answer with one message in it, to be written behind what is there; end_grpc_message() fills in its length.
Response begin_grpc_message();
void end_grpc_message(Response& response);

// The headers of every answer, and the trailers that end it. What isn't printable ASCII in a status' text is
// percent-encoded.
Headers grpc_headers();
Headers grpc_trailers(const GrpcStatus& status);
// The status in such trailers; nothing when there is none or it is no number. A number that gRPC doesn't have is
// kUnknown. The text is cut at 1 KiB and has no control characters.
std::optional<GrpcStatus> read_grpc_trailers(const Headers& trailers);

// A status without a message.
Response grpc_failure(GrpcCode code, std::string_view text);

}  // namespace cloister::net
