#include "model/name.h"

#include <charconv>
#include <string>

#include "base/reader.h"

namespace cloister::model {
namespace {

Result<std::uint64_t> parse_number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || failed != std::errc() || end != digits.data() + digits.size() ||
      (digits.size() > 1 && digits.front() == '0')) {
    return Error(Code::kCorrupt, "its range isn't two numbers");
  }
  return value;
}

}  // namespace

bool is_safe_name(std::string_view name) {
  if (name.empty() || name.size() > kNameSizeMax || !is_plain_utf8(name)) return false;
  if (name.find('\\') != std::string_view::npos) return false;
  while (true) {
    const std::size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

Result<ShardName> parse_shard_name(std::string_view name) {
  const std::size_t second = name.rfind(':');
  const std::size_t first = second == std::string_view::npos || second == 0 ? second : name.rfind(':', second - 1);
  if (first == std::string_view::npos || first == second) return Error(Code::kCorrupt, "it names no range");
  CLOISTER_TRY(const std::uint64_t start, parse_number(name.substr(first + 1, second - first - 1)));
  CLOISTER_TRY(const std::uint64_t end, parse_number(name.substr(second + 1)));
  if (start >= end) return Error(Code::kCorrupt, "its range is empty");
  return ShardName{name.substr(0, first), start, end};
}

bool is_below(std::string_view name, std::string_view excluded) {
  return name == excluded ||
         (name.size() > excluded.size() && name.starts_with(excluded) && name[excluded.size()] == '/');
}

}  // namespace cloister::model
