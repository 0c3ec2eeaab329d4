#include "attest/nvidia/xml.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

namespace cloister::attest::nvidia {
namespace {

constexpr std::string_view kXmlns = "xmlns";
constexpr std::string_view kSpace = " \t\n\r";
constexpr std::size_t kNameSizeMax = 128;

Error wrong(std::string what) { return Error(Code::kInvalid, "the XML " + std::move(what)); }

bool is_space(char c) { return kSpace.find(c) != std::string_view::npos; }

bool is_name_start(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }

bool is_name(char c) { return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.'; }

// XML 1.0 2.2.
bool is_character(std::uint32_t code) {
  return code == 0x9 || code == 0xA || code == 0xD || (code >= 0x20 && code <= 0xD7FF) ||
         (code >= 0xE000 && code <= 0xFFFD) || (code >= 0x10000 && code <= 0x10FFFF);
}

void append_utf8(std::string& text, std::uint32_t code) {
  const auto put = [&text](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xE0 | code >> 12);
    } else {
      put(0xF0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3F));
    }
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

// The character that starts there and how long it is; nothing unless it is well-formed and one of XML's.
std::optional<std::size_t> character_size(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  const std::size_t size = first < 0x80                    ? 1
                           : first >= 0xC2 && first < 0xE0 ? 2
                           : first >= 0xE0 && first < 0xF0 ? 3
                           : first >= 0xF0 && first < 0xF5 ? 4
                                                           : 0;
  if (size == 0 || text.size() < size) return std::nullopt;
  std::uint32_t code = size == 1 ? first : first & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return std::nullopt;
    code = code << 6 | (byte(i) & 0x3F);
  }
  const bool shortest = size < 3 || (size == 3 ? code >= 0x800 : code >= 0x10000);
  if (!shortest || !is_character(code)) return std::nullopt;
  return size;
}

// XML 1.0 2.11: every line ends with a line feed.
Result<std::string> with_line_feeds(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto size = character_size(text.substr(at));
    if (!size) return wrong("isn't UTF-8 text");
    if (text[at] == '\r') {
      out.push_back('\n');
      at += text.substr(at, 2) == "\r\n" ? 2 : 1;
      continue;
    }
    out += text.substr(at, *size);
    at += *size;
  }
  return out;
}

struct RawAttribute {
  std::string name, value;
};

// Which namespace each prefix stands for; the empty one is the default.
using Prefixes = std::map<std::string, std::string, std::less<>>;

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  Result<std::unique_ptr<XmlElement>> document();

 private:
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size())); }
  bool take(std::string_view token);
  Result<std::string> name();
  Status reference(std::string& text);
  Result<std::string> attribute_value();
  Result<std::vector<RawAttribute>> raw_attributes();
  Result<std::unique_ptr<XmlElement>> element(const XmlElement* parent, const Prefixes& outer, unsigned depth);
  Status children(XmlElement& element, const Prefixes& scope, unsigned depth);

  std::string_view rest_;
  std::size_t elements_ = 0;
};

bool Parser::take(std::string_view token) {
  if (!rest_.starts_with(token)) return false;
  rest_.remove_prefix(token.size());
  return true;
}

// At most one colon, and something on both sides of it.
Result<std::string> Parser::name() {
  std::size_t size = 0;
  bool start = true, colon = false;
  while (size < rest_.size()) {
    const char c = rest_[size];
    if (c == ':' && !start && !colon) {
      colon = start = true;
    } else if (start ? is_name_start(c) : is_name(c)) {
      start = false;
    } else {
      break;
    }
    ++size;
  }
  if (start || size > kNameSizeMax) return wrong("has a name that isn't read here");
  std::string name(rest_.substr(0, size));
  rest_.remove_prefix(size);
  return name;
}

Status Parser::reference(std::string& text) {
  const std::size_t end = rest_.substr(0, 12).find(';');
  if (end == std::string_view::npos) return wrong("has a reference without an end");
  const std::string_view body = rest_.substr(1, end - 1);
  rest_.remove_prefix(end + 1);
  static constexpr std::pair<std::string_view, char> kKnown[] = {
      {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
  for (const auto& [entity, character] : kKnown) {
    if (body != entity) continue;
    text.push_back(character);
    return {};
  }
  const bool hexadecimal = body.starts_with("#x");
  const std::string_view digits = body.substr(std::min<std::size_t>(hexadecimal ? 2 : 1, body.size()));
  if (!body.starts_with("#") || digits.empty()) return wrong("uses an entity");
  std::uint32_t code = 0;
  for (const char c : digits) {
    const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
    const bool decimal = c >= '0' && c <= '9';
    if (!decimal && !(hexadecimal && lower >= 'a' && lower <= 'f')) return wrong("has a malformed reference");
    code = code * (hexadecimal ? 16 : 10) + static_cast<std::uint32_t>(decimal ? c - '0' : lower - 'a' + 10);
    if (code > 0x10FFFF) return wrong("has a reference to no character");
  }
  if (!is_character(code)) return wrong("has a reference to no character");
  append_utf8(text, code);
  return {};
}

// XML 1.0 3.3.3: white space as it stands becomes blanks, referenced white space stays.
Result<std::string> Parser::attribute_value() {
  if (rest_.empty() || (rest_[0] != '"' && rest_[0] != '\'')) return wrong("has an attribute without a value");
  const char quote = rest_[0];
  rest_.remove_prefix(1);
  std::string value;
  while (!rest_.empty() && rest_[0] != quote) {
    if (rest_[0] == '<') return wrong("has a tag in an attribute");
    if (rest_[0] == '&') {
      CLOISTER_RETURN_IF_ERROR(reference(value));
      continue;
    }
    value.push_back(is_space(rest_[0]) ? ' ' : rest_[0]);
    rest_.remove_prefix(1);
  }
  if (rest_.empty()) return wrong("ends in an attribute");
  rest_.remove_prefix(1);
  return value;
}

Result<std::vector<RawAttribute>> Parser::raw_attributes() {
  std::vector<RawAttribute> attributes;
  while (true) {
    const bool spaced = !rest_.empty() && is_space(rest_[0]);
    skip_space();
    if (rest_.empty() || rest_[0] == '>' || rest_[0] == '/') return attributes;
    if (!spaced || attributes.size() == kXmlAttributesMax) return wrong("has attributes without a gap, or too many");
    RawAttribute attribute;
    CLOISTER_TRY(attribute.name, name());
    skip_space();
    if (!take("=")) return wrong("has an attribute without a value");
    skip_space();
    CLOISTER_TRY(attribute.value, attribute_value());
    const auto same = [&attribute](const RawAttribute& other) { return other.name == attribute.name; };
    if (std::ranges::any_of(attributes, same)) return wrong("has an attribute twice");
    attributes.push_back(std::move(attribute));
  }
}

struct SplitName {
  std::string_view prefix, local;
};

SplitName split(std::string_view name) {
  const std::size_t colon = name.find(':');
  if (colon == std::string_view::npos) return {{}, name};
  return {name.substr(0, colon), name.substr(colon + 1)};
}

Status declare(const RawAttribute& attribute, XmlElement& element, Prefixes& scope) {
  const SplitName name = split(attribute.name);
  const std::string prefix(name.prefix.empty() ? std::string_view() : name.local);
  if (prefix.starts_with("xml") || attribute.value.empty() || attribute.value.starts_with("http://www.w3.org/XML/") ||
      attribute.value.starts_with("http://www.w3.org/2000/xmlns")) {
    return wrong("declares a namespace that can't be");
  }
  if (attribute.value.size() > kXmlNamespaceSizeMax) return wrong("declares a namespace that is too long");
  element.namespaces.push_back({prefix, attribute.value});
  scope.insert_or_assign(prefix, attribute.value);
  return {};
}

Result<std::string> namespace_of(std::string_view prefix, const Prefixes& scope) {
  const auto found = scope.find(prefix);
  if (found != scope.end()) return found->second;
  if (prefix.empty()) return std::string();
  return wrong("uses a prefix that isn't declared");
}

Status resolve(std::vector<RawAttribute> raw, XmlElement& element, Prefixes& scope) {
  const auto declares = [](const RawAttribute& attribute) {
    return attribute.name == kXmlns || split(attribute.name).prefix == kXmlns;
  };
  for (const RawAttribute& attribute : raw) {
    if (declares(attribute)) CLOISTER_RETURN_IF_ERROR(declare(attribute, element, scope));
  }
  const SplitName own = split(element.name);
  CLOISTER_TRY(element.uri, namespace_of(own.prefix, scope));
  element.local_name = own.local;
  for (RawAttribute& attribute : raw) {
    if (declares(attribute)) continue;
    const SplitName name = split(attribute.name);
    std::string uri;
    if (!name.prefix.empty()) {
      CLOISTER_TRY(uri, namespace_of(name.prefix, scope));
    }
    if (element.attribute(uri, name.local) != nullptr) return wrong("has an attribute twice");
    std::string local(name.local);
    element.attributes.push_back(
        {std::move(attribute.name), std::move(uri), std::move(local), std::move(attribute.value)});
  }
  return {};
}

Status Parser::children(XmlElement& element, const Prefixes& scope, unsigned depth) {
  std::string text;
  const auto end_text = [&] {
    if (!text.empty()) element.children.emplace_back(std::exchange(text, {}));
  };
  while (!rest_.empty()) {
    if (rest_.starts_with("</")) {
      end_text();
      return {};
    }
    if (rest_[0] == '<') {
      end_text();
      CLOISTER_TRY(auto child, this->element(&element, scope, depth + 1));
      element.children.emplace_back(std::move(child));
    } else if (rest_[0] == '&') {
      CLOISTER_RETURN_IF_ERROR(reference(text));
    } else {
      if (rest_.starts_with("]]>")) return wrong("has the end of a CDATA section in its text");
      text.push_back(rest_[0]);
      rest_.remove_prefix(1);
    }
  }
  return wrong("ends inside an element");
}

Result<std::unique_ptr<XmlElement>> Parser::element(const XmlElement* parent, const Prefixes& outer, unsigned depth) {
  if (depth > kXmlDepthMax || ++elements_ > kXmlElementsMax) return wrong("is too deep or too long");
  if (!take("<")) return wrong("has no element where one must be");
  if (rest_.starts_with("!") || rest_.starts_with("?")) {
    return wrong("has a declaration, a comment or an instruction, which aren't read");
  }
  auto element = std::make_unique<XmlElement>();
  element->parent = parent;
  CLOISTER_TRY(element->name, name());
  CLOISTER_TRY(std::vector<RawAttribute> attributes, raw_attributes());
  Prefixes scope = outer;
  CLOISTER_RETURN_IF_ERROR(resolve(std::move(attributes), *element, scope));
  if (take("/>")) return element;
  if (!take(">")) return wrong("has a tag without an end");
  CLOISTER_RETURN_IF_ERROR(children(*element, scope, depth));
  if (!take("</") || !take(element->name)) return wrong("has an element that ends as another");
  skip_space();
  if (!take(">")) return wrong("has an end tag without an end");
  return element;
}

Result<std::unique_ptr<XmlElement>> Parser::document() {
  for (const std::string_view declaration :
       {R"(<?xml version="1.0"?>)", R"(<?xml version="1.0" encoding="UTF-8"?>)",
        R"(<?xml version="1.0" encoding="utf-8"?>)", R"(<?xml version='1.0' encoding='UTF-8'?>)",
        R"(<?xml version='1.0' encoding='utf-8'?>)"}) {
    if (take(declaration)) break;
  }
  skip_space();
  CLOISTER_TRY(auto root, element(nullptr, Prefixes{}, 1));
  skip_space();
  if (!rest_.empty()) return wrong("goes on behind its end");
  return root;
}

void escape(std::string_view text, bool attribute, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '\r': out += "&#xD;"; break;
      case '>': out += attribute ? ">" : "&gt;"; break;
      case '"': out += attribute ? "&quot;" : "\""; break;
      case '\t': out += attribute ? "&#x9;" : "\t"; break;
      case '\n': out += attribute ? "&#xA;" : "\n"; break;
      default: out.push_back(c);
    }
  }
}

// What is in force inside `element`.
Prefixes prefixes_of(const XmlElement& element) {
  Prefixes prefixes = element.parent == nullptr ? Prefixes() : prefixes_of(*element.parent);
  for (const XmlNamespace& one : element.namespaces) prefixes.insert_or_assign(one.prefix, one.uri);
  return prefixes;
}

// Canonical XML 1.1 2.3: namespaces by prefix, attributes by URI and name.
void write_attributes(const XmlElement& element, const Prefixes& namespaces, std::string& out) {
  for (const auto& [prefix, uri] : namespaces) {
    out += prefix.empty() ? " xmlns=\"" : " xmlns:" + prefix + "=\"";
    escape(uri, true, out);
    out += '"';
  }
  std::vector<const XmlAttribute*> sorted;
  for (const XmlAttribute& attribute : element.attributes) sorted.push_back(&attribute);
  std::ranges::sort(sorted, [](const XmlAttribute* a, const XmlAttribute* b) {
    return std::tie(a->uri, a->local_name) < std::tie(b->uri, b->local_name);
  });
  for (const XmlAttribute* attribute : sorted) {
    out += " " + attribute->name + "=\"";
    escape(attribute->value, true, out);
    out += '"';
  }
}

class CanonicalWriter {
 public:
  explicit CanonicalWriter(const XmlElement* without) : without_(without) {}

  // Declares `shown`; `inside` is what the elements written so far and this one have declared.
  void write(const XmlElement& element, const Prefixes& shown, const Prefixes& inside) {
    out_ += "<" + element.name;
    write_attributes(element, shown, out_);
    out_ += '>';
    for (const XmlNode& child : element.children) {
      if (const auto* text = std::get_if<std::string>(&child)) {
        escape(*text, false, out_);
      } else {
        write_child(*std::get<std::unique_ptr<XmlElement>>(child), inside);
      }
    }
    out_ += "</" + element.name + ">";
  }
  std::string take() { return std::move(out_); }

 private:
  void write_child(const XmlElement& element, const Prefixes& around) {
    if (&element == without_) return;
    Prefixes shown, inside = around;
    for (const XmlNamespace& one : element.namespaces) {
      const auto known = around.find(one.prefix);
      if (known != around.end() && known->second == one.uri) continue;
      shown.insert_or_assign(one.prefix, one.uri);
      inside.insert_or_assign(one.prefix, one.uri);
    }
    write(element, shown, inside);
  }

  const XmlElement* without_;
  std::string out_;
};

}  // namespace

const std::string* XmlElement::attribute(std::string_view namespace_uri, std::string_view local) const {
  const auto is_it = [&](const XmlAttribute& one) { return one.uri == namespace_uri && one.local_name == local; };
  const auto found = std::ranges::find_if(attributes, is_it);
  return found == attributes.end() ? nullptr : &found->value;
}

std::vector<const XmlElement*> XmlElement::elements() const {
  std::vector<const XmlElement*> found;
  for (const XmlNode& child : children) {
    if (const auto* element = std::get_if<std::unique_ptr<XmlElement>>(&child)) found.push_back(element->get());
  }
  return found;
}

bool XmlElement::only_elements() const {
  return std::ranges::all_of(children, [](const XmlNode& child) {
    const auto* text = std::get_if<std::string>(&child);
    return text == nullptr || text->find_first_not_of(kSpace) == std::string::npos;
  });
}

std::string XmlElement::text() const {
  if (children.size() != 1) return {};
  const auto* text = std::get_if<std::string>(&children.front());
  return text == nullptr ? std::string() : *text;
}

Result<std::unique_ptr<XmlElement>> parse_xml(ByteView bytes) {
  if (bytes.size() > kXmlSizeMax) return wrong("is too large");
  CLOISTER_TRY(const std::string text, with_line_feeds(as_text(bytes)));
  return Parser(text).document();
}

std::string canonical_xml(const XmlElement& element, const XmlElement* without) {
  // Nothing around it is written, so it declares all that is in force.
  const Prefixes all = prefixes_of(element);
  CanonicalWriter writer(without);
  writer.write(element, all, all);
  return writer.take();
}

}  // namespace cloister::attest::nvidia
