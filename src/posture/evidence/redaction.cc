// Secrets out of raw answers, by their shape and by the names before them.
#include "posture/evidence/redaction.h"

#include <algorithm>
#include <array>

namespace cloister::posture {
namespace {

constexpr std::string_view kMark = "[redacted: ";
constexpr std::size_t kMarkSizeMax = 64;

struct Shape {
  std::string_view prefix;
  std::size_t size_min;
  std::string_view what;
};
constexpr std::array<Shape, 15> kShapes = {{
    {"AKIA", 20, "access key"},
    {"ASIA", 20, "access key"},
    {"AIza", 39, "api key"},
    {"ya29.", 24, "token"},
    {"ghp_", 36, "token"},
    {"gho_", 36, "token"},
    {"ghs_", 36, "token"},
    {"github_pat_", 40, "token"},
    {"glpat-", 20, "token"},
    {"hvs.", 24, "token"},
    {"hf_", 30, "token"},
    {"sk-", 32, "token"},
    {"xoxb-", 24, "token"},
    {"xoxp-", 24, "token"},
    {"npm_", 36, "token"},
}};

// Ends of names, in lower case and without what joins words.
constexpr std::array<std::string_view, 14> kSecretNames = {
    "password",   "passwd",     "passphrase",       "secret",     "token",       "apikey",        "accesskey",
    "accountkey", "privatekey", "connectionstring", "credential", "credentials", "authorization", "sig"};
constexpr std::array<std::string_view, 9> kJwkNames = {"d", "p", "q", "dp", "dq", "qi", "k", "t", "r"};
constexpr std::size_t kJwkValueMin = 16;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}
bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool names_secret(std::string_view word) {
  std::string name;
  for (const char c : word) {
    if (c != '_' && c != '-' && c != '.') name += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return std::ranges::any_of(kSecretNames, [&](std::string_view end) { return name.ends_with(end); });
}

bool is_web_token(std::string_view word) {
  return word.starts_with("eyJ") && std::ranges::count(word, '.') >= 2 && word.size() >= 32;
}

std::string_view shape_of(std::string_view word) {
  if (is_web_token(word)) return "web token";
  for (const Shape& shape : kShapes) {
    if (word.starts_with(shape.prefix) && word.size() >= shape.size_min) return shape.what;
  }
  return {};
}

class Redactor {
 public:
  Redactor(std::string_view text, RedactEmails emails)
      : text_(text), emails_(emails), jwk_(text.find("\"kty\"") != std::string_view::npos) {}

  std::string run() {
    while (at_ < text_.size()) {
      if (copy_mark() || take_pem() || take_user_information()) continue;
      if (is_word(text_[at_])) {
        take_word();
      } else {
        out_ += text_[at_++];
      }
    }
    return std::move(out_);
  }

 private:
  bool at(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  void put(std::string_view what) { out_ += std::string(kMark) + std::string(what) + "]"; }

  bool copy_mark() {
    if (!at(kMark)) return false;
    const std::size_t end = text_.substr(at_, kMarkSizeMax).find(']');
    if (end == std::string_view::npos) return false;
    out_ += text_.substr(at_, end + 1);
    at_ += end + 1;
    return true;
  }

  bool take_pem() {
    if (!at("-----BEGIN ")) return false;
    const std::string_view first = text_.substr(at_, 64);
    if (first.find("PRIVATE KEY") == std::string_view::npos) return false;
    put("private key");
    const std::size_t end = text_.find("-----END ", at_);
    const std::size_t close = end == std::string_view::npos ? end : text_.find("-----", end + 9);
    at_ = close == std::string_view::npos ? text_.size() : close + 5;
    return true;
  }

  // ://user:password@
  bool take_user_information() {
    if (!at("://")) return false;
    const std::size_t begin = at_ + 3;
    const std::size_t end = std::min(text_.find_first_of("/?# \t\r\n\"'<>", begin), text_.size());
    const std::size_t sign = text_.substr(begin, end - begin).rfind('@');
    const std::size_t colon = text_.substr(begin, end - begin).find(':');
    if (sign == std::string_view::npos || colon == std::string_view::npos || colon > sign) return false;
    out_ += text_.substr(at_, 3 + colon + 1);
    put("password");
    at_ = begin + sign;
    return true;
  }

  void take_word() {
    std::size_t end = at_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    if (const std::string_view shape = shape_of(word); !shape.empty()) {
      put(shape);
      at_ = end;
      return;
    }
    if (emails_ == RedactEmails::kYes && take_email(end)) return;
    const bool quoted = at_ > 0 && text_[at_ - 1] == '"' && end < text_.size() && text_[end] == '"';
    out_ += word;
    at_ = end;
    if (names_secret(word)) {
      take_value(1, word);
    } else if (jwk_ && quoted && std::ranges::find(kJwkNames, word) != kJwkNames.end()) {
      take_value(kJwkValueMin, "key");
    }
  }

  bool take_email(std::size_t end) {
    if (end >= text_.size() || text_[end] != '@') return false;
    std::size_t stop = end + 1;
    while (stop < text_.size() && is_word(text_[stop])) ++stop;
    if (text_.substr(end + 1, stop - end - 1).find('.') == std::string_view::npos) return false;
    put("email");
    at_ = stop;
    return true;
  }

  // What follows a name: `": "value"`, `=value`, `>value<`. Nothing where no value of at least that size follows.
  void take_value(std::size_t size_min, std::string_view name) {
    std::size_t i = at_;
    if (i < text_.size() && (text_[i] == '"' || text_[i] == '\'')) ++i;
    while (i < text_.size() && is_blank(text_[i])) ++i;
    if (i >= text_.size() || (text_[i] != ':' && text_[i] != '=' && text_[i] != '>')) return;
    const bool element = text_[i] == '>';
    ++i;
    while (i < text_.size() && is_blank(text_[i])) ++i;
    if (i >= text_.size()) return;
    const char quote = text_[i] == '"' || text_[i] == '\'' ? text_[i] : '\0';
    if (quote != '\0') ++i;
    const std::size_t end = element ? std::min(text_.find('<', i), text_.size()) : end_of_value(i, quote);
    const std::string_view value = text_.substr(i, end - i);
    if (value.size() < size_min || value.starts_with(kMark) || (quote == '\0' && !element && is_plain(value))) return;
    out_ += text_.substr(at_, i - at_);
    put(names_secret(name) ? "secret" : name);
    at_ = end;
  }

  std::size_t end_of_value(std::size_t i, char quote) const {
    for (; i < text_.size(); ++i) {
      if (quote != '\0' && text_[i] == '\\') {
        ++i;
      } else if (quote != '\0' ? text_[i] == quote
                               : std::string_view(" \t\r\n&;,\"'<>(){}[]").find(text_[i]) != std::string_view::npos) {
        return i;
      }
    }
    return text_.size();
  }

  // No secret: a word of JSON, or nothing.
  static bool is_plain(std::string_view value) {
    return value.empty() || value == "null" || value == "true" || value == "false";
  }

  std::string_view text_;
  RedactEmails emails_;
  bool jwk_;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string redact(std::string_view text, RedactEmails emails) { return Redactor(text, emails).run(); }

}  // namespace cloister::posture
