// INV: everything that is there is declared, everything declared is there, and each has someone who answers for it.
#include <array>

#include "posture/judge/judge.h"
#include "posture/subjects.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kRegister =
    "declare it in the estate, with owner, environment and sensitivity, or remove it";

std::string missing_label(const Fact& fact) {
  const bool key = fact.subject.kind == SubjectKind::kKey;
  if (fact.subject.kind == SubjectKind::kEdge) return "";
  for (const std::string_view name : {"owner", "environment", "sensitivity"}) {
    if (key && name != "owner") continue;
    const std::string* value = fact.text(name);
    if (value == nullptr || value->empty()) return std::string(name);
  }
  return "";
}

Finding look_at_entry(const Fact& fact) {
  const auto declared = fact.truth("declared");
  const auto observed = fact.truth("observed");
  if (!declared || !observed)
    return {Status::kNotAssessed, "the fact doesn't say whether it is declared and was seen", ""};
  if (!*declared) return {Status::kFail, "it was seen, and nobody declared it", std::string(kRegister)};
  if (!*observed)
    return {Status::kFail, "it is declared, and wasn't seen",
            "remove it from the estate, or find out why it isn't there"};
  const std::string missing = missing_label(fact);
  if (!missing.empty()) return {Status::kFail, "it has no " + missing, "say its " + missing + " in the estate"};
  return {Status::kPass, "it is declared, was seen, and has who answers for it", ""};
}

Finding look_at_scope(const Fact& fact) {
  const auto* read = fact.list("read");
  const auto* unread = fact.list("unread");
  if (read == nullptr || unread == nullptr || read->empty())
    return {Status::kNotAssessed, "nothing was read", "run the collectors with the rights that they ask for"};
  if (!unread->empty())
    return {Status::kNotAssessed, in_words(unread->size(), "scope") + " couldn't be read: " + unread->front(),
            "give the collector the right to read it, or collect it elsewhere and hand the facts in"};
  return {Status::kPass, in_words(read->size(), "scope") + " read, none left out", ""};
}

std::vector<SubjectVerdict> inventory(const View& view) {
  std::vector<SubjectVerdict> out = {judge_subject(view, "inventory.scope", {}, look_at_scope)};
  for (const Subject& subject : known_subjects(view))
    out.push_back(judge_subject(view, "inventory.entry", subject, look_at_entry));
  return out;
}

constexpr std::array<JudgeOf, 1> kJudges = {{{"INV-01", inventory}}};

}  // namespace

std::span<const JudgeOf> inventory_judges() { return kJudges; }

}  // namespace cloister::posture
