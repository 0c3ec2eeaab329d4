#include "net/http1_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/optional.hpp>
#include <cctype>
#include <optional>

namespace cloister::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using Text = boost::beast::string_view;

// A method and a version beside the target.
constexpr std::size_t kLineBytesBesideUri = 64;
// What chunked encoding may cost beyond the bytes it carries: one-byte chunks, plus a fixed allowance.
constexpr std::uint64_t kChunkOverhead = 8;
constexpr std::uint64_t kChunkAllowance = 64 << 10;

std::string_view view(Text text) { return {text.data(), text.size()}; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& character : out) {
    if (character >= 'A' && character <= 'Z') character = static_cast<char>(character + ('a' - 'A'));
  }
  return out;
}

// The target in origin form; nothing when it is none of the forms a server answers. RFC 9112 3.2.
std::optional<std::string> origin_form(std::string_view method, std::string_view target) {
  if (is_origin_form(method, target)) return std::string(target);
  const std::string start = lower(target.substr(0, 8));
  if (!start.starts_with("http://") && !start.starts_with("https://")) return std::nullopt;
  const std::size_t authority = target.find("://") + 3;
  const std::size_t path = target.find_first_of("/?", authority);
  if (path == authority || authority == target.size()) return std::nullopt;
  std::string origin(path == std::string_view::npos ? "" : target.substr(path));
  if (!origin.starts_with('/')) origin.insert(0, "/");
  if (!is_origin_form(method, origin)) return std::nullopt;
  return origin;
}

// What requests and responses have in common: the headers, and what decides where the message ends.
struct Head {
  Headers headers;
  std::size_t bytes = 0;
  std::size_t count = 0;
  unsigned hosts = 0;
  bool has_length = false;

  enum class Verdict { kGood, kTooLarge, kMalformed, kUnknownCoding };
  Verdict add(std::string_view name, std::string_view value, std::size_t bytes_max, std::size_t count_max) {
    bytes += name.size() + value.size() + 4;
    if (++count > count_max || bytes > bytes_max) return Verdict::kTooLarge;
    if (!is_clean_value(value)) return Verdict::kMalformed;
    std::string lower_name = lower(name);
    if (lower_name == "host") ++hosts;
    if (lower_name == "content-length") {
      // Lists and repetitions of one number are legal and only ever seen in attacks.
      if (has_length || !parse_length(value)) return Verdict::kMalformed;
      has_length = true;
    }
    if (lower_name == "transfer-encoding" && lower(value) != "chunked") return Verdict::kUnknownCoding;
    headers.add(std::move(lower_name), std::string(value));
    return Verdict::kGood;
  }
};

constexpr auto kStop = boost::beast::http::error::bad_field;

struct RequestDraft {
  RequestDraft(const Limits& request_limits, BodyBudget& budget) : limits(request_limits), bodies(budget) {}

  const Limits& limits;
  BodyBudget& bodies;
  Request request;
  Head head;
  ParseState state = ParseState::kNothing;
  Http1RequestParser::Fault fault{};
  bool line_seen = false;
  bool http10 = false;
  bool keeps_alive = false;
  bool expects_continue = false;
  std::size_t reserved = 0;
  std::uint64_t body_wire_bytes = 0;

  void refuse(unsigned status, Refusal why) {
    if (state == ParseState::kRefused) return;
    state = ParseState::kRefused;
    fault = {status, why};
  }
  bool add_body(std::string_view bytes) {
    if (request.body.size() + bytes.size() > limits.body_bytes) {
      refuse(413, Refusal::kBody);
      return false;
    }
    if (!bodies.take(bytes.size())) {
      refuse(503, Refusal::kBodiesInFlight);
      return false;
    }
    reserved += bytes.size();
    append(request.body, bytes);
    return true;
  }
};

class RequestReader final : public http::basic_parser<true> {
 public:
  explicit RequestReader(RequestDraft& draft) : draft_(draft) {
    eager(true);
    body_limit(boost::none);
    const std::size_t most = std::max(draft.limits.header_bytes, draft.limits.uri_bytes);
    header_limit(static_cast<std::uint32_t>(most + 2 * kLineBytesBesideUri));
  }

 private:
  void on_request_impl(http::verb, Text method, Text target, int version, error_code& error) override {
    draft_.line_seen = true;
    draft_.http10 = version == 10;
    draft_.request.method = view(method);
    if (target.size() > draft_.limits.uri_bytes) {
      draft_.refuse(414, Refusal::kUri);
      error = kStop;
      return;
    }
    auto origin = origin_form(view(method), view(target));
    if (!origin) {
      draft_.refuse(400, Refusal::kMalformed);
      error = kStop;
      return;
    }
    draft_.request.target = std::move(*origin);
  }

  void on_response_impl(int, Text, int, error_code&) override {}

  void on_field_impl(http::field, Text name, Text value, error_code& error) override {
    if (draft_.state != ParseState::kHead) return;  // a trailer: dropped, RFC 9110 6.5.1
    using enum Head::Verdict;
    const auto verdict =
        draft_.head.add(view(name), view(value), draft_.limits.header_bytes, draft_.limits.header_count);
    if (verdict == kGood) return;
    if (verdict == kTooLarge) draft_.refuse(431, Refusal::kHeader);
    if (verdict == kMalformed) draft_.refuse(400, Refusal::kMalformed);
    if (verdict == kUnknownCoding) draft_.refuse(501, Refusal::kMalformed);
    error = kStop;
  }

  void on_header_impl(error_code& error) override {
    check_head();
    if (draft_.state == ParseState::kRefused) {
      error = kStop;
      return;
    }
    draft_.state = ParseState::kBody;
    draft_.request.headers = std::move(draft_.head.headers);
    draft_.keeps_alive = keep_alive() && !draft_.http10;
  }

  void check_head() {
    const bool host_wrong = draft_.head.hosts > 1 || (draft_.head.hosts == 0 && !draft_.http10);
    // RFC 9112 6.1: chunked is unknown to HTTP/1.0.
    if (host_wrong || (draft_.http10 && chunked())) return draft_.refuse(400, Refusal::kMalformed);
    const auto length = content_length();
    if (length && *length > draft_.limits.body_bytes) return draft_.refuse(413, Refusal::kBody);
    if (const std::string* expect = draft_.head.headers.find("expect")) {
      if (lower(*expect) != "100-continue") return draft_.refuse(417, Refusal::kMalformed);
      draft_.expects_continue = !draft_.http10 && (chunked() || (length && *length > 0));
    }
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}

  std::size_t on_body_impl(Text body, error_code& error) override {
    if (!draft_.add_body(view(body))) error = kStop;
    return body.size();
  }

  void on_chunk_header_impl(std::uint64_t size, Text, error_code& error) override {
    if (size <= draft_.limits.body_bytes - draft_.request.body.size()) return;
    draft_.refuse(413, Refusal::kBody);  // before a byte of it is taken
    error = kStop;
  }

  std::size_t on_chunk_body_impl(std::uint64_t, Text body, error_code& error) override {
    return on_body_impl(body, error);
  }

  void on_finish_impl(error_code&) override { draft_.state = ParseState::kDone; }

  RequestDraft& draft_;
};

struct ResponseDraft {
  ResponseDraft(const ResponseLimits& response_limits, Http1ResponseParser::Body expected)
      : limits(response_limits), body(expected) {}

  ResponseLimits limits;
  Http1ResponseParser::Body body;
  Response response;
  Head head;
  ParseState state = ParseState::kNothing;
  Error fault{Code::kInvalid, ""};
  bool keeps_alive = false;
  unsigned interim = 0;

  void refuse(std::string why) {
    if (state == ParseState::kRefused) return;
    state = ParseState::kRefused;
    fault = Error(Code::kInvalid, "the server's answer " + std::move(why));
  }
};

class ResponseReader final : public http::basic_parser<false> {
 public:
  explicit ResponseReader(ResponseDraft& draft) : draft_(draft) {
    eager(true);
    body_limit(boost::none);
    header_limit(static_cast<std::uint32_t>(draft.limits.header_bytes + 2 * kLineBytesBesideUri));
    if (draft.body == Http1ResponseParser::Body::kNone) skip(true);
  }

 private:
  void on_request_impl(http::verb, Text, Text, int, error_code&) override {}

  void on_response_impl(int code, Text, int, error_code& error) override {
    draft_.response.status = static_cast<unsigned>(code);
    if (code >= 100 && code != 101) return;
    draft_.refuse("has a status nobody asked for");
    error = kStop;
  }

  void on_field_impl(http::field, Text name, Text value, error_code& error) override {
    if (draft_.state != ParseState::kHead) return;
    const auto verdict =
        draft_.head.add(view(name), view(value), draft_.limits.header_bytes, draft_.limits.header_count);
    if (verdict == Head::Verdict::kGood) return;
    draft_.refuse(verdict == Head::Verdict::kTooLarge ? "has too many or too large headers" : "has a malformed header");
    error = kStop;
  }

  void on_header_impl(error_code& error) override {
    const auto length = content_length();
    if (length && *length > draft_.limits.body_bytes && draft_.body == Http1ResponseParser::Body::kExpected) {
      draft_.refuse("is larger than allowed");
      error = kStop;
      return;
    }
    draft_.state = ParseState::kBody;
    draft_.response.headers = std::move(draft_.head.headers);
    draft_.keeps_alive = keep_alive();
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}

  std::size_t on_body_impl(Text body, error_code& error) override {
    if (draft_.response.body.size() + body.size() > draft_.limits.body_bytes) {
      draft_.refuse("is larger than allowed");
      error = kStop;
    } else {
      append(draft_.response.body, view(body));
    }
    return body.size();
  }

  void on_chunk_header_impl(std::uint64_t, Text, error_code&) override {}

  std::size_t on_chunk_body_impl(std::uint64_t, Text body, error_code& error) override {
    return on_body_impl(body, error);
  }

  void on_finish_impl(error_code&) override { draft_.state = ParseState::kDone; }

  ResponseDraft& draft_;
};

}  // namespace

struct Http1RequestParser::State : RequestDraft {
  using RequestDraft::RequestDraft;
  std::optional<RequestReader> reader;
};

struct Http1ResponseParser::State : ResponseDraft {
  using ResponseDraft::ResponseDraft;
  std::optional<ResponseReader> reader;

  void restart() {
    response = {};
    head = {};
    state = ParseState::kNothing;
    reader.emplace(*this);
  }
};

Http1RequestParser::Http1RequestParser(const Limits& limits, BodyBudget& bodies) : state_(new State(limits, bodies)) {
  state_->reader.emplace(*state_);
}

Http1RequestParser::~Http1RequestParser() { state_->bodies.give_back(take_reserved()); }

std::size_t Http1RequestParser::head_bytes_max() const {
  return std::max(state_->limits.header_bytes, state_->limits.uri_bytes) + 2 * kLineBytesBesideUri;
}

std::size_t Http1RequestParser::put(ByteView bytes) {
  State& state = *state_;
  CLOISTER_CHECK(state.state != ParseState::kDone && state.state != ParseState::kRefused);
  std::size_t used = 0;
  if (state.state == ParseState::kNothing) {
    // RFC 9112 2.2: an empty line before a request is left over from a sloppy client.
    while (bytes.size() - used >= 2 && bytes[used] == '\r' && bytes[used + 1] == '\n') used += 2;
    const ByteView rest = bytes.subspan(used);
    if (rest.empty() || (rest.size() == 1 && rest[0] == '\r')) return used;
    state.state = ParseState::kHead;
  }
  const bool in_body = state.state == ParseState::kBody;
  error_code error;
  const std::size_t parsed = state.reader->put({bytes.data() + used, bytes.size() - used}, error);
  used += parsed;
  if (state.state == ParseState::kRefused || state.state == ParseState::kDone) return used;
  if (error && error != http::error::need_more) {
    const bool large = error == http::error::header_limit;
    state.refuse(!large            ? 400
                 : state.line_seen ? 431
                                   : 414,
                 !large            ? Refusal::kMalformed
                 : state.line_seen ? Refusal::kHeader
                                   : Refusal::kUri);
    return used;
  }
  const std::size_t left = bytes.size() - used;
  if (!state.line_seen && left > state.limits.uri_bytes + kLineBytesBesideUri) state.refuse(414, Refusal::kUri);
  if (state.state == ParseState::kHead && left > state.limits.header_bytes) state.refuse(431, Refusal::kHeader);
  if (state.state == ParseState::kBody) {
    if (in_body) state.body_wire_bytes += parsed;
    const std::uint64_t fair = (kChunkOverhead + 1) * state.request.body.size() + kChunkAllowance;
    if (left > head_bytes_max() || state.body_wire_bytes > fair) state.refuse(400, Refusal::kMalformed);
  }
  return used;
}

ParseState Http1RequestParser::state() const { return state_->state; }
const Http1RequestParser::Fault& Http1RequestParser::fault() const { return state_->fault; }
Request& Http1RequestParser::request() { return state_->request; }
bool Http1RequestParser::keeps_alive() const { return state_->keeps_alive; }
bool Http1RequestParser::is_http10() const { return state_->http10; }
bool Http1RequestParser::expects_continue() const { return state_->expects_continue; }
std::size_t Http1RequestParser::take_reserved() { return std::exchange(state_->reserved, 0); }

void Http1RequestParser::reset() {
  State& state = *state_;
  state.bodies.give_back(take_reserved());
  state.request = {};
  state.head = {};
  state.state = ParseState::kNothing;
  state.line_seen = state.http10 = state.keeps_alive = state.expects_continue = false;
  state.body_wire_bytes = 0;
  state.reader.emplace(state);
}

Http1ResponseParser::Http1ResponseParser(const ResponseLimits& limits, Body body) : state_(new State(limits, body)) {
  state_->reader.emplace(*state_);
}

Http1ResponseParser::~Http1ResponseParser() = default;

std::size_t Http1ResponseParser::put(ByteView bytes) {
  constexpr unsigned kInterimMax = 8;
  State& state = *state_;
  std::size_t used = 0;
  while (used < bytes.size()) {
    if (state.state == ParseState::kNothing) state.state = ParseState::kHead;
    error_code error;
    used += state.reader->put({bytes.data() + used, bytes.size() - used}, error);
    if (state.state == ParseState::kRefused) return used;
    if (state.state == ParseState::kDone) {
      if (state.response.status >= 200) return used;
      // RFC 9110 15.2: "go on" and "early hints" come before the answer.
      if (++state.interim > kInterimMax) state.refuse("never comes: only interim ones do");
      if (state.state == ParseState::kRefused) return used;
      state.restart();
      continue;
    }
    if (error && error != http::error::need_more) state.refuse("isn't HTTP/1.1");
    if (bytes.size() - used > state.limits.header_bytes) state.refuse("has too large headers");
    return used;
  }
  return used;
}

void Http1ResponseParser::put_end() {
  State& state = *state_;
  error_code error = http::error::partial_message;
  if (state.state == ParseState::kBody && state.limits.end_by_close) state.reader->put_eof(error);
  if (error) state.refuse("ended early");
}

ParseState Http1ResponseParser::state() const { return state_->state; }
const Error& Http1ResponseParser::fault() const { return state_->fault; }
Response& Http1ResponseParser::response() { return state_->response; }
bool Http1ResponseParser::keeps_alive() const { return state_->keeps_alive; }

}  // namespace cloister::net
