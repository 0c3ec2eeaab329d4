#include "net/grpc.h"

#include <algorithm>
#include <charconv>

namespace cloister::net {
namespace {

constexpr std::string_view kContentType = "application/grpc";
constexpr std::string_view kTimeoutUnits = "HMSmun";
constexpr std::size_t kTimeoutDigitsMax = 8;
constexpr std::size_t kStatusTextMax = 1024;

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

// As printable ASCII: whatever else a server sends ends up in our logs as a question mark.
std::string readable(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size() && plain.size() < kStatusTextMax; ++i) {
    unsigned byte = static_cast<unsigned char>(text[i]);
    if (byte == '%' && i + 2 < text.size()) {
      const auto [end, error] = std::from_chars(&text[i] + 1, &text[i] + 3, byte, 16);
      if (error == std::errc() && end == &text[i] + 3) i += 2;
    }
    plain.push_back(byte >= 0x20 && byte <= 0x7E ? static_cast<char>(byte) : '?');
  }
  return plain;
}

void write_prefix(MutableByteView out, std::size_t size) {
  out[0] = 0;
  for (std::size_t i = 1; i < kGrpcPrefixSize; ++i) {
    out[i] = static_cast<std::uint8_t>(size >> (8 * (kGrpcPrefixSize - 1 - i)));
  }
}

}  // namespace

GrpcHead grpc_head(const Request& request) {
  const std::string* type = request.headers.find("content-type");
  if (type == nullptr || !is_grpc(*type)) return GrpcHead::kNotGrpc;
  // Trailers carry the status: whoever can't take them would take every answer for a success.
  const std::string* te = request.headers.find("te");
  const bool http2 = request.connection == nullptr || request.connection->protocol == Protocol::kHttp2;
  if (!http2 || te == nullptr || *te != "trailers") return GrpcHead::kNoTrailers;
  if (request.method != "POST") return GrpcHead::kNotPost;
  const std::string* timeout = request.headers.find("grpc-timeout");
  return timeout == nullptr || is_timeout(*timeout) ? GrpcHead::kFine : GrpcHead::kBadTimeout;
}

std::string_view text_of(GrpcHead head) {
  switch (head) {
    case GrpcHead::kFine: break;
    case GrpcHead::kNotGrpc: return "send content-type: application/grpc";
    case GrpcHead::kNoTrailers: return "gRPC takes HTTP/2 and the header te: trailers";
    case GrpcHead::kNotPost: return "gRPC takes POST";
    case GrpcHead::kBadTimeout: return "the header grpc-timeout is up to eight digits and a unit";
  }
  return "";
}

Result<std::uint32_t> read_grpc_prefix(ByteView prefix) {
  CLOISTER_CHECK(prefix.size() >= kGrpcPrefixSize);
  if (prefix[0] > 1) return Error(Code::kInvalid, "the message's first byte is no flag");
  if (prefix[0] == 1) return Error(Code::kUnsupported, "compressed messages aren't taken");
  return std::uint32_t{prefix[1]} << 24 | std::uint32_t{prefix[2]} << 16 | std::uint32_t{prefix[3]} << 8 | prefix[4];
}

Buffer framed(ByteView message) {
  Buffer out(kGrpcPrefixSize);
  write_prefix(out, message.size());
  append(out, message);
  return out;
}

Result<ByteView> read_grpc_message(ByteView body) {
  if (body.size() < kGrpcPrefixSize) return Error(Code::kInvalid, "there is no message");
  CLOISTER_TRY(const std::uint32_t size, read_grpc_prefix(body));
  if (body.size() - kGrpcPrefixSize != size) {
    return Error(Code::kInvalid, "the call doesn't hold exactly one message");
  }
  return body.subspan(kGrpcPrefixSize);
}

Response begin_grpc_message() {
  Response response;
  response.headers = grpc_headers();
  response.body.resize(kGrpcPrefixSize);
  response.trailers.add("grpc-status", "0");
  return response;
}

void end_grpc_message(Response& response) { write_prefix(response.body, response.body.size() - kGrpcPrefixSize); }

Headers grpc_headers() { return {{"content-type", std::string(kContentType)}, {"grpc-accept-encoding", "identity"}}; }

Headers grpc_trailers(const GrpcStatus& status) {
  Headers trailers{{"grpc-status", std::to_string(static_cast<unsigned>(status.code))}};
  if (!status.text.empty()) trailers.add("grpc-message", percent_encoded(status.text));
  return trailers;
}

std::optional<GrpcStatus> read_grpc_trailers(const Headers& trailers) {
  const std::string* number = trailers.find("grpc-status");
  if (number == nullptr || number->empty() || number->size() > 10 || !std::ranges::all_of(*number, is_digit)) {
    return std::nullopt;
  }
  unsigned code = 0;
  const auto [end, error] = std::from_chars(number->data(), number->data() + number->size(), code);
  const bool known = error == std::errc() && code <= static_cast<unsigned>(GrpcCode::kUnauthenticated);
  const std::string* text = trailers.find("grpc-message");
  return GrpcStatus{known ? static_cast<GrpcCode>(code) : GrpcCode::kUnknown, text == nullptr ? "" : readable(*text)};
}

Response grpc_failure(GrpcCode code, std::string_view text) {
  Response response;
  response.headers = grpc_headers();
  response.trailers = grpc_trailers({code, std::string(text)});
  return response;
}

}  // namespace cloister::net
