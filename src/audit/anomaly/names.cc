#include "audit/anomaly/names.h"

#include <algorithm>

#include "base/bytes.h"

namespace cloister::audit::anomaly {
namespace {

constexpr std::uint64_t kOdd1 = 0x9E3779B97F4A7C15, kOdd2 = 0xD1B54A32D192ED03;

// The 128-bit product of two words folded to 64 bits: every bit in reaches every bit out.
std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t last_word(const char* from, std::size_t size) {
  std::uint8_t word[8] = {};
  std::memcpy(word, from, size);
  return load_le<std::uint64_t>(word);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex_word(std::string_view word) {
  constexpr std::size_t kPodSuffixMin = 5;
  return word.size() >= kPodSuffixMin && std::ranges::any_of(word, is_digit) &&
         word.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void append_without_digits(std::string& text, std::string_view word) {
  if (is_hex_word(word)) {
    text += '#';
    return;
  }
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (!is_digit(word[i])) {
      text += word[i];
    } else if (i == 0 || !is_digit(word[i - 1])) {
      text += '#';
    }
  }
}

std::string_view up_to_nth(std::string_view text, char separator, int count) {
  std::size_t at = 0;
  for (; count > 0; --count) {
    at = text.find(separator, at);
    if (at == std::string_view::npos) return text;
    ++at;
  }
  return text.substr(0, at);
}

}  // namespace

std::uint64_t Names::of(NameKind kind, std::string_view text) const {
  if (text.empty()) return 0;
  std::uint64_t state = seed_ ^ fold(static_cast<std::uint64_t>(kind) * kOdd1 ^ text.size(), seed_ ^ kOdd2);
  text = text.substr(0, kNameMax);
  std::uint64_t other = seed_ + kOdd1;
  std::size_t at = 0;
  for (; at + 16 <= text.size(); at += 16) {
    state = fold(last_word(text.data() + at, 8) ^ kOdd1 ^ other, last_word(text.data() + at + 8, 8) ^ state);
    other += state ^ kOdd2;
  }
  for (; at < text.size(); at += 8) {
    state = fold(last_word(text.data() + at, std::min<std::size_t>(8, text.size() - at)) ^ other, state ^ kOdd2);
  }
  const std::uint64_t hash = fold(state ^ seed_, kOdd1);
  return hash == 0 ? 1 : hash;
}

std::uint64_t Names::of(std::uint64_t first, std::uint64_t second) const {
  const std::uint64_t hash = fold(fold(first ^ seed_, kOdd1 ^ second) ^ second, kOdd2 ^ seed_);
  return hash == 0 ? 1 : hash;
}

std::string family_of(std::string_view principal) {
  principal = principal.substr(0, kNameMax);
  std::string family;
  for (std::size_t at = 0; at < principal.size();) {
    std::size_t end = at;
    while (end < principal.size() && is_word(principal[end])) ++end;
    append_without_digits(family, principal.substr(at, end - at));
    if (end < principal.size()) family += principal[end++];
    at = end;
  }
  return family;
}

std::string_view parent_of(std::string_view principal) {
  const std::size_t slash = principal.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : principal.substr(0, slash);
}

std::string source_group_of(std::string_view source) {
  source = source.substr(0, kNameMax);
  constexpr std::string_view kMapped = "::ffff:";  // an IPv4 address, as a socket of both families names it
  if (source.starts_with(kMapped) && source.find('.') != std::string_view::npos) source.remove_prefix(kMapped.size());
  if (source.find(':') != std::string_view::npos) return std::string(up_to_nth(source, ':', 3));
  if (source.find_first_not_of("0123456789.") == std::string_view::npos) return std::string(up_to_nth(source, '.', 3));
  return family_of(source);
}

}  // namespace cloister::audit::anomaly
