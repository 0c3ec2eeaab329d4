#include "probe/http/talk.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace cloister::probe {
namespace {

constexpr std::size_t kHeadersMax = 128;
constexpr std::string_view kHeadEnd = "\r\n\r\n";

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

Result<unsigned> status_of(std::string_view line) {
  // HTTP/1.x NNN
  unsigned status = 0;
  const bool long_enough = line.size() >= 12 && line.starts_with("HTTP/1.") && line[8] == ' ';
  if (!long_enough || std::from_chars(line.data() + 9, line.data() + 12, status).ptr != line.data() + 12 ||
      status < 100) {
    return Error(Code::kInvalid, "what came isn't HTTP/1");
  }
  return status;
}

// Whether all that the head promised has come.
bool is_whole(std::string_view text) {
  const std::size_t end = text.find(kHeadEnd);
  if (end == std::string_view::npos) return text.size() > kHttpHeadMax;
  const std::size_t body = text.size() - end - kHeadEnd.size();
  if (body >= kHttpBodyMax) return true;
  const std::string head = lower(text.substr(0, end + 2));
  const std::size_t at = head.find("\r\ncontent-length:");
  if (at == std::string::npos) return false;
  const std::string_view value = trimmed(std::string_view(head).substr(at + 17));
  std::size_t length = 0;
  std::from_chars(value.data(), value.data() + value.size(), length);
  return body >= length;
}

}  // namespace

std::unique_ptr<Talk> Talk::in_clear(std::unique_ptr<Wire> wire) {
  return std::unique_ptr<Talk>(new Talk(std::move(wire), nullptr));
}

Result<std::unique_ptr<Talk>> Talk::over_tls(std::unique_ptr<Wire> wire, const net::ObservedTlsOptions& options) {
  CLOISTER_TRY(auto tls, net::ObservedTls::create(wire->socket(), options));
  return std::unique_ptr<Talk>(new Talk(std::move(wire), std::move(tls)));
}

Status Talk::handshake() { return tls_ ? tls_->handshake(wire_->deadline_ms()) : Status(); }
Status Talk::write(ByteView bytes) { return tls_ ? tls_->write(bytes, wire_->deadline_ms()) : wire_->write(bytes); }
Result<std::size_t> Talk::read(MutableByteView out) {
  return tls_ ? tls_->read(out, wire_->deadline_ms()) : wire_->read(out);
}

std::string HttpAnswer::header(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, &net::HeaderList::value_type::first);
  return found == headers.end() ? "" : found->second;
}

Result<HttpAnswer> parse_http1_answer(std::string_view text) {
  const std::size_t end = text.find(kHeadEnd);
  if (end == std::string_view::npos || end > kHttpHeadMax) return Error(Code::kInvalid, "what came isn't HTTP/1");
  HttpAnswer answer;
  answer.body = text.substr(end + kHeadEnd.size(), kHttpBodyMax);
  std::string_view head = text.substr(0, end);
  std::size_t line_end = std::min(head.find("\r\n"), head.size());
  CLOISTER_TRY(answer.status, status_of(head.substr(0, line_end)));
  while (line_end < head.size()) {
    head.remove_prefix(line_end + 2);
    line_end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, line_end);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || answer.headers.size() == kHeadersMax) {
      return Error(Code::kInvalid, "the headers of an answer are malformed or too many");
    }
    answer.headers.emplace_back(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  }
  return answer;
}

Result<HttpAnswer> ask_http1(Talk& talk, const std::string& host, const std::string& path, const std::string& accept) {
  const std::string question = "GET " + path + " HTTP/1.1\r\nHost: " + host +
                               "\r\nUser-Agent: cloister-scan\r\nAccept: " + accept + "\r\nConnection: close\r\n\r\n";
  CLOISTER_RETURN_IF_ERROR(talk.write(as_bytes(question)));
  std::string text;
  std::array<std::uint8_t, 8192> room;
  while (!is_whole(text)) {
    const auto count = talk.read(room);
    if (!count.ok() && text.find(kHeadEnd) == std::string::npos) return count.error();
    if (!count.ok() || *count == 0) break;
    text.append(as_text(ByteView(room).first(*count)));
    // Whoever doesn't speak HTTP needn't be heard to the end.
    if (text.size() >= 5 && !text.starts_with("HTTP/")) break;
  }
  if (text.empty()) return Error(Code::kUnavailable, "the connection was closed without an answer");
  return parse_http1_answer(text);
}

Result<net::Http2Answer> ask_http2(Talk& talk, const net::Http2Question& question) {
  CLOISTER_TRY(const auto session, net::ObservedHttp2::create(question));
  std::array<std::uint8_t, 16'384> room;
  while (!session->over()) {
    CLOISTER_TRY(const Bytes out, session->output());
    if (!out.empty()) CLOISTER_RETURN_IF_ERROR(talk.write(out));
    const auto count = talk.read(room);
    if (!count.ok() && !session->answer().speaks) return count.error();
    if (!count.ok() || *count == 0) break;
    const Status taken = session->put(ByteView(room).first(*count));
    if (!taken.ok() && !session->answer().speaks) return taken.error();
    if (!taken.ok()) break;
  }
  if (!session->answer().speaks) return Error(Code::kUnavailable, "the connection was closed without an answer");
  return session->answer();
}

}  // namespace cloister::probe
