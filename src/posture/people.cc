// Names compared the way a reader would: without case, without blanks.
#include "posture/people.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string plain(std::string_view name) {
  std::string out;
  for (const char character : name) {
    if (kBlanks.find(character) != std::string_view::npos) continue;
    out += character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character;
  }
  return out;
}

}  // namespace

bool is_blank(std::string_view text) { return text.find_first_not_of(kBlanks) == std::string_view::npos; }

std::string problem_of_people(std::string_view owner, std::string_view approver) {
  if (is_blank(owner)) return "it has no owner";
  if (is_blank(approver)) return "it has no approver";
  if (plain(owner) == plain(approver)) return "its owner approved it";
  return "";
}

}  // namespace cloister::posture
