#include "output.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>

#include "posture/report/text.h"

namespace cloister::cli {
namespace {

[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...) {
  std::array<char, 128> buffer{};
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(buffer.data(), buffer.size(), pattern, arguments);
  va_end(arguments);
  return buffer.data();
}

// How many columns UTF-8 text takes, near enough: one for each code point.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string_view advice(const Error& error) {
  const std::string& message = error.message();
  switch (error.code()) {
    case Code::kCorrupt:
      return "nothing unverified was handed out; restore the file from a copy, and find out who or what changed it";
    case Code::kUnavailable:
      if (message.ends_with("interrupted")) return "run the same command again to go on";
      return "try again in a moment";
    case Code::kUnsupported: return "a newer version of this program may read it";
    default: return "";
  }
}

}  // namespace

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - width(row[i]) + 2, ' ');
    }
    while (line.ends_with(' ')) line.pop_back();
    out += line + "\n";
  }
  return out;
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array units{"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return format("%llu B", static_cast<unsigned long long>(bytes));
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return format("%.1f %s", value, units[unit]);
}

std::string rate_text(std::uint64_t bytes, double seconds) {
  return bytes_text(static_cast<std::uint64_t>(static_cast<double>(bytes) / std::max(seconds, 1e-6))) + "/s";
}

std::string seconds_text(double seconds) {
  if (seconds < 0.0995) return format("%.1f ms", seconds * 1000);
  if (seconds < 60) return format("%.2f s", seconds);
  const auto whole = static_cast<long long>(seconds + 0.5);
  if (whole < 3600) return format("%lld min %02lld s", whole / 60, whole % 60);
  return format("%lld h %02lld min", whole / 3600, whole % 3600 / 60);
}

std::string count_text(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string days_text(Duration duration) {
  return count_text(static_cast<std::uint64_t>(duration.ms / days(1).ms), "day");
}

std::string mode_text(std::uint32_t mode) { return format("%04o", mode); }

std::string cost_line(std::uint64_t objects, std::uint64_t bytes_written, double seconds) {
  return "cost: " + count_text(objects, "object") + " touched, " + bytes_text(bytes_written) + " written, " +
         seconds_text(seconds) + "\n";
}

Json cost_json(std::uint64_t objects, std::uint64_t bytes_written, double seconds) {
  return {{"objects_touched", objects}, {"bytes_written", bytes_written}, {"seconds", seconds}};
}

std::string printable(std::string_view text) { return posture::report::plain(text); }

void print_error(const Error& error, bool as_json) {
  const std::string_view what_to_do = advice(error);
  if (as_json) {
    Json json = {{"error", {{"code", code_name(error.code())}, {"message", error.message()}}}};
    if (!what_to_do.empty()) json["error"]["advice"] = what_to_do;
    std::fprintf(stderr, "%s\n", json.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
    return;
  }
  std::fprintf(stderr, "cloister: %s\n", printable(error.message()).c_str());
  if (!what_to_do.empty()) std::fprintf(stderr, "  %s\n", std::string(what_to_do).c_str());
}

Error invalid(std::string message) { return Error(Code::kInvalid, std::move(message)); }

}  // namespace cloister::cli
