#include "net/session.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace cloister::net {

std::string_view refusal_name(Refusal refusal) {
  static constexpr std::array<std::string_view, kRefusals> kNames{"too-many-connections",
                                                                  "too-many-from-address",
                                                                  "too-many-from-peer",
                                                                  "too-many-handshakes",
                                                                  "unix-user",
                                                                  "tls",
                                                                  "peer",
                                                                  "peer-expired",
                                                                  "handshake-time",
                                                                  "header-time",
                                                                  "body-time",
                                                                  "answer-time",
                                                                  "write-time",
                                                                  "malformed",
                                                                  "uri",
                                                                  "header",
                                                                  "body",
                                                                  "bodies-in-flight",
                                                                  "flood",
                                                                  "unfinished",
                                                                  "silent"};
  return kNames[static_cast<std::size_t>(refusal)];
}

bool BodyBudget::take(std::size_t bytes) {
  const auto wanted = static_cast<std::int64_t>(bytes);
  if (free_.fetch_sub(wanted, std::memory_order_relaxed) >= wanted) return true;
  give_back(bytes);
  return false;
}

std::optional<Protocol> protocol_of(ByteView first_bytes) {
  // No method of HTTP/1.1 begins so.
  static constexpr std::string_view kPreface = "PRI ";
  const std::size_t size = std::min(first_bytes.size(), kPreface.size());
  if (as_text(first_bytes.first(size)) != kPreface.substr(0, size)) return Protocol::kHttp1;
  if (size < kPreface.size()) return std::nullopt;
  return Protocol::kHttp2;
}

bool is_clean_value(std::string_view value) {
  return std::ranges::none_of(value, [](char character) {
    const auto byte = static_cast<unsigned char>(character);
    return (byte < 0x20 && byte != '\t') || byte == 0x7F;
  });
}

bool is_origin_form(std::string_view method, std::string_view target) {
  const bool visible = std::ranges::all_of(
      target, [](char character) { return character > 0x20 && character < 0x7F && character != '#'; });
  return visible && (target.starts_with('/') || (target == "*" && method == "OPTIONS"));
}

std::optional<std::uint64_t> parse_length(std::string_view value) {
  std::uint64_t length = 0;
  const char* end = value.data() + value.size();
  const auto [rest, error] = std::from_chars(value.data(), end, length);
  if (value.empty() || error != std::errc() || rest != end) return std::nullopt;
  return length;
}

bool is_sendable(const Header& header) {
  static constexpr std::array<std::string_view, 9> kOurs{
      "connection", "content-length",    "date",    "keep-alive",      "te",
      "trailer",    "transfer-encoding", "upgrade", "proxy-connection"};
  static constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";
  if (header.name.empty() || header.name.find_first_not_of(kNameCharacters) != std::string::npos) return false;
  if (std::ranges::find(kOurs, header.name) != kOurs.end()) return false;
  return is_clean_value(header.value);
}

Response sendable(Response response) {
  const auto fits = [](const Header& header) { return is_sendable(header); };
  const bool all = response.status >= 200 && response.status <= 599 &&
                   std::ranges::all_of(response.headers.all(), fits) &&
                   std::ranges::all_of(response.trailers.all(), fits);
  return all ? std::move(response) : problem(500);
}

bool Bucket::take(Ticks now) {
  if (last_ != 0) credit(static_cast<double>(now - last_) / 1000 * per_second_);
  last_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

void Bucket::credit(double tokens) { tokens_ = std::min(burst_, tokens_ + tokens); }

}  // namespace cloister::net
