#include "service/kubernetes/grpc.h"

#include <algorithm>

namespace cloister::service {
namespace {

constexpr std::size_t kPrefixSize = 5;  // whether it is compressed, and its length, the highest byte first
constexpr std::string_view kContentType = "application/grpc";
constexpr std::string_view kTimeoutUnits = "HMSmun";
constexpr std::size_t kTimeoutDigitsMax = 8;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > kTimeoutDigitsMax + 1) return false;
  return kTimeoutUnits.find(text.back()) != std::string_view::npos &&
         std::ranges::all_of(text.substr(0, text.size() - 1), is_digit);
}

// application/grpc, application/grpc+proto, either with parameters.
bool is_grpc(std::string_view type) {
  const std::string_view media = type.substr(0, type.find(';'));
  return media == kContentType || media == "application/grpc+proto";
}

std::string percent_encoded(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte <= 0x7E && byte != '%') {
      encoded.push_back(c);
      continue;
    }
    encoded.push_back('%');
    encoded.push_back(kDigits[byte >> 4]);
    encoded.push_back(kDigits[byte & 15]);
  }
  return encoded;
}

net::Response grpc_response() {
  net::Response response;
  response.headers.add("content-type", std::string(kContentType));
  response.headers.add("grpc-accept-encoding", "identity");
  return response;
}

}  // namespace

GrpcCode grpc_code_of(ProblemCode code) {
  switch (code) {
    case ProblemCode::kInvalidRequest:
    case ProblemCode::kPurposeMissing:
    case ProblemCode::kUnsupportedMediaType:
    case ProblemCode::kIdempotencyKeyReused:
    case ProblemCode::kWrapDoesNotOpen: return GrpcCode::kInvalidArgument;
    case ProblemCode::kUnauthenticated: return GrpcCode::kUnauthenticated;
    case ProblemCode::kRefused: return GrpcCode::kPermissionDenied;
    case ProblemCode::kNoSuchRoute:
    case ProblemCode::kMethodNotAllowed:
    case ProblemCode::kUnsupported: return GrpcCode::kUnimplemented;
    case ProblemCode::kNotFound:
    case ProblemCode::kKeyVersionUnknown: return GrpcCode::kNotFound;
    case ProblemCode::kExists: return GrpcCode::kAlreadyExists;
    case ProblemCode::kWrongState:
    case ProblemCode::kExpired:
    case ProblemCode::kKeyVersionDisabled:
    case ProblemCode::kKeyVersionDestroyed: return GrpcCode::kFailedPrecondition;
    case ProblemCode::kChangedMeanwhile: return GrpcCode::kAborted;
    case ProblemCode::kDamaged: return GrpcCode::kDataLoss;
    case ProblemCode::kQuotaExceeded: return GrpcCode::kResourceExhausted;
    case ProblemCode::kBusy:
    case ProblemCode::kStoreUnavailable:
    case ProblemCode::kAuditUnavailable: return GrpcCode::kUnavailable;
    case ProblemCode::kInternal: break;
  }
  return GrpcCode::kInternal;
}

std::optional<Problem> check_grpc_head(const net::Request& request) {
  const std::string* type = request.headers.find("content-type");
  if (type == nullptr || !is_grpc(*type)) {
    return Problem{ProblemCode::kUnsupportedMediaType, "send content-type: application/grpc"};
  }
  // Trailers carry the status: whoever can't take them would take every answer for a success.
  const std::string* te = request.headers.find("te");
  const bool http2 = request.connection == nullptr || request.connection->protocol == net::Protocol::kHttp2;
  if (!http2 || te == nullptr || *te != "trailers") {
    return Problem{ProblemCode::kInvalidRequest, "gRPC takes HTTP/2 and the header te: trailers"};
  }
  if (request.method != "POST") return Problem{ProblemCode::kMethodNotAllowed, "gRPC takes POST"};
  const std::string* timeout = request.headers.find("grpc-timeout");
  if (timeout != nullptr && !is_timeout(*timeout)) {
    return Problem{ProblemCode::kInvalidRequest, "the header grpc-timeout is up to eight digits and a unit"};
  }
  return std::nullopt;
}

Result<ByteView> read_grpc_message(ByteView body) {
  if (body.size() < kPrefixSize) return Error(Code::kInvalid, "there is no message");
  if (body[0] > 1) return Error(Code::kInvalid, "the message's first byte is no flag");
  if (body[0] == 1) return Error(Code::kUnsupported, "compressed messages aren't taken");
  const std::size_t size =
      std::size_t{body[1]} << 24 | std::size_t{body[2]} << 16 | std::size_t{body[3]} << 8 | body[4];
  if (body.size() - kPrefixSize != size) return Error(Code::kInvalid, "the call doesn't hold exactly one message");
  return body.subspan(kPrefixSize);
}

net::Response begin_grpc_message() {
  net::Response response = grpc_response();
  response.body.resize(kPrefixSize);
  response.trailers.add("grpc-status", "0");
  return response;
}

void end_grpc_message(net::Response& response) {
  const std::size_t size = response.body.size() - kPrefixSize;
  for (std::size_t i = 1; i < kPrefixSize; ++i) {
    response.body[i] = static_cast<std::uint8_t>(size >> (8 * (kPrefixSize - 1 - i)));
  }
}

net::Response grpc_failure(GrpcCode code, std::string_view text) {
  net::Response response = grpc_response();
  response.trailers.add("grpc-status", std::to_string(static_cast<unsigned>(code)));
  if (!text.empty()) response.trailers.add("grpc-message", percent_encoded(text));
  return response;
}

}  // namespace cloister::service
