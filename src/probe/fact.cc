// Facts, kept in order.
#include "probe/fact.h"

#include <algorithm>
#include <iterator>

namespace cloister::probe {
namespace {

// Text of a peer becomes harmless: it may be shown on a terminal.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  }
  return text;
}

}  // namespace

std::string_view name_of(Seen seen) {
  switch (seen) {
    case Seen::kYes: return "yes";
    case Seen::kNo: return "no";
    case Seen::kNotApplicable: return "not-applicable";
    case Seen::kUnknown: break;
  }
  return "unknown";
}

void Facts::add(std::string check, std::string subject, Seen seen, std::string detail) {
  all_.push_back({std::move(check), printable(std::move(subject)), seen, printable(std::move(detail))});
}

const Fact* Facts::find(std::string_view check, std::string_view subject) const {
  const auto found =
      std::ranges::find_if(all_, [&](const Fact& fact) { return fact.check == check && fact.subject == subject; });
  return found == all_.end() ? nullptr : &*found;
}

Seen Facts::seen(std::string_view check, std::string_view subject) const {
  const Fact* fact = find(check, subject);
  return fact == nullptr ? Seen::kUnknown : fact->seen;
}

void Facts::append(Facts other) { std::ranges::move(other.all_, std::back_inserter(all_)); }

}  // namespace cloister::probe
