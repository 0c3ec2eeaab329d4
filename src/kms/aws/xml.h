// The little of XML that AWS's query services answer with: elements, their text, the five entities. Everything else of
// XML (document types, CDATA, processing instructions, comments) is refused.
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
};

// In the order of the document. kInvalid for what isn't well-formed, for more than 64 KiB, 16 levels or 1024 elements,
// and for text beside elements.
Result<std::vector<XmlText>> read_xml(std::string_view document);
// Empty when there is none of that path.
std::string_view find_text(const std::vector<XmlText>& texts, std::string_view path);

}  // namespace cloister::kms
