// Verdicts by name.
#include "posture/collect/content/verdict.h"

#include <array>

namespace cloister::posture::content {

std::string_view name_of(Verdict verdict) {
  static constexpr std::array<std::string_view, kVerdictCount> kNames = {
      "sealed", "encrypted", "plaintext", "plaintext_unknown_type", "compressed", "high_entropy_unknown",
      "empty",  "unreadable"};
  return kNames[static_cast<std::size_t>(verdict)];
}

}  // namespace cloister::posture::content
