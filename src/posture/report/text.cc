// Escapes, dates and counts.
#include "posture/report/text.h"

#include <array>
#include <cstdio>

#include "base/reader.h"

namespace cloister::posture::report {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

std::size_t size_by_lead(unsigned char lead) { return lead < 0x80 ? 1U : lead < 0xE0 ? 2U : lead < 0xF0 ? 3U : 4U; }

std::uint32_t code_point(std::string_view character) {
  if (character.size() == 1) return static_cast<unsigned char>(character[0]);
  std::uint32_t code = static_cast<unsigned char>(character[0]) & (0xFFU >> (character.size() + 1));
  for (const char c : character.substr(1)) code = code << 6 | (static_cast<unsigned char>(c) & 0x3FU);
  return code;
}

// Marks of direction, joiners, spaces and separators of lines, the byte order mark, variation selectors and tags.
bool is_invisible(std::uint32_t code) {
  return code == 0xA0 || code == 0xAD || code == 0x61C || code == 0x1680 || code == 0x180E ||
         (code >= 0x2000 && code <= 0x200F) || (code >= 0x2028 && code <= 0x202F) ||
         (code >= 0x205F && code <= 0x206F) || code == 0x3000 || (code >= 0xFE00 && code <= 0xFE0F) || code == 0xFEFF ||
         (code >= 0xFFF9 && code <= 0xFFFB) || (code >= 0xE0000 && code <= 0xE0FFF);
}

void append_code(std::string& out, std::uint32_t code) {
  std::array<char, 16> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "\\u{%x}", static_cast<unsigned>(code));
  out += buffer.data();
}

// Calls `keep` with each run of characters that may be shown as they are, and appends escapes for the others.
template <typename Keep>
void walk(std::string& out, std::string_view text, const Keep& keep) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead >= 0x20 && lead < 0x7F) {
      ++i;
      continue;
    }
    const std::string_view character = text.substr(i, size_by_lead(lead));
    const bool well_formed = lead >= 0x80 && is_plain_utf8(character);
    if (well_formed && !is_invisible(code_point(character))) {
      i += character.size();
      continue;
    }
    keep(text.substr(begin, i - begin));
    if (well_formed) {
      append_code(out, code_point(character));
      i += character.size();
    } else {
      out.append({'\\', 'x', kDigits[lead >> 4], kDigits[lead & 15]});
      ++i;
    }
    begin = i;
  }
  keep(text.substr(begin));
}

void append_markup(std::string& out, std::string_view text) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string_view entity;
    switch (text[i]) {
      case '&': entity = "&amp;"; break;
      case '<': entity = "&lt;"; break;
      case '>': entity = "&gt;"; break;
      case '"': entity = "&quot;"; break;
      case '\'': entity = "&#39;"; break;
      default: continue;
    }
    out.append(text, begin, i - begin);
    out += entity;
    begin = i + 1;
  }
  out.append(text, begin);
}

}  // namespace

std::string plain(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  walk(out, text, [&out](std::string_view run) { out += run; });
  return out;
}

void append_html(std::string& out, std::string_view text) {
  walk(out, text, [&out](std::string_view run) { append_markup(out, run); });
}

std::string html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_html(out, text);
  return out;
}

std::string minute_text(Time time) {
  std::string text = to_rfc3339(time);
  if (text.size() < 16) return text;
  text[10] = ' ';
  return text.substr(0, 16) + " UTC";
}

std::string date_text(Time time) { return to_rfc3339(time).substr(0, 10); }

std::string age_text(Duration age) {
  if (age < minutes(1)) return "0 min";
  if (age < hours(1)) return std::to_string(age.ms / minutes(1).ms) + " min";
  if (age < days(2)) return std::to_string(age.ms / hours(1).ms) + " h";
  return std::to_string(age.ms / days(1).ms) + " d";
}

std::string permille_text(std::uint32_t permille) {
  return std::to_string(permille / 10) + "." + std::to_string(permille % 10) + " %";
}

std::string score_text(std::uint32_t ten_thousandths) {
  std::array<char, 24> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%u.%04u", static_cast<unsigned>(ten_thousandths / 10000),
                static_cast<unsigned>(ten_thousandths % 10000));
  return buffer.data();
}

std::string count_text(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string counted(std::uint64_t count, std::string_view one) {
  return count_text(count) + " " + std::string(one) + (count == 1 ? "" : "s");
}

std::string_view effort_text(std::uint32_t effort) {
  switch (effort) {
    case 1: return "hours";
    case 2: return "days";
    case 3: return "weeks";
    default: return "months";
  }
}

std::string coverage_text(const Coverage& coverage) {
  if (coverage.known == 0) return "nothing is known";
  return permille_text(coverage.permille()) + " (" + count_text(coverage.assessed) + " of " +
         count_text(coverage.known) + ")";
}

std::string_view status_text(Status status) {
  switch (status) {
    case Status::kPass: return "pass";
    case Status::kFail: return "fail";
    case Status::kNotAssessed: return "not assessed";
    case Status::kNotApplicable: return "not applicable";
    case Status::kException: return "exception";
  }
  return "?";
}

std::string value_text(const FactValue& value) {
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "yes" : "no";
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  std::string out;
  for (const std::string& item : *std::get_if<std::vector<std::string>>(&value)) {
    out += (out.empty() ? "" : ", ") + item;
  }
  return out;
}

std::string tail_text(std::string_view name, std::size_t size_max) {
  const std::string shown = plain(name);
  if (shown.size() <= size_max) return shown;
  std::size_t begin = shown.size() - (size_max - 3);
  while (begin < shown.size() && (static_cast<unsigned char>(shown[begin]) & 0xC0) == 0x80) ++begin;
  return "…" + shown.substr(begin);
}

}  // namespace cloister::posture::report
