#include "net/binary_http.h"

#include <algorithm>
#include <array>

#include "base/reader.h"
#include "net/varint.h"

namespace cloister::net {
namespace {

enum class Form { kKnownLength, kIndeterminate };
constexpr std::uint64_t kKnownRequest = 0, kKnownResponse = 1, kOpenRequest = 2, kOpenResponse = 3;
constexpr unsigned kInformationalMax = 8;

Error malformed(std::string_view what) { return Error(Code::kInvalid, "binary http: " + std::string(what)); }

bool is_token_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
bool is_token(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_token_character); }
bool is_field_name(std::string_view name) {
  return is_token(name) && std::ranges::none_of(name, [](char c) { return c >= 'A' && c <= 'Z'; });
}
bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}
bool is_field_value(std::string_view text) {
  const bool fits = std::ranges::all_of(text, [](char c) { return (c >= 0x20 && c != 0x7f) || c == '\t' || c < 0; });
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  return fits && (text.empty() || (!blank(text.front()) && !blank(text.back())));
}
// RFC 9110 7.6.1: they speak of a connection, and there is none.
bool is_of_connection(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kNames = {"connection",        "keep-alive", "proxy-connection",
                                                             "transfer-encoding", "te",         "upgrade"};
  return std::ranges::find(kNames, name) != kNames.end();
}

// A truncated message reads as if zeros followed it (RFC 9292 3.8), but only between its parts.
class Parser {
 public:
  Parser(ByteView bytes, const BinaryHttpLimits& limits) : reader_(bytes), limits_(limits) {}

  Result<std::uint64_t> number(std::string_view what) {
    auto value = read_varint(reader_, what);
    if (!value.ok()) return malformed(std::string(what) + " is cut short");
    return value;
  }
  Result<std::string> text(std::size_t size_max, std::string_view what) {
    CLOISTER_TRY(const ByteView bytes, string(size_max, what));
    return std::string(as_text(bytes));
  }

  Status section(Form form, Headers& out) {
    if (reader_.at_end()) return {};
    if (form == Form::kIndeterminate) return lines(reader_, Form::kIndeterminate, out);
    CLOISTER_TRY(const ByteView bytes, string(limits_.header_bytes, "a field section"));
    Reader inner(bytes);
    return lines(inner, Form::kKnownLength, out);
  }

  Status content(Form form, Buffer& out) {
    if (reader_.at_end()) return {};
    if (form == Form::kKnownLength) {
      CLOISTER_TRY(const ByteView bytes, string(limits_.content_bytes, "the content"));
      append(out, bytes);
      return {};
    }
    while (true) {
      if (reader_.at_end() && out.empty()) return {};
      CLOISTER_TRY(const ByteView bytes, string(limits_.content_bytes - out.size(), "the content"));
      if (bytes.empty()) return {};
      append(out, bytes);
    }
  }

  Status padding() {
    const auto rest = reader_.bytes(reader_.remaining(), "padding");
    if (!rest.ok() || !all_zero(*rest)) return malformed("what follows the message isn't padding");
    return {};
  }

 private:
  Result<ByteView> string(std::size_t size_max, std::string_view what) { return string(reader_, size_max, what); }
  static Result<ByteView> string(Reader& reader, std::size_t size_max, std::string_view what) {
    auto size = read_varint(reader, what);
    if (!size.ok()) return malformed(std::string(what) + " is cut short");
    if (*size > size_max) return malformed(std::string(what) + " is too long");
    auto bytes = reader.bytes(static_cast<std::size_t>(*size), what);
    if (!bytes.ok()) return malformed(std::string(what) + " is cut short");
    return bytes;
  }

  Status lines(Reader& reader, Form form, Headers& out) {
    while (form == Form::kIndeterminate || !reader.at_end()) {
      CLOISTER_TRY(const ByteView name, string(reader, limits_.header_bytes, "a field's name"));
      if (name.empty() && form == Form::kIndeterminate) return {};
      CLOISTER_TRY(const ByteView value, string(reader, limits_.header_bytes, "a field's value"));
      field_bytes_ += name.size() + value.size() + 4;
      if (++fields_ > limits_.header_count || field_bytes_ > limits_.header_bytes) return malformed("too many fields");
      if (!is_field_name(as_text(name))) return malformed("a field's name isn't a lower-case token");
      if (is_of_connection(as_text(name))) return malformed("a field speaks of a connection");
      if (!is_field_value(as_text(value))) return malformed("a field's value has a character that none may have");
      out.add(std::string(as_text(name)), std::string(as_text(value)));
    }
    return {};
  }

  Reader reader_;
  const BinaryHttpLimits& limits_;
  std::size_t fields_ = 0;
  std::size_t field_bytes_ = 0;
};

void append_string(Buffer& out, std::string_view text) {
  append_varint(out, text.size());
  append(out, text);
}

void append_section(Buffer& out, const Headers& headers) {
  std::size_t size = 0;
  for (const Header& header : headers.all()) {
    size +=
        varint_size(header.name.size()) + header.name.size() + varint_size(header.value.size()) + header.value.size();
  }
  append_varint(out, size);
  for (const Header& header : headers.all()) {
    append_string(out, header.name);
    append_string(out, header.value);
  }
}

void append_content(Buffer& out, const Buffer& content) {
  append_varint(out, content.size());
  append(out, content);
}

void pad(Buffer& out, std::size_t multiple) {
  CLOISTER_CHECK(multiple > 0);
  out.resize((out.size() + multiple - 1) / multiple * multiple);
}

Result<Form> form_of(Parser& parser, std::uint64_t known, std::uint64_t open) {
  CLOISTER_TRY(const std::uint64_t framing, parser.number("the framing indicator"));
  if (framing == known) return Form::kKnownLength;
  if (framing == open) return Form::kIndeterminate;
  return malformed("the framing indicator isn't the one of such a message");
}

}  // namespace

Result<BinaryRequest> parse_binary_request(ByteView bytes, const BinaryHttpLimits& limits) {
  Parser parser(bytes, limits);
  CLOISTER_TRY(const Form form, form_of(parser, kKnownRequest, kOpenRequest));
  BinaryRequest request;
  CLOISTER_TRY(request.method, parser.text(limits.line_bytes, "the method"));
  CLOISTER_TRY(request.scheme, parser.text(limits.line_bytes, "the scheme"));
  CLOISTER_TRY(request.authority, parser.text(limits.line_bytes, "the authority"));
  CLOISTER_TRY(request.path, parser.text(limits.line_bytes, "the path"));
  if (!is_token(request.method) || !is_token(request.scheme)) return malformed("no method or scheme");
  if (!is_visible(request.authority)) return malformed("the authority has a character that none may have");
  if (!request.path.starts_with('/') || !is_visible(request.path)) return malformed("the path isn't one");
  CLOISTER_RETURN_IF_ERROR(parser.section(form, request.headers));
  CLOISTER_RETURN_IF_ERROR(parser.content(form, request.content));
  CLOISTER_RETURN_IF_ERROR(parser.section(form, request.trailers));
  CLOISTER_RETURN_IF_ERROR(parser.padding());
  return request;
}

Result<Response> parse_binary_response(ByteView bytes, const BinaryHttpLimits& limits) {
  Parser parser(bytes, limits);
  CLOISTER_TRY(const Form form, form_of(parser, kKnownResponse, kOpenResponse));
  Response response;
  for (unsigned informational = 0;; ++informational) {
    CLOISTER_TRY(const std::uint64_t status, parser.number("the status"));
    if (status < 100 || status > 599) return malformed("the status isn't one");
    response.headers = {};
    CLOISTER_RETURN_IF_ERROR(parser.section(form, response.headers));
    response.status = static_cast<unsigned>(status);
    if (status >= 200) break;
    if (informational == kInformationalMax) return malformed("too many informational responses");
  }
  CLOISTER_RETURN_IF_ERROR(parser.content(form, response.body));
  CLOISTER_RETURN_IF_ERROR(parser.section(form, response.trailers));
  CLOISTER_RETURN_IF_ERROR(parser.padding());
  return response;
}

Buffer encode_binary_request(const BinaryRequest& request, std::size_t multiple) {
  Buffer out;
  append_varint(out, kKnownRequest);
  for (const std::string* part : {&request.method, &request.scheme, &request.authority, &request.path}) {
    append_string(out, *part);
  }
  append_section(out, request.headers);
  append_content(out, request.content);
  append_section(out, request.trailers);
  pad(out, multiple);
  return out;
}

Buffer encode_binary_response_head(const Response& response) {
  Buffer out;
  append_varint(out, kKnownResponse);
  append_varint(out, response.status);
  append_section(out, response.headers);
  append_content(out, response.body);
  return out;
}

Buffer encode_binary_trailers(const Headers& trailers, std::size_t multiple) {
  Buffer out;
  append_section(out, trailers);
  pad(out, multiple);
  return out;
}

Buffer encode_binary_response(const Response& response, std::size_t multiple) {
  Buffer out = encode_binary_response_head(response);
  append_section(out, response.trailers);
  pad(out, multiple);
  return out;
}

}  // namespace cloister::net
