// The part of XML 1.0 that reference integrity manifests are written in, and its canonical form (Canonical XML 1.1,
// without comments): UTF-8 elements, attributes, namespaces and text. Document types, entities of one's own, comments,
// processing instructions and CDATA are refused, so nothing can be declared, fetched or hidden. Why this isn't libxml2:
// docs/decisions/xml-of-rims.md.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"

namespace cloister::attest::nvidia {

inline constexpr std::size_t kXmlSizeMax = 1 << 20;
inline constexpr std::size_t kXmlElementsMax = 4096;
inline constexpr std::size_t kXmlAttributesMax = 64;  // of one element, namespaces among them
inline constexpr unsigned kXmlDepthMax = 16;
inline constexpr std::size_t kXmlNamespaceSizeMax = 256;  // every element and attribute in it has a copy

struct XmlAttribute {
  std::string name;             // as written, with its prefix
  std::string uri, local_name;  // no URI for a name without prefix
  std::string value;
};

struct XmlNamespace {
  std::string prefix;  // empty: the default
  std::string uri;
};

struct XmlElement;
using XmlNode = std::variant<std::string, std::unique_ptr<XmlElement>>;

struct XmlElement {
  std::string name;
  std::string uri, local_name;
  std::vector<XmlNamespace> namespaces;  // declared here
  std::vector<XmlAttribute> attributes;
  std::vector<XmlNode> children;
  const XmlElement* parent = nullptr;

  bool is(std::string_view namespace_uri, std::string_view local) const {
    return uri == namespace_uri && local_name == local;
  }
  // Null when there is none; `namespace_uri` empty for a name without prefix.
  const std::string* attribute(std::string_view namespace_uri, std::string_view local) const;
  std::vector<const XmlElement*> elements() const;
  // Whether there is nothing but white space between the elements.
  bool only_elements() const;
  // All of its text; empty when there are elements in it.
  std::string text() const;
};

// Exactly one document. kInvalid for anything that isn't well-formed, is outside the part above or the limits.
Result<std::unique_ptr<XmlElement>> parse_xml(ByteView bytes);

// The canonical form of that element and everything in it but `without`, which may be null. Namespaces that are in
// force around it are part of it.
std::string canonical_xml(const XmlElement& element, const XmlElement* without);

}  // namespace cloister::attest::nvidia
