#include "redteam/secrets.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/base64.h"
#include "base/bytes.h"

namespace cloister::redteam {
namespace {

constexpr std::size_t kFoundMax = 100;
constexpr std::size_t kNameMax = 64;
constexpr std::size_t kHexMin = 32, kBase64Min = 40;  // of 128 bits and more
constexpr std::size_t kTokenMin = 20;

constexpr std::array<std::string_view, 6> kPrefixes = {"AGE-SECRET-KEY-1", "hvs.", "hvb.", "ghp_", "glpat-", "xoxb-"};
constexpr std::array<std::string_view, 5> kTelling = {"key", "secret", "token", "passw", "credential"};
// What refers to a secret, or is public.
constexpr std::array<std::string_view, 13> kReferring = {"_file",   "_path",    "_id",        "_arn",   "_name",
                                                         "_url",    "_uri",     "_hash",      "public", "digest",
                                                         "keyring", "_version", "fingerprint"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
bool is_hex(char c) { return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'f'); }
bool is_base64(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '-' || c == '_';
}
bool is_name(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

template <typename Words>
bool has_one(std::string_view text, const Words& words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

class Search {
 public:
  explicit Search(std::string_view text) : text_(text) {}

  void all_of(std::string_view what, const std::string& kind) {
    if (what.empty()) return;
    for (std::size_t at = text_.find(what); at != std::string_view::npos; at = text_.find(what, at + what.size())) {
      add(at, kind);
    }
  }

  void private_keys() {
    constexpr std::string_view kBegin = "-----BEGIN ";
    for (std::size_t at = text_.find(kBegin); at != std::string_view::npos; at = text_.find(kBegin, at + 1)) {
      if (text_.substr(at, 64).find("PRIVATE KEY-----") != std::string_view::npos) add(at, "a private key in PEM");
    }
    for (const std::string_view member : {"\"d\"", "\"k\""}) {
      for (std::size_t at = text_.find(member); at != std::string_view::npos; at = text_.find(member, at + 1)) {
        const std::size_t from = at < 600 ? 0 : at - 600;
        if (text_.substr(from, 1200).find("\"kty\"") == std::string_view::npos) continue;
        if (value_after(at + member.size()).size() >= 22) add(at, "a private key as JWK");
      }
    }
  }

  void prefixed_tokens() {
    for (const std::string_view prefix : kPrefixes) {
      for (std::size_t at = text_.find(prefix); at != std::string_view::npos; at = text_.find(prefix, at + 1)) {
        if (at != 0 && is_base64(text_[at - 1])) continue;
        if (run_of(at + prefix.size(), is_base64) >= kTokenMin) add(at, "a token (" + std::string(prefix) + "…)");
      }
    }
  }

  // NAME=VALUE, NAME: VALUE, "NAME": "VALUE".
  void named_values() {
    for (std::size_t at = 0; at < text_.size(); ++at) {
      if (text_[at] != '=' && text_[at] != ':') continue;
      const std::string name = name_before(at);
      if (name.empty() || !has_one(name, kTelling) || has_one(name, kReferring)) continue;
      const std::string_view value = value_after(at);
      if (looks_like_key(value)) add(at, "the value of " + name);
    }
  }

  std::vector<SecretFound> found() && {
    std::ranges::sort(found_, {}, &SecretFound::offset);
    if (found_.size() > kFoundMax) found_.resize(kFoundMax);
    return std::move(found_);
  }

 private:
  void add(std::size_t at, std::string kind) {
    if (found_.size() < 4 * kFoundMax) found_.push_back({at, std::move(kind)});
  }

  template <typename Is>
  std::size_t run_of(std::size_t from, Is is) const {
    std::size_t end = from;
    while (end < text_.size() && is(text_[end])) ++end;
    return end - from;
  }

  std::string name_before(std::size_t at) const {
    std::size_t end = at;
    while (end > 0 && (text_[end - 1] == ' ' || text_[end - 1] == '"' || text_[end - 1] == '\'')) --end;
    std::size_t begin = end;
    while (begin > 0 && end - begin < kNameMax && is_name(text_[begin - 1])) --begin;
    std::string name(text_.substr(begin, end - begin));
    std::ranges::transform(name, name.begin(), lower);
    return name;
  }

  std::string_view value_after(std::size_t at) const {
    std::size_t begin = at;
    while (begin < text_.size() && begin - at < 8 && !is_base64(text_[begin])) ++begin;
    return text_.substr(begin, run_of(begin, is_base64));
  }

  static bool looks_like_key(std::string_view value) {
    const std::set<char> different(value.begin(), value.end());
    if (std::ranges::all_of(value, is_hex)) return value.size() >= kHexMin && different.size() >= 8;
    return value.size() >= kBase64Min && different.size() >= 16;
  }

  const std::string_view text_;
  std::vector<SecretFound> found_;
};

}  // namespace

std::vector<SecretFound> find_secrets(std::string_view text, std::span<const std::string> canaries) {
  Search search(text);
  for (const std::string& canary : canaries) {
    search.all_of(canary, "a canary");
    search.all_of(to_hex(as_bytes(canary)), "a canary in hexadecimal");
    search.all_of(to_base64(as_bytes(canary)), "a canary in base64");
  }
  search.private_keys();
  search.prefixed_tokens();
  search.named_values();
  return std::move(search).found();
}

}  // namespace cloister::redteam
