// Words of a report.
#include "posture/posture.h"

namespace cloister::posture {

std::string_view name_of(Change change) {
  switch (change) {
    case Change::kNew: return "new";
    case Change::kFixed: return "fixed";
    case Change::kRegressed: return "regressed";
    case Change::kUnchanged: return "unchanged";
    case Change::kLostCoverage: return "lost-coverage";
  }
  return "?";
}

}  // namespace cloister::posture
