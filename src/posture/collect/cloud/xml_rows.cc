#include "posture/collect/cloud/xml_rows.h"

#include <algorithm>

namespace cloister::posture {

std::vector<XmlRow> xml_rows(const std::vector<kms::XmlText>& texts, std::string_view path) {
  const std::string prefix = std::string(path) + "/";
  const auto depth = static_cast<std::size_t>(std::ranges::count(path, '/'));
  std::vector<XmlRow> rows;
  std::uint32_t current = 0;  // the number of the row's element: none has 0
  for (const kms::XmlText& text : texts) {
    if (!text.path.starts_with(prefix)) continue;
    const std::uint32_t number = text.within[depth];
    if (number != current) rows.emplace_back();
    current = number;
    rows.back().try_emplace(text.path.substr(prefix.size()), kms::view(text.text));
  }
  return rows;
}

std::string_view text_in(const XmlRow& row, std::string_view name) {
  const auto found = row.find(name);
  return found == row.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace cloister::posture
