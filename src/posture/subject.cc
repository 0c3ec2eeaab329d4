// Kinds of subjects by name.
#include "posture/subject.h"

#include <array>

namespace cloister::posture {
namespace {

constexpr std::array<std::string_view, 11> kNames = {"platform", "location", "object", "key",  "tenant", "workload",
                                                     "endpoint", "edge",     "model",  "host", "site"};

}  // namespace

std::string_view name_of(SubjectKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

Result<SubjectKind> parse_subject_kind(std::string_view text) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == text) return static_cast<SubjectKind>(i);
  }
  return Error(Code::kInvalid, "there is no kind of subject of that name");
}

std::string Subject::text() const {
  std::string out(name_of(kind));
  if (!id.empty()) out += ":" + id;
  return out;
}

}  // namespace cloister::posture
