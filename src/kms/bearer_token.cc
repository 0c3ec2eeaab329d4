#include "kms/bearer_token.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "kms/plain_line.h"
#include "kms/wiped_json.h"

namespace cloister::kms {
namespace {

constexpr std::size_t kTokenMax = 16384;
constexpr std::int64_t kLifeMaxSeconds = 7 * 86400;
constexpr Duration kMargin = minutes(5);
constexpr Duration kAskAgain = seconds(30);  // after a failed renewal, while the old token serves on

Error bad_answer(std::string_view what) {
  return Error(Code::kInvalid, "the token endpoint's answer has no proper " + std::string(what));
}

// RFC 6750 2.1: b64token.
bool is_token(std::string_view text) {
  if (text.empty() || text.size() > kTokenMax) return false;
  const std::size_t end = text.find_last_not_of('=');
  if (end == std::string_view::npos) return false;
  return std::ranges::all_of(text.substr(0, end + 1), [](char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') ||
           std::string_view("-._~+/").find(character) != std::string_view::npos;
  });
}

std::string_view text_of(const WipedJson& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return {};
  return view(found->get_ref<const WipedText&>());
}

std::optional<std::int64_t> seconds_of(const WipedJson& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return std::nullopt;
  if (found->is_number_integer()) return found->get<std::int64_t>();
  const std::string_view text = text_of(object, name);
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char one, char other) {
    const auto lower = [](char character) {
      return character >= 'A' && character <= 'Z' ? static_cast<char>(character + 32) : character;
    };
    return lower(one) == lower(other);
  });
}

}  // namespace

Result<BearerToken> make_token(std::string_view text, Time expires) {
  if (!is_token(text)) return Error(Code::kInvalid, "a token has characters that no token has, or is too long");
  return BearerToken{crypto::Secret::copy_of(as_bytes(text)), expires};
}

std::string authorization(const BearerToken& token) { return "Bearer " + std::string(as_text(token.text.expose())); }

Result<BearerToken> parse_token_answer(ByteView body, Time now) {
  const auto json = parse_wiped(body);
  if (!json.ok()) return bad_answer("JSON");
  if (!same_word(text_of(*json, "token_type"), "Bearer")) return bad_answer("token_type");
  const auto life = seconds_of(*json, "expires_in");
  if (!life || *life <= 0 || *life > kLifeMaxSeconds) return bad_answer("expires_in");
  const std::string_view token = text_of(*json, "access_token");
  if (!is_token(token)) return bad_answer("access_token");
  return make_token(token, now + seconds(*life));
}

Error parse_token_refusal(unsigned status, ByteView body) {
  const Code code = status == 429 || status >= 500 ? Code::kUnavailable : Code::kDenied;
  std::string message = "the token endpoint answered " + std::to_string(status);
  const auto json = parse_wiped(body);
  if (!json.ok()) return Error(code, message);
  if (const auto error = text_of(*json, "error"); !error.empty()) message += ", " + plain_line(error);
  const std::string_view described = text_of(*json, "error_description");
  if (!described.empty()) message += ": " + plain_line(described.substr(0, described.find_first_of("\r\n")));
  return Error(code, message);
}

Result<TokenCache::Shared> TokenCache::get(Time now, const Fetch& fetch) {
  const std::lock_guard lock(mutex_);
  if (token_ != nullptr && now < renew_at_) return token_;
  auto fetched = fetch();
  if (!fetched.ok()) {
    const bool serves = token_ != nullptr && now < token_->expires;
    if (!serves || fetched.error().code() != Code::kUnavailable) return fetched.error();
    renew_at_ = now + kAskAgain;
    return token_;
  }
  const Duration life = fetched->expires - now;
  const Duration margin = std::min(kMargin, Duration{life.ms / 4});
  renew_at_ = now + Duration{life.ms - margin.ms};
  token_ = std::make_shared<const BearerToken>(std::move(fetched).value());
  return token_;
}

void TokenCache::drop(const Shared& refused) {
  const std::lock_guard lock(mutex_);
  if (token_ == refused) token_ = nullptr;
}

}  // namespace cloister::kms
