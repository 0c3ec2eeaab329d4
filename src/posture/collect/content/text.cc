#include "posture/collect/content/text.h"

#include <algorithm>
#include <vector>

#include "base/base64.h"
#include "base/json.h"
#include "base/reader.h"

namespace cloister::posture::content {
namespace {

constexpr std::size_t kLinesMax = 5;
constexpr std::size_t kBase64Min = 128;

std::size_t character_size(std::uint8_t lead) { return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4; }

bool is_written(std::uint8_t byte) {
  return byte >= 0x20 ? byte != 0x7F : byte == '\n' || byte == '\r' || byte == '\t';
}

// The first lines that are whole.
std::vector<std::string_view> first_lines(std::string_view text, bool whole) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < kLinesMax) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos && !whole) break;
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.push_back(line);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

bool is_object(std::string_view line) {
  if (line.front() != '{') return false;
  const auto json = parse_json(line);
  return json.ok() && json->object() != nullptr;
}

bool is_table(const std::vector<std::string_view>& lines) {
  if (lines.size() < 2) return false;
  for (const char separator : {',', '\t', ';', '|'}) {
    const auto columns = std::ranges::count(lines[0], separator);
    if (columns == 0) continue;
    const auto agrees = [&](std::string_view line) { return std::ranges::count(line, separator) == columns; };
    if (std::ranges::all_of(lines, agrees)) return true;
  }
  return false;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "2026-11-26T", "2026/11/26 ", "[2026-…", "Nov 26 15:59", "INFO ": how lines of logs begin.
bool is_log_line(std::string_view line) {
  if (line.starts_with('[') || line.starts_with('<')) line.remove_prefix(1);
  if (line.size() > 10 && is_digit(line[0]) && is_digit(line[3]) && (line[4] == '-' || line[4] == '/')) return true;
  if (line.size() > 15 && line[3] == ' ' && line[6] == ' ' && line[9] == ':' && line[12] == ':') return true;
  for (const std::string_view level : {"DEBUG", "INFO", "WARN", "ERROR", "TRACE", "FATAL"}) {
    if (line.starts_with(level)) return true;
  }
  return false;
}

}  // namespace

bool is_mostly_text(ByteView bytes) {
  if (bytes.empty()) return false;
  const std::string_view text = as_text(bytes);
  std::size_t strange = 0;
  for (std::size_t i = 0; i < bytes.size();) {
    if (bytes[i] < 0x80) {
      if (!is_written(bytes[i]) && ++strange * 20 > bytes.size()) return false;
      ++i;
      continue;
    }
    const std::size_t size = character_size(bytes[i]);
    const bool cut_off = bytes.size() - i < size;
    if (bytes[i] >= 0xC0 && (cut_off || is_plain_utf8(text.substr(i, size)))) {
      i += size;
    } else {
      if (++strange * 20 > bytes.size()) return false;
      ++i;
    }
  }
  return true;
}

std::string_view text_type(std::string_view text, bool whole) {
  const std::vector<std::string_view> lines = first_lines(text, whole);
  if (lines.size() >= 3 && std::all_of(lines.begin(), lines.begin() + 3, is_object)) return "jsonl";
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  const char first = start == std::string_view::npos ? '\0' : text[start];
  const auto logs = std::ranges::count_if(lines, is_log_line);
  if (!lines.empty() && static_cast<std::size_t>(logs) * 2 > lines.size()) return "log";
  if (first == '{' || first == '[') return "json";
  if (first == '<') return "xml";
  if (is_table(lines)) return "csv";
  if (text.starts_with("---\n") || text.starts_with("%YAML")) return "yaml";
  return "text";
}

std::optional<Bytes> decode_all_base64(std::string_view text) {
  // Nearly all text shows within a line that it isn't.
  if (text.substr(0, 48).find_first_of(" {}[]\"':;,.<>()\t") != std::string_view::npos) return std::nullopt;
  std::string dense;
  dense.reserve(text.size());
  for (const char c : text) {
    if (c != '\n' && c != '\r') dense += c;
  }
  if (dense.size() < kBase64Min) return std::nullopt;
  const bool url = dense.find_first_of("-_") != std::string::npos;
  // A head may end anywhere: whole groups of four are enough, and what pads the last one isn't needed.
  dense.resize(dense.size() / 4 * 4);
  if (dense.ends_with('=')) dense.resize(dense.size() - 4);
  auto bytes = from_base64(dense, url ? Base64::kUrl : Base64::kStandard);
  if (!bytes.ok()) return std::nullopt;
  return std::move(*bytes);
}

}  // namespace cloister::posture::content
