// Facts put in order, so that a judge finds those about a subject, and the newest stand for what they replaced.
#include "posture/view.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "posture/records.h"
#include "posture/subjects.h"

namespace cloister::posture {
namespace {

// Kinds of which a collector says several about one subject, and the values that tell them apart.
struct Several {
  std::string_view kind;
  std::array<std::string_view, 2> by;
};
constexpr std::array<Several, 4> kSeveral = {{{"storage.encryption", {"level", ""}},
                                              {"transient.persistence", {"what", "where"}},
                                              {"drill", {"drill", ""}},
                                              {"record", {"record", "control"}}}};

std::string which_of(const Fact& fact) {
  const auto several = std::ranges::find(kSeveral, fact.kind, &Several::kind);
  std::string out;
  if (several == kSeveral.end()) return out;
  for (const std::string_view name : several->by) {
    const std::string* value = name.empty() ? nullptr : fact.text(name);
    out += value == nullptr ? std::string(1, '\0') : *value + '\0';
  }
  return out;
}

struct Entry {
  const Fact* fact;
  std::string which;

  auto key() const { return std::tie(fact->kind, fact->subject, fact->collector, which); }
};

// The newest first of those that replace each other. Those of the same time by their content, so that the order they
// came in makes no difference.
bool before(const Entry& left, const Entry& right) {
  if (left.key() != right.key()) return left.key() < right.key();
  if (left.fact->at != right.fact->at) return left.fact->at > right.fact->at;
  return fact_json(*left.fact) < fact_json(*right.fact);
}

bool are_one(const Fact& left, const Fact& right) { return fact_json(left) == fact_json(right); }

bool kind_before(const Fact* fact, std::string_view kind) { return fact->kind < kind; }

// When each subject that isn't declared was last decommissioned.
std::map<Subject, Time> decommissions(const Estate& estate, std::span<const Fact> facts, Time now) {
  std::map<Subject, Time> out;
  const std::vector<Subject> declared = declared_subjects(estate);
  for (const Fact& fact : facts) {
    const std::string* record = fact.kind == "record" ? fact.text("record") : nullptr;
    if (record == nullptr || *record != "decommission" || !problem_of_record(fact, now).empty()) continue;
    if (std::ranges::binary_search(declared, fact.subject)) continue;
    Time& last = out.try_emplace(fact.subject, fact.at).first->second;
    last = std::max(last, fact.at);
  }
  return out;
}

}  // namespace

View::View(const Estate& estate, std::span<const Fact> facts, Time now) : estate_(&estate), now_(now) {
  const std::map<Subject, Time> decommissioned = decommissions(estate, facts, now);
  std::vector<Entry> entries;
  entries.reserve(facts.size());
  for (const Fact& fact : facts) {
    const auto found = decommissioned.find(fact.subject);
    if (found == decommissioned.end() || fact.at > found->second) entries.push_back({&fact, which_of(fact)});
  }
  std::ranges::sort(entries, before);
  std::size_t newest = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i == 0 || entries[i - 1].key() != entries[i].key()) {
      newest = i;
    } else if (entries[i].fact->at != entries[newest].fact->at || are_one(*entries[i - 1].fact, *entries[i].fact)) {
      continue;
    }
    newest_.push_back(entries[i].fact);
  }
}

std::vector<const Fact*> View::about(std::string_view kind, const Subject& subject) const {
  const auto key = std::tie(kind, subject);
  const auto first = std::ranges::partition_point(newest_, [&](const Fact* fact) {
    const std::string_view of = fact->kind;
    return std::tie(of, fact->subject) < key;
  });
  std::vector<const Fact*> out;
  for (auto it = first; it != newest_.end() && (*it)->kind == kind && (*it)->subject == subject; ++it)
    out.push_back(*it);
  return out;
}

std::vector<const Fact*> View::all(std::string_view kind) const {
  const auto first = std::ranges::partition_point(newest_, [&](const Fact* fact) { return kind_before(fact, kind); });
  std::vector<const Fact*> out;
  for (auto it = first; it != newest_.end() && (*it)->kind == kind; ++it) out.push_back(*it);
  return out;
}

const std::string& View::id_of(const Fact& fact) const {
  const auto found = ids_.find(&fact);
  if (found != ids_.end()) return found->second;
  const std::string& id = ids_.emplace(&fact, fact.id()).first->second;
  facts_by_id_.emplace(id, &fact);
  return id;
}

bool View::seen(std::span<const std::string> ids) const {
  return std::ranges::any_of(ids, [&](const std::string& id) {
    const auto found = facts_by_id_.find(id);
    return found != facts_by_id_.end() && found->second->method != Method::kRecord && !found->second->simulated;
  });
}

SubjectVerdict not_assessed(Subject subject, std::string reason, std::string remediation) {
  SubjectVerdict verdict;
  verdict.subject = std::move(subject);
  verdict.reason = std::move(reason);
  verdict.remediation = std::move(remediation);
  return verdict;
}

}  // namespace cloister::posture
