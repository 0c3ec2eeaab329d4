// Signed facts of people.
#include "posture/evidence/record.h"

namespace cloister::posture {

bool is_of_people(const Fact& fact) {
  return fact.kind == "record" || fact.kind == "assessment.workload" || fact.kind == "pilot";
}

std::string record_text(const Fact& fact) {
  Fact bare = fact;
  bare.raw.clear();
  return "cloister posture record v1\nfact " + bare.id() + "\n";
}

cloister::Status verify_record(const Fact& fact, std::span<const audit::VerifierKey> keys) {
  CLOISTER_TRY(const audit::SignedNote note, audit::parse_note(fact.raw).with_context("a record"));
  CLOISTER_TRY([[maybe_unused]] const auto signatures, audit::verify_note(note, keys).with_context("a record"));
  if (note.text != record_text(fact)) return Error(Code::kCorrupt, "a record isn't what was signed");
  return {};
}

}  // namespace cloister::posture
