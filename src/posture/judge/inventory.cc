// INV: everything that is there is declared, everything declared is there, and each has someone who answers for it.
#include <array>

#include "posture/judge/judge.h"
#include "posture/judge/proof.h"
#include "posture/subjects.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kCollect = "run cloister posture audit with a collector that can see it";

// An edge is answered for by its ends, a key by its owner alone.
std::string missing_label(const Fact& fact) {
  if (fact.subject.kind == SubjectKind::kEdge) return "";
  for (const std::string_view name : {"owner", "environment", "sensitivity"}) {
    if (fact.subject.kind == SubjectKind::kKey && name != "owner") continue;
    const std::string* value = fact.text(name);
    if (value == nullptr || value->empty()) return std::string(name);
  }
  return "";
}

Finding look_at_entry(const Fact& fact) {
  const auto declared = fact.truth("declared");
  const auto observed = fact.truth("observed");
  if (!declared || !observed) return unproven("the fact doesn't say whether it is declared and was seen");
  if (!*declared)
    return fails("it was seen, and nobody declared it",
                 "declare it in the estate, with owner, environment and sensitivity, or take it out of use");
  if (!*observed)
    return fails("it is declared, and wasn't seen", "find out why it isn't there, or remove it from the estate");
  const std::string missing = missing_label(fact);
  if (!missing.empty()) return fails("its " + missing + " isn't said", "say its " + missing + " in the estate");
  return passes("it is declared, was seen, and has who answers for it");
}

Finding look_at_scope(const Fact& fact) {
  const auto* read = fact.list("read");
  const auto* unread = fact.list("unread");
  if (read == nullptr || unread == nullptr || read->empty()) return unproven("nothing was read", std::string(kCollect));
  if (!unread->empty())
    return unproven(
        "couldn't be read: " + joined(*unread, ", "),
        "give the collector the right to read it, or collect it elsewhere and hand the facts in by --facts");
  return passes("all that was to be read was read: " + joined(*read, ", "));
}

std::vector<SubjectVerdict> inventory(const View& view) {
  const Question scope = {the_platform(), "nothing was read", std::string(kCollect)};
  std::vector<SubjectVerdict> out = {
      judge_by(view, scope, view.about("inventory.scope", the_platform()), look_at_scope)};
  for (const Subject& subject : known_subjects(view)) {
    const Question entry = {subject, "nobody looked whether it is there", std::string(kCollect)};
    out.push_back(judge_by(view, entry, view.about("inventory.entry", subject), look_at_entry));
  }
  return out;
}

constexpr std::array<JudgeOf, 1> kJudges = {{{"INV-01", inventory}}};

}  // namespace

std::span<const JudgeOf> inventory_judges() { return kJudges; }

}  // namespace cloister::posture
