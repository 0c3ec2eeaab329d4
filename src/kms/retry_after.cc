#include "kms/retry_after.h"

#include <algorithm>
#include <charconv>

namespace cloister::kms {
namespace {

constexpr std::int64_t kLongestMs = 60'000;

std::optional<Duration> number_of(const net::Response& response, std::string_view name, std::int64_t unit_ms) {
  const std::string* text = response.headers.find(name);
  std::uint32_t value = 0;
  if (text == nullptr) return std::nullopt;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (problem != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return Duration{std::min(kLongestMs, value * unit_ms)};
}

}  // namespace

std::optional<Duration> retry_after(const net::Response& response) {
  for (const std::string_view name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
    if (const auto wait = number_of(response, name, 1)) return wait;
  }
  return number_of(response, "retry-after", 1000);
}

}  // namespace cloister::kms
