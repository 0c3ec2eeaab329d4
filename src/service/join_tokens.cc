#include "service/join_tokens.h"

#include <charconv>

namespace cloister::service {
namespace {

constexpr std::string_view kPrefix = "join_token:";

std::string name_of(const identity::JoinTokenHash& hash) { return std::string(kPrefix) + to_hex(hash); }

Result<Time> parse_time(std::string_view text) {
  Time time;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), time.unix_ms);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) return time;
  return Error(Code::kCorrupt, "a stored join token is malformed");
}

// "ID\nEXPIRES\nUSED": milliseconds; USED is - until it is.
std::string value_of(const identity::StoredJoinToken& token) {
  return token.id.uri() + "\n" + std::to_string(token.expires.unix_ms) + "\n" +
         (token.used ? std::to_string(token.used->unix_ms) : "-");
}

Result<identity::StoredJoinToken> parse_value(const identity::JoinTokenHash& hash, std::string_view value) {
  const std::size_t first = value.find('\n');
  const std::size_t second = first == std::string_view::npos ? first : value.find('\n', first + 1);
  if (second == std::string_view::npos) return Error(Code::kCorrupt, "a stored join token is malformed");
  CLOISTER_TRY(identity::SpiffeId id, identity::SpiffeId::parse(value.substr(0, first)));
  CLOISTER_TRY(const Time expires, parse_time(value.substr(first + 1, second - first - 1)));
  const std::string_view used_text = value.substr(second + 1);
  std::optional<Time> used;
  if (used_text != "-") {
    CLOISTER_TRY(used, parse_time(used_text));
  }
  return identity::StoredJoinToken{hash, std::move(id), expires, used};
}

}  // namespace

Status add_join_token(keys::Store& store, keys::Store::Change& change, const AuthenticSettings& settings,
                      const identity::StoredJoinToken& token, Time now) {
  CLOISTER_TRY(const auto stored, store.settings(kPrefix));
  std::size_t left = stored.size();
  for (const auto& [name, value] : stored) {
    const auto opened = settings.open_value(name, value);
    const auto other = opened.ok() ? parse_value({}, *opened) : opened.error();
    // What isn't ours opens nothing: it is in nobody's way but its own.
    if (other.ok() && now < other->expires) continue;
    CLOISTER_RETURN_IF_ERROR(change.remove_setting(name));
    --left;
  }
  if (left >= kJoinTokensMax) return Error(Code::kUnavailable, "there are too many join tokens that nobody has used");
  return put_join_token(change, settings, token);
}

Status put_join_token(keys::Store::Change& change, const AuthenticSettings& settings,
                      const identity::StoredJoinToken& token) {
  return settings.put(change, name_of(token.hash), value_of(token));
}

Result<identity::StoredJoinToken> find_join_token(keys::Store& store, const AuthenticSettings& settings,
                                                  const identity::JoinTokenHash& hash) {
  CLOISTER_TRY(const std::string value, settings.read(store, name_of(hash)));
  return parse_value(hash, value);
}

}  // namespace cloister::service
