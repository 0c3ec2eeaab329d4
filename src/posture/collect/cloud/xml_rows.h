// Lists in the XML of AWS's services, row by row.
#pragma once

#include <map>

#include "kms/aws/xml.h"

namespace cloister::posture {

// Texts by their path below the row: {"volumeId": "vol-1", "attachmentSet/item/device": …}; of one that is there twice
// the first.
using XmlRow = std::map<std::string, std::string, std::less<>>;

// Of every element whose path is `path` ("ListBucketResult/Contents"), in the order of the document.
std::vector<XmlRow> xml_rows(const std::vector<kms::XmlText>& texts, std::string_view path);
// Empty when the row has none.
std::string_view text_in(const XmlRow& row, std::string_view name);

}  // namespace cloister::posture
