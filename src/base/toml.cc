#include "base/toml.h"

#include <algorithm>
#include <optional>

#include "base/reader.h"

namespace cloister {
namespace {

Error refused(std::string_view message) { return Error(Code::kInvalid, std::string(message)); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_bare_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '-';
}
bool is_word_character(char c) { return is_bare_key_character(c) || c == '+' || c == ':' || c == '.'; }

void skip_blanks(std::string_view& rest) { rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size())); }

std::string_view take_while(std::string_view& rest, bool (*is_right)(char)) {
  const auto end = std::ranges::find_if_not(rest, is_right);
  const std::string_view taken = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest.remove_prefix(taken.size());
  return taken;
}

bool is_over(std::string_view rest) { return rest.empty() || rest.front() == '#'; }

void append_utf8(std::uint32_t code, std::string& out) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

// Takes the digits of \u or \U off `rest`.
Status take_code_point(std::string_view& rest, std::size_t digits, std::string& out) {
  if (rest.size() < digits) return refused("an escape that is cut off");
  std::uint32_t code = 0;
  for (const char c : rest.substr(0, digits)) {
    const std::size_t digit = std::string_view("0123456789abcdef").find(c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c);
    if (digit == std::string_view::npos) return refused("an escape with a digit that isn't hexadecimal");
    code = code << 4 | static_cast<std::uint32_t>(digit);
  }
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  if (is_surrogate || code > 0x10ffff) return refused("an escape that is no character");
  rest.remove_prefix(digits);
  append_utf8(code, out);
  return {};
}

// Takes what follows a backslash off `rest`.
Status take_escape(std::string_view& rest, std::string& out) {
  constexpr std::string_view kLetters = "btnfr\"\\", kMeanings = "\b\t\n\f\r\"\\";
  if (rest.empty()) return refused("a string without its closing quote");
  const char letter = rest.front();
  rest.remove_prefix(1);
  if (letter == 'u') return take_code_point(rest, 4, out);
  if (letter == 'U') return take_code_point(rest, 8, out);
  const std::size_t found = kLetters.find(letter);
  if (found == std::string_view::npos) return refused("an escape that TOML doesn't have; write \\\\ for a backslash");
  out += kMeanings[found];
  return {};
}

// Takes a string, quotes included, off `rest`. No string spans lines.
Result<std::string> take_string(std::string_view& rest) {
  const char quote = rest.front();
  if (rest.size() >= 3 && rest[1] == quote && rest[2] == quote) {
    return refused("strings over several lines aren't read here");
  }
  rest.remove_prefix(1);
  std::string out;
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c == quote) return out;
    if (c == '\\' && quote == '"') {
      CLOISTER_RETURN_IF_ERROR(take_escape(rest, out));
    } else {
      out += c;
    }
  }
  return refused("a string without its closing quote");
}

// "-1", "1_000"; nothing for what isn't a whole number in decimal, or might not fit.
std::optional<std::int64_t> number_of(std::string_view word) {
  constexpr std::size_t kSizeMax = 18;
  const bool is_negative = word.starts_with('-');
  if (is_negative || word.starts_with('+')) word.remove_prefix(1);
  if (word.empty() || word.size() > kSizeMax || (word.size() > 1 && word.front() == '0')) return std::nullopt;
  if (word.front() == '_' || word.back() == '_' || word.find("__") != std::string_view::npos) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : word) {
    if (c == '_') continue;
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return is_negative ? -value : value;
}

class TomlReader {
 public:
  explicit TomlReader(TomlSubset subset) : subset_(subset) {}

  Result<TomlDocument> read(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      std::string_view line = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      if (end != std::string_view::npos && line.ends_with('\r')) line.remove_suffix(1);
      ++line_;
      if (const Status status = read_line(line); !status.ok()) return at_line(status.error().message());
    }
    if (list_) return at_line("the document ends inside a list");
    return std::move(document_);
  }

 private:
  Error at_line(std::string_view message) const {
    return refused("line " + std::to_string(line_) + ": " + std::string(message));
  }

  TomlTable& table() { return document_.tables.empty() ? document_.top : document_.tables.back(); }

  Status read_line(std::string_view line) {
    if (line.size() > kTomlLineSizeMax) return refused("longer than 4096 bytes: break the list into lines");
    for (std::size_t begin = 0; begin <= line.size();) {
      const std::size_t tab = std::min(line.find('\t', begin), line.size());
      if (!is_plain_utf8(line.substr(begin, tab - begin))) return refused("not UTF-8 text, or a control character");
      begin = tab + 1;
    }
    skip_blanks(line);
    if (list_) return read_list(line);
    if (is_over(line)) return {};
    return line.starts_with('[') ? read_header(line) : read_entry(line);
  }

  Status read_header(std::string_view line) {
    const bool is_double = line.starts_with("[[");
    line.remove_prefix(is_double ? 2 : 1);
    const std::string name(take_while(line, is_bare_key_character));
    const bool is_allowed = is_double || subset_ == TomlSubset::kSettings;
    if (!is_allowed || name.empty() || !line.starts_with(is_double ? "]]" : "]")) {
      return refused(subset_ == TomlSubset::kSettings ? "a header is one bare word in [brackets] or [[double brackets]]"
                                                      : "a header is one bare word in [[double brackets]]");
    }
    line.remove_prefix(is_double ? 2 : 1);
    skip_blanks(line);
    if (!is_over(line)) return refused("nothing but a comment can follow a header");
    if (document_.top.find(name) != nullptr) return refused("[[" + name + "]] has the name of a key");
    if (document_.tables.size() == kTomlTablesMax) return refused("more than 49152 tables");
    if (subset_ == TomlSubset::kSettings) CLOISTER_RETURN_IF_ERROR(check_once(name, is_double));
    document_.tables.push_back({name, line_, is_double, {}});
    return {};
  }

  // A [table] is there once, and not as a [[table]] too.
  Status check_once(const std::string& name, bool is_double) const {
    const auto found = std::ranges::find(document_.tables, name, &TomlTable::name);
    if (found == document_.tables.end() || (is_double && found->listed)) return {};
    return refused("a second " + name + ": the first is at line " + std::to_string(found->line));
  }

  Status read_entry(std::string_view line) {
    const std::string key(take_while(line, is_bare_key_character));
    if (key.empty()) return refused("a line is a key and its value, [[a header]] or a # comment");
    skip_blanks(line);
    if (!line.starts_with('=')) return refused("a key is one bare word, then =");
    line.remove_prefix(1);
    skip_blanks(line);
    if (table().find(key) != nullptr) return refused("a second " + key);
    if (table().entries.size() == kTomlEntriesMax) return refused("more than 32 keys in one table");
    table().entries.push_back({key, {}});
    TomlValue& value = table().entries.back().value;
    value.line = line_;
    if (line.starts_with('[')) {
      line.remove_prefix(1);
      value.kind = TomlValue::Kind::kList;
      list_ = true;
      wants_comma_ = false;
      return read_list(line);
    }
    CLOISTER_TRY(value, take_value(line));
    return expect_end(line);
  }

  // Of the list that the newest entry is, from somewhere in it on.
  Status read_list(std::string_view line) {
    std::vector<TomlValue>& values = table().entries.back().value.list;
    for (skip_blanks(line); !is_over(line); skip_blanks(line)) {
      if (line.starts_with(']')) {
        line.remove_prefix(1);
        list_ = false;
        return expect_end(line);
      }
      if (line.starts_with(',') != wants_comma_) {
        return refused(wants_comma_ ? "a comma is missing, or the list's ]" : "a comma without a value before it");
      }
      if (wants_comma_) {
        line.remove_prefix(1);
      } else {
        if (line.starts_with('[')) return refused("a list inside a list");
        if (values.size() == kTomlListMax) return refused("more than 256 values in a list");
        CLOISTER_TRY(TomlValue value, take_value(line));
        values.push_back(std::move(value));
      }
      wants_comma_ = !wants_comma_;
    }
    return {};
  }

  // Takes a value that isn't a list off `line`.
  Result<TomlValue> take_value(std::string_view& line) const {
    TomlValue value;
    value.line = line_;
    if (line.starts_with('"') || line.starts_with('\'')) {
      CLOISTER_TRY(value.text, take_string(line));
      return value;
    }
    if (line.starts_with('{')) return refused("inline tables aren't read here: write a [[table]]");
    const std::string_view word = take_while(line, is_word_character);
    if (const auto number = number_of(word)) {
      value.kind = TomlValue::Kind::kInteger;
      value.integer = *number;
      return value;
    }
    if (subset_ == TomlSubset::kSettings && (word == "true" || word == "false")) {
      value.kind = TomlValue::Kind::kBoolean;
      value.boolean = word == "true";
      return value;
    }
    const auto time = parse_rfc3339(word);
    if (!time.ok()) return refused("a value is text in quotes, a whole number, or a time like 2027-01-01T00:00:00Z");
    value.kind = TomlValue::Kind::kTime;
    value.time = *time;
    return value;
  }

  static Status expect_end(std::string_view rest) {
    skip_blanks(rest);
    if (is_over(rest)) return {};
    return refused("nothing but a comment can follow a value");
  }

  TomlSubset subset_;
  TomlDocument document_;
  std::uint32_t line_ = 0;
  bool list_ = false;         // inside a list
  bool wants_comma_ = false;  // what comes next in it
};

}  // namespace

const TomlValue* TomlTable::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &TomlEntry::key);
  return found == entries.end() ? nullptr : &found->value;
}

Result<TomlDocument> parse_toml(std::string_view text, TomlSubset subset) {
  if (text.size() > kTomlSizeMax) return Error(Code::kInvalid, "the document is larger than 8 MiB");
  return TomlReader(subset).read(text);
}

}  // namespace cloister
