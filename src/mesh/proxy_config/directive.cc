#include "mesh/proxy_config/directive.h"

#include <algorithm>

#include "base/error.h"

namespace cloister::mesh {
namespace {

constexpr std::size_t kBlocksMax = 32;
constexpr std::string_view kBlanks = " \t\r";

Error at_line(std::uint32_t line, const std::string& message) {
  return Error(Code::kInvalid, "line " + std::to_string(line) + ": " + message);
}

Status expect_text(std::string_view text) {
  if (text.size() > kProxyConfigSizeMax) {
    return Error(Code::kInvalid,
                 std::to_string(text.size()) + " bytes, at most " + std::to_string(kProxyConfigSizeMax) + " are read");
  }
  if (text.find('\0') != std::string_view::npos) return Error(Code::kInvalid, "a zero byte: not text");
  return ok_status();
}

std::string_view next_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return line;
}

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(kBlanks) - first + 1));
}

// One line of HAProxy: blanks part words, '…' is as it is, "…" may have backslashes, # begins a comment.
Result<std::vector<std::string>> haproxy_words(std::string_view line, std::uint32_t number) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\\' && quote != '\'' && i + 1 < line.size()) {
      word.push_back(line[++i]);
      in_word = true;
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
      in_word = true;
    } else if (quote == 0 && c == '#') {
      break;
    } else if (quote == 0 && kBlanks.find(c) != std::string_view::npos) {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
    } else {
      word.push_back(c);
      in_word = true;
    }
  }
  if (quote != 0) return at_line(number, "a quote that doesn't end");
  if (in_word) words.push_back(std::move(word));
  return words;
}

bool is_haproxy_section(std::string_view word) {
  constexpr std::string_view kSections[] = {"global",      "defaults",    "frontend", "backend",   "listen",  "peers",
                                            "resolvers",   "userlist",    "mailers",  "cache",     "program", "ring",
                                            "http-errors", "log-forward", "fcgi-app", "crt-store", "traces"};
  return std::ranges::find(kSections, word) != std::end(kSections);
}

class NginxReader {
 public:
  explicit NginxReader(std::string_view text) : text_(text) {}

  Result<std::vector<Directive>> read() {
    std::vector<std::vector<Directive>> open(1);  // the blocks we are in, the outermost first
    std::vector<Directive> owners;
    Directive current;
    while (true) {
      CLOISTER_TRY(const Token token, next());
      if (token.kind == '\0') break;
      if (token.kind == 'w') {
        if (current.words.empty()) current.line = token.line;
        current.words.push_back(token.text);
      } else if (token.kind == '}') {
        if (open.size() == 1 || !current.words.empty()) return at_line(token.line, "a } that doesn't belong there");
        owners.back().block = std::move(open.back());
        open.pop_back();
        open.back().push_back(std::move(owners.back()));
        owners.pop_back();
      } else if (current.words.empty()) {
        return at_line(token.line, "nothing stands before " + std::string(1, token.kind));
      } else if (++count_ > kDirectivesMax) {
        return at_line(token.line, "too many directives");
      } else if (token.kind == ';') {
        open.back().push_back(std::move(current));
        current = {};
      } else {
        if (open.size() > kBlocksMax) return at_line(token.line, "nested too deeply");
        owners.push_back(std::move(current));
        current = {};
        open.emplace_back();
      }
    }
    if (open.size() != 1) return at_line(line_, "a block that doesn't end");
    if (!current.words.empty()) return at_line(current.line, "a directive without its semicolon");
    return std::move(open.front());
  }

 private:
  struct Token {
    char kind;  // 'w' a word, '{', '}', ';', or 0 at the end
    std::uint32_t line;
    std::string text;
  };

  void pass_blanks() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') {
        ++line_;
      } else if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
        continue;
      } else if (kBlanks.find(c) == std::string_view::npos) {
        return;
      }
      ++at_;
    }
  }

  Result<Token> next() {
    pass_blanks();
    if (at_ == text_.size()) return Token{'\0', line_, ""};
    const char c = text_[at_];
    if (c == '{' || c == '}' || c == ';') {
      ++at_;
      return Token{c, line_, ""};
    }
    return c == '"' || c == '\'' ? quoted_word(c) : plain_word();
  }

  Result<Token> quoted_word(char quote) {
    Token token{'w', line_, ""};
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == quote) {
        ++at_;
        return token;
      }
      if (c == '\n') ++line_;
      if (c == '\\' && at_ + 1 < text_.size()) {
        token.text.push_back(text_[++at_]);
      } else {
        token.text.push_back(c);
      }
    }
    return at_line(token.line, "a quote that doesn't end");
  }

  // A ${variable} is part of its word.
  Result<Token> plain_word() {
    Token token{'w', line_, ""};
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool variable = c == '{' && token.text.ends_with('$');
      if (!variable && std::string_view(" \t\r\n;{").find(c) != std::string_view::npos) break;
      if (variable) {
        const std::size_t end = text_.find('}', at_);
        if (end == std::string_view::npos) return at_line(line_, "a variable that doesn't end");
        token.text.append(text_.substr(at_, end + 1 - at_));
        at_ = end + 1;
        continue;
      }
      token.text.push_back(c);
      ++at_;
    }
    return token;
  }

  std::string_view text_;
  std::size_t at_ = 0, count_ = 0;
  std::uint32_t line_ = 1;
};

}  // namespace

bool Directive::has(std::string_view word) const { return std::ranges::find(words, word) != words.end(); }

std::string_view Directive::after(std::string_view word) const {
  const auto found = std::ranges::find(words, word);
  if (found == words.end() || std::next(found) == words.end()) return {};
  return *std::next(found);
}

Result<std::vector<Directive>> parse_haproxy(std::string_view text) {
  CLOISTER_RETURN_IF_ERROR(expect_text(text));
  std::vector<Directive> sections;
  std::uint32_t number = 0;
  std::size_t count = 0;
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    CLOISTER_TRY(std::vector<std::string> words, haproxy_words(line, ++number));
    if (words.empty()) continue;
    if (++count > kDirectivesMax) return at_line(number, "too many lines");
    const bool begins = is_haproxy_section(words.front());
    if (!begins && sections.empty()) return at_line(number, "a line before the first section");
    std::vector<Directive>& into = begins ? sections : sections.back().block;
    into.push_back({number, std::move(words), {}});
  }
  if (sections.empty()) return Error(Code::kInvalid, "it has no section of HAProxy");
  return sections;
}

Result<std::vector<Directive>> parse_nginx(std::string_view text) {
  CLOISTER_RETURN_IF_ERROR(expect_text(text));
  return NginxReader(text).read();
}

Result<std::vector<Directive>> parse_stunnel(std::string_view text) {
  CLOISTER_RETURN_IF_ERROR(expect_text(text));
  std::vector<Directive> sections{{1, {""}, {}}};
  std::uint32_t number = 0;
  std::size_t count = 0;
  while (!text.empty()) {
    const std::string line = trimmed(next_line(text));
    ++number;
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (++count > kDirectivesMax) return at_line(number, "too many lines");
    if (line.front() == '[') {
      if (line.back() != ']') return at_line(number, "a section that doesn't end");
      sections.push_back({number, {line.substr(1, line.size() - 2)}, {}});
      continue;
    }
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos || equals == 0) return at_line(number, "not of the form name = value");
    sections.back().block.push_back(
        {number,
         {trimmed(std::string_view(line).substr(0, equals)), trimmed(std::string_view(line).substr(equals + 1))},
         {}});
  }
  return sections;
}

}  // namespace cloister::mesh
