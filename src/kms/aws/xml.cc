#include "kms/aws/xml.h"

#include <algorithm>

namespace cloister::kms {
namespace {

constexpr std::size_t kDocumentMax = 64 * 1024;
constexpr std::size_t kDepthMax = 16;
constexpr std::size_t kElementsMax = 1024;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool is_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.' || c == ':';
  };
  return !text.empty() && std::ranges::all_of(text, fits);
}

// ASCII alone: nothing that we read has more.
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
    const auto* entity = std::ranges::find_if(kEntities, [text](const auto& e) { return text.starts_with(e.first); });
    if (entity == std::end(kEntities)) return Error(Code::kInvalid, "the XML has an entity beside the five");
    plain += entity->second;
    text.remove_prefix(entity->first.size());
  }
  return plain;
}

class XmlReader {
 public:
  explicit XmlReader(std::string_view document) : rest_(document) {}

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
    if (open_.size() == kDepthMax || ++elements_ > kElementsMax) return bad("too many elements");
    if (!open_.empty()) open_.back().has_elements = true;
    open_.push_back({name});
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
      texts_.push_back({std::move(path), std::move(plain)});
    }
    open_.pop_back();
    return {};
  }

  std::string_view rest_;
  std::vector<Open> open_;
  std::size_t elements_ = 0;
  std::vector<XmlText> texts_;
};

}  // namespace

Result<std::vector<XmlText>> read_xml(std::string_view document) {
  if (document.size() > kDocumentMax) return Error(Code::kInvalid, "the XML is too long");
  return XmlReader(document).read();
}

std::string_view find_text(const std::vector<XmlText>& texts, std::string_view path) {
  const auto found = std::ranges::find(texts, path, &XmlText::path);
  return found == texts.end() ? std::string_view() : view(found->text);
}

}  // namespace cloister::kms
