#include "service/json_scanner.h"

#include <limits>

namespace cloister::service {
namespace {

// Not '"', '\\', a control character or the start of anything beyond ASCII.
bool is_plain(std::uint8_t c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

int hex_digit(std::uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int lower = c | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

bool JsonScanner::fail(const char* fault) {
  if (fault_ == nullptr) fault_ = fault;
  return false;
}

Status JsonScanner::status() const {
  if (ok()) return {};
  return Error(Code::kInvalid, std::string("the body ") + fault_ + " at byte " + std::to_string(at_ - begin_));
}

void JsonScanner::skip_space() {
  while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
}

bool JsonScanner::expect(char character, const char* fault) {
  skip_space();
  if (!ok() || at_ == end_ || *at_ != static_cast<std::uint8_t>(character)) return fail(fault);
  ++at_;
  return true;
}

bool JsonScanner::enter(char bracket) {
  first_ = true;
  return expect(bracket, bracket == '{' ? "has no object" : "has no list");
}

bool JsonScanner::next(char bracket) {
  skip_space();
  if (!ok() || at_ == end_) return fail("ends too early");
  const bool first = first_;
  first_ = false;
  if (*at_ == static_cast<std::uint8_t>(bracket)) {
    ++at_;
    return false;
  }
  return first || expect(',', "has no comma");
}

bool JsonScanner::next_member(std::string_view& name) {
  return next('}') && string(name) && expect(':', "has no colon behind a name");
}

bool JsonScanner::string(std::string_view& value) {
  if (!expect('"', "has no text")) return false;
  const std::uint8_t* const from = at_;
  while (at_ != end_ && is_plain(*at_)) ++at_;
  if (at_ == end_) return fail("ends too early");
  if (*at_ == '\\') return unescape(from, value);
  if (*at_ != '"') return fail("has text that isn't printable ASCII");
  value = {reinterpret_cast<const char*>(from), static_cast<std::size_t>(at_ - from)};
  ++at_;
  return true;
}

// What an escape stands for is never longer than the escape.
bool JsonScanner::unescape(const std::uint8_t* from, std::string_view& value) {
  static constexpr std::string_view kShort = "\"\\/bfnrt";
  static constexpr std::string_view kMeaning = "\"\\/\b\f\n\r\t";
  std::uint8_t* to = at_;
  while (true) {
    while (at_ != end_ && is_plain(*at_)) *to++ = *at_++;
    if (at_ == end_) return fail("ends too early");
    if (*at_ == '"') break;
    if (*at_ != '\\') return fail("has text that isn't printable ASCII");
    if (end_ - at_ < 2) return fail("ends too early");
    const auto known = kShort.find(static_cast<char>(at_[1]));
    if (known != std::string_view::npos) {
      *to++ = static_cast<std::uint8_t>(kMeaning[known]);
      at_ += 2;
      continue;
    }
    if (at_[1] != 'u') return fail("has an escape that is none");
    if (end_ - at_ < 6) return fail("ends too early");
    int code = 0;
    for (int i = 2; i < 6; ++i) {
      const int digit = hex_digit(at_[i]);
      if (digit < 0) return fail("has an escape that is none");
      code = code << 4 | digit;
    }
    if (code >= 0x80) return fail("has text that isn't printable ASCII");
    *to++ = static_cast<std::uint8_t>(code);
    at_ += 6;
  }
  value = {reinterpret_cast<const char*>(from), static_cast<std::size_t>(to - from)};
  ++at_;
  return true;
}

bool JsonScanner::number(std::uint64_t& value) {
  skip_space();
  if (!ok() || at_ == end_ || *at_ < '0' || *at_ > '9') return fail("has no whole number");
  if (*at_ == '0' && end_ - at_ > 1 && at_[1] >= '0' && at_[1] <= '9') return fail("has a number with a leading zero");
  value = 0;
  for (; at_ != end_ && *at_ >= '0' && *at_ <= '9'; ++at_) {
    const unsigned digit = *at_ - '0';
    if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) return fail("has too large a number");
    value = value * 10 + digit;
  }
  if (at_ != end_ && (*at_ == '.' || *at_ == 'e' || *at_ == 'E')) return fail("has no whole number");
  return true;
}

JsonScanner::Kind JsonScanner::peek() {
  skip_space();
  if (!ok() || at_ == end_) return Kind::kNone;
  switch (*at_) {
    case '"': return Kind::kText;
    case '{': return Kind::kObject;
    case '[': return Kind::kList;
    case 't':
    case 'f': return Kind::kBoolean;
    case 'n': return Kind::kNull;
    default: return *at_ >= '0' && *at_ <= '9' ? Kind::kNumber : Kind::kNone;
  }
}

bool JsonScanner::word(std::string_view word) {
  const auto left = static_cast<std::size_t>(end_ - at_);
  if (left < word.size() || as_text({at_, word.size()}) != word) return false;
  at_ += word.size();
  return true;
}

bool JsonScanner::boolean(bool& value) {
  skip_space();
  if (!ok()) return false;
  value = word("true");
  return value || word("false") || fail("has neither true nor false");
}

bool JsonScanner::null() {
  skip_space();
  return (ok() && word("null")) || fail("has no null");
}

bool JsonScanner::end() {
  skip_space();
  if (!ok() || at_ != end_) return fail("has something behind its end");
  return true;
}

}  // namespace cloister::service
