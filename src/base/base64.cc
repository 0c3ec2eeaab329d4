#include "base/base64.h"

#include <algorithm>
#include <array>

namespace cloister {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 64;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}

Error not_base64() { return Error(Code::kInvalid, "not base64 as RFC 4648 section 4 has it"); }

}  // namespace

std::string to_base64(ByteView bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < count ? bytes[at + i] : 0u);
    for (std::size_t i = 0; i < 4; ++i) text.push_back(i <= count ? kAlphabet[group >> (18 - 6 * i) & 63] : '=');
  }
  return text;
}

Result<Bytes> from_base64(std::string_view text) {
  static constexpr auto kValues = make_values();
  if (text.size() % 4 != 0) return not_base64();
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  Bytes bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t at = 0; at < text.size(); at += 4) {
    const std::size_t digits = at + 4 == text.size() ? 4 - padding : 4;
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::uint8_t value = i < digits ? kValues[static_cast<unsigned char>(text[at + i])] : std::uint8_t{0};
      if (value == kNoDigit) return not_base64();
      group = group << 6 | value;
    }
    for (std::size_t i = 0; i + 1 < digits; ++i) bytes.push_back(static_cast<std::uint8_t>(group >> (16 - 8 * i)));
    const std::uint32_t unused = digits == 4 ? 0 : group & (digits == 3 ? 0xFFu : 0xFFFFu);
    if (unused != 0) return not_base64();
  }
  return bytes;
}

}  // namespace cloister
