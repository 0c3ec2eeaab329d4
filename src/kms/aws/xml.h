// The little of XML that AWS's query services and S3 answer with: elements, their text, the five entities and
// characters by number. Everything else of XML (document types, CDATA, processing instructions, comments) is refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kms/wiped_json.h"

namespace cloister::kms {

// An element without elements in it.
struct XmlText {
  std::string path;  // names from the root down: "ErrorResponse/Error/Code"
  WipedText text;
  // Which element it is directly in, and which ones that one is in, outermost first: elements of a list have the same
  // path, and differ by these.
  std::vector<std::uint32_t> within;
};

struct XmlLimits {
  std::size_t size = 64 * 1024;
  std::size_t depth = 16;
  std::size_t elements = 1024;
};

// In the order of the document. kInvalid for what isn't well-formed, for what is over the limits, and for text beside
// elements.
Result<std::vector<XmlText>> read_xml(std::string_view document, const XmlLimits& limits = {});
// Empty when there is none of that path.
std::string_view find_text(const std::vector<XmlText>& texts, std::string_view path);

}  // namespace cloister::kms
