#include "kms/aws/xml.h"

#include <algorithm>
#include <charconv>

namespace cloister::kms {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool is_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.' || c == ':';
  };
  return !text.empty() && std::ranges::all_of(text, fits);
}

void append_utf8(std::uint32_t code, WipedText& out) {
  const auto tail = [&out, code](int shift) { out += static_cast<char>(0x80 | (code >> shift & 0x3F)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

// "&#34;", "&#x22;" at the beginning of `text`: appended, and how long it was; 0 where it isn't one of a character.
std::size_t take_number(std::string_view text, WipedText& out) {
  static constexpr std::size_t kReferenceMax = 12;
  const std::size_t end = text.substr(0, kReferenceMax).find(';');
  if (!text.starts_with("&#") || end == std::string_view::npos) return 0;
  const bool hexadecimal = text.starts_with("&#x");
  const std::string_view digits = text.substr(hexadecimal ? 3 : 2, end - (hexadecimal ? 3 : 2));
  std::uint32_t code = 0;
  const auto [stop, problem] =
      std::from_chars(digits.data(), digits.data() + digits.size(), code, hexadecimal ? 16 : 10);
  const bool whole = problem == std::errc() && stop == digits.data() + digits.size();
  if (!whole || code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return 0;
  append_utf8(code, out);
  return end + 1;
}

Result<WipedText> unescape(std::string_view text) {
  static constexpr std::pair<std::string_view, char> kEntities[] = {
      {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
  WipedText plain;
  plain.reserve(text.size());
  while (!text.empty()) {
    if (text.front() != '&') {
      plain += text.front();
      text.remove_prefix(1);
      continue;
    }
    if (const std::size_t size = take_number(text, plain); size > 0) {
      text.remove_prefix(size);
      continue;
    }
    const auto* entity = std::ranges::find_if(kEntities, [text](const auto& e) { return text.starts_with(e.first); });
    if (entity == std::end(kEntities)) return Error(Code::kInvalid, "the XML has an entity that isn't known");
    plain += entity->second;
    text.remove_prefix(entity->first.size());
  }
  return plain;
}

class XmlReader {
 public:
  XmlReader(std::string_view document, const XmlLimits& limits) : rest_(document), limits_(limits) {}

  Result<std::vector<XmlText>> read() {
    skip_declaration();
    do {
      CLOISTER_RETURN_IF_ERROR(step());
    } while (!open_.empty());
    skip_spaces();
    if (!rest_.empty()) return bad("something behind its end");
    return std::move(texts_);
  }

 private:
  struct Open {
    std::string_view name;
    std::uint32_t number = 0;
    bool has_elements = false;
  };

  static Error bad(std::string_view what) { return Error(Code::kInvalid, "the XML has " + std::string(what)); }

  void skip_spaces() {
    while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
  }

  void skip_declaration() {
    skip_spaces();
    const std::size_t end = rest_.find("?>");
    if (rest_.starts_with("<?xml ") && end != std::string_view::npos) rest_.remove_prefix(end + 2);
  }

  // The text up to the next tag, and that tag.
  Status step() {
    const std::size_t tag = rest_.find('<');
    if (tag == std::string_view::npos) return bad("no end");
    const std::string_view text = rest_.substr(0, tag);
    rest_.remove_prefix(tag + 1);
    if (rest_.starts_with('/')) return close(text);
    if (!std::ranges::all_of(text, is_space)) return bad("text beside elements");
    return open();
  }

  Status open() {
    const std::size_t end = tag_end();
    if (end == std::string_view::npos) return bad("a tag without an end");
    std::string_view tag = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    const bool empty = tag.ends_with('/');
    if (empty) tag.remove_suffix(1);
    const std::string_view name = tag.substr(0, std::min(tag.find_first_of(" \t\r\n"), tag.size()));
    if (!is_name(name)) return bad("a tag that isn't an element's");
    if (open_.size() == limits_.depth || ++elements_ > limits_.elements) return bad("too many elements");
    if (!open_.empty()) open_.back().has_elements = true;
    open_.push_back({name, static_cast<std::uint32_t>(elements_)});
    return empty ? finish({}) : Status();
  }

  // Where the tag ends, minding that an attribute's value may hold a ">".
  std::size_t tag_end() const {
    char quote = 0;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '>') {
        return i;
      } else if (c == '<') {
        break;
      }
    }
    return std::string_view::npos;
  }

  Status close(std::string_view text) {
    const std::size_t end = rest_.find('>');
    if (end == std::string_view::npos || open_.empty()) return bad("an end tag out of place");
    std::string_view name = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    while (!name.empty() && is_space(name.back())) name.remove_suffix(1);
    if (name != open_.back().name) return bad("an end tag out of place");
    return finish(text);
  }

  Status finish(std::string_view text) {
    if (open_.back().has_elements) {
      if (!std::ranges::all_of(text, is_space)) return bad("text beside elements");
    } else {
      CLOISTER_TRY(WipedText plain, unescape(text));
      std::string path;
      for (const Open& element : open_) path += (path.empty() ? "" : "/") + std::string(element.name);
      std::vector<std::uint32_t> within;
      for (std::size_t i = 0; i + 1 < open_.size(); ++i) within.push_back(open_[i].number);
      texts_.push_back({std::move(path), std::move(plain), std::move(within)});
    }
    open_.pop_back();
    return {};
  }

  std::string_view rest_;
  const XmlLimits limits_;
  std::vector<Open> open_;
  std::size_t elements_ = 0;
  std::vector<XmlText> texts_;
};

}  // namespace

Result<std::vector<XmlText>> read_xml(std::string_view document, const XmlLimits& limits) {
  if (document.size() > limits.size) return Error(Code::kInvalid, "the XML is too long");
  return XmlReader(document, limits).read();
}

std::string_view find_text(const std::vector<XmlText>& texts, std::string_view path) {
  const auto found = std::ranges::find(texts, path, &XmlText::path);
  return found == texts.end() ? std::string_view() : view(found->text);
}

}  // namespace cloister::kms
