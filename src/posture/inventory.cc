// The inventory's two differences.
#include "posture/inventory.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "posture/subjects.h"

namespace cloister::posture {
namespace {

// Kinds that speak of a subject without having seen it: what people said, and what was made of other facts.
constexpr std::array<std::string_view, 7> kNoSight = {"inventory.entry",
                                                      "inventory.scope",
                                                      "inventory.source",
                                                      "record",
                                                      "assessment.workload",
                                                      "collector.run",
                                                      "drill"};
// Verdicts on an edge that rest on no sight of it.
constexpr std::array<std::string_view, 3> kUnseenEdges = {"unknown", "configured", "provider-only"};
constexpr std::size_t kListMax = 256;

struct Entry {
  bool declared = false;
  Label label;
  std::string address;
  bool seen = false;
  bool absent = false;
  Time valid_until;  // of the newest fact that decides
};

using Entries = std::map<Subject, Entry>;

bool lies_in(std::string_view inner, std::string_view outer) {
  if (!inner.starts_with(outer)) return false;
  return inner.size() == outer.size() || outer.ends_with('/') || inner[outer.size()] == '/';
}

Fact made(std::string_view kind, Subject subject, std::string_view collector, std::string scope, Time now) {
  Fact fact;
  fact.kind = kind;
  fact.subject = std::move(subject);
  fact.collector = collector;
  fact.scope = std::move(scope);
  fact.at = now;
  fact.valid_until = now + kConfigurationValid;
  return fact;
}

Fact presence(std::string_view collector, std::string scope, Subject subject, std::string address, bool present,
              Time now) {
  Fact fact = made("inventory.seen", std::move(subject), collector, std::move(scope), now);
  fact.values = {{"present", present}, {"address", std::move(address)}};
  return fact;
}

Entries declared_entries(const Estate& estate) {
  Entries entries;
  for (const Subject& subject : declared_subjects(estate)) entries[subject].declared = true;
  for (const Location& location : estate.locations) {
    Entry& entry = entries[{SubjectKind::kLocation, location.name}];
    entry.label = location.label;
    entry.address = location.address;
  }
  for (const Workload& workload : estate.workloads)
    entries[{SubjectKind::kWorkload, workload.name}].label = workload.label;
  for (const Endpoint& endpoint : estate.endpoints) {
    Entry& entry = entries[{SubjectKind::kEndpoint, endpoint.name}];
    entry.label = endpoint.label;
    entry.address = endpoint.address;
  }
  for (const DeclaredKey& key : estate.keys) entries[{SubjectKind::kKey, key.name}].label = key.label;
  return entries;
}

// Whether a place that was found belongs to a declared one: it lies in it, or it is what a declared one lies in. The
// rest of a disk or a bucket that holds a declared location isn't a location for that.
const Location* related(const Estate& estate, std::string_view address) {
  if (const Location* location = location_of(estate, address); location != nullptr) return location;
  const auto inside = [&](const Location& location) { return lies_in(location.address, address); };
  const auto found = std::ranges::find_if(estate.locations, inside);
  return found == estate.locations.end() ? nullptr : &*found;
}

// An entry for something that was seen, declared where the estate covers it in another way than by its name.
Entry found_entry(const Estate& estate, const Subject& subject) {
  Entry entry;
  switch (subject.kind) {
    case SubjectKind::kLocation:
      entry.address = subject.id;
      if (const Location* location = related(estate, subject.id); location != nullptr) {
        entry.declared = true;
        entry.label = location->label;
      }
      break;
    case SubjectKind::kWorkload: entry.declared = estate.graph.find(subject.id) != nullptr; break;
    case SubjectKind::kKey:
      entry.declared = subject.id.starts_with("cloister:") && !estate.home_owner.empty();
      if (entry.declared) entry.label.owner = estate.home_owner;
      break;
    case SubjectKind::kEndpoint: entry.address = subject.id; break;
    default: break;
  }
  return entry;
}

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

bool shows_edge(const Fact& fact) {
  const std::string* verdict = fact.text("verdict");
  return verdict != nullptr && !is_one_of(*verdict, kUnseenEdges);
}

class Diff {
 public:
  Diff(const Estate& estate, Time now) : estate_(&estate), now_(now), entries_(declared_entries(estate)) {}

  void take(const Fact& fact) {
    if (is_one_of(fact.kind, kNoSight)) return;
    // What was too old, or couldn't be looked at, is still something that the inventory knows of.
    if (in_inventory(fact.subject.kind)) entry_of(fact.subject);
    if (fact.not_assessed || fact.valid_until < now_) return;
    if (fact.kind == "path.edge") return take_edge(fact);
    if (!in_inventory(fact.subject.kind)) return;
    const bool absent = fact.kind == "inventory.seen" && fact.truth("present") != std::optional(true);
    mark(fact.subject, fact, absent);
    // Finding a place shows that the declared one which it lies in is there.
    const bool by_address =
        fact.subject.kind == SubjectKind::kLocation && fact.subject.id.find(':') != std::string::npos;
    if (!by_address || absent) return;
    const Location* location = location_of(*estate_, fact.subject.id);
    if (location != nullptr) mark({SubjectKind::kLocation, location->name}, fact, false);
  }

  std::vector<Fact> facts() const {
    std::vector<Fact> out;
    for (const auto& [subject, entry] : entries_) out.push_back(fact_of(subject, entry));
    return out;
  }

 private:
  Entry& entry_of(const Subject& subject) {
    const auto found = entries_.find(subject);
    if (found != entries_.end()) return found->second;
    return entries_.emplace(subject, found_entry(*estate_, subject)).first->second;
  }

  void mark(const Subject& subject, const Fact& fact, bool absent) {
    Entry& entry = entry_of(subject);
    entry.seen |= !absent;
    entry.absent |= absent;
    entry.valid_until = std::max(entry.valid_until, fact.valid_until);
  }

  void take_edge(const Fact& fact) {
    if (!shows_edge(fact)) return;
    mark(fact.subject, fact, false);
    const std::string_view id = fact.subject.id;
    const std::size_t arrow = id.find('>');
    if (arrow == std::string_view::npos) return;
    const std::string_view to = id.substr(arrow + 1, id.find('/', arrow) - arrow - 1);
    for (const std::string_view name : {id.substr(0, arrow), to}) {
      const Subject workload = {SubjectKind::kWorkload, std::string(name)};
      if (entries_.contains(workload)) mark(workload, fact, false);
    }
  }

  Fact fact_of(const Subject& subject, const Entry& entry) const {
    Fact fact = made("inventory.entry", subject, kInventoryCollector, "the estate, and the facts of this run", now_);
    if (!entry.seen && !entry.absent) {
      fact.not_assessed = "nobody looked whether it is there, or nobody could tell";
      return fact;
    }
    fact.valid_until = std::min(fact.valid_until, entry.valid_until);
    fact.values = {{"declared", entry.declared},
                   {"observed", entry.seen},
                   {"owner", entry.label.owner},
                   {"environment", entry.label.environment},
                   {"sensitivity", entry.label.sensitivity ? std::string(name_of(*entry.label.sensitivity)) : ""},
                   {"address", entry.address}};
    return fact;
  }

  const Estate* estate_;
  Time now_;
  Entries entries_;
};

Fact scope_fact(std::span<const Fact> facts, Time now) {
  std::set<std::string> read, unread;
  for (const Fact& fact : facts) {
    if (fact.kind != "inventory.source" || fact.valid_until < now) continue;
    if (fact.not_assessed) {
      unread.insert(fact.scope + ": " + *fact.not_assessed);
    } else if (const std::string* source = fact.text("source"); source != nullptr) {
      read.insert(*source + ", " + fact.scope);
    }
  }
  Fact fact = made("inventory.scope", {}, kInventoryCollector, "the collectors of this run", now);
  if (read.empty() && unread.empty()) {
    fact.not_assessed = "no collector looked for what nobody declared";
    return fact;
  }
  const auto list = [](const std::set<std::string>& texts) {
    std::vector<std::string> out(texts.begin(), texts.end());
    if (out.size() > kListMax) {
      const std::size_t more = out.size() - kListMax;
      out.resize(kListMax);
      out.push_back("and " + std::to_string(more) + " more");
    }
    return out;
  };
  fact.values = {{"read", list(read)}, {"unread", list(unread)}};
  return fact;
}

}  // namespace

const Location* location_of(const Estate& estate, std::string_view address) {
  const Location* best = nullptr;
  for (const Location& location : estate.locations) {
    const bool closer = best == nullptr || location.address.size() > best->address.size();
    if (closer && lies_in(address, location.address)) best = &location;
  }
  return best;
}

Subject location_subject(const Estate& estate, std::string_view address) {
  const auto found = std::ranges::find(estate.locations, address, &Location::address);
  return {SubjectKind::kLocation, found == estate.locations.end() ? std::string(address) : found->name};
}

std::vector<Fact> inventory_facts(const Estate& estate, std::span<const Fact> facts, Time now) {
  Diff diff(estate, now);
  for (const Fact& fact : facts) diff.take(fact);
  std::vector<Fact> out = diff.facts();
  out.push_back(scope_fact(facts, now));
  return out;
}

Fact seen_fact(std::string_view collector, std::string scope, Subject subject, std::string address, Time now) {
  return presence(collector, std::move(scope), std::move(subject), std::move(address), true, now);
}

Fact absent_fact(std::string_view collector, std::string scope, Subject subject, std::string address, Time now) {
  return presence(collector, std::move(scope), std::move(subject), std::move(address), false, now);
}

Fact source_fact(std::string_view collector, std::string scope, std::string source, std::int64_t entries, Time now) {
  Fact fact = made("inventory.source", {}, collector, std::move(scope), now);
  fact.values = {{"source", std::move(source)}, {"entries", entries}};
  return fact;
}

Fact unread_source_fact(std::string_view collector, std::string scope, std::string why, Time now) {
  Fact fact = made("inventory.source", {}, collector, std::move(scope), now);
  fact.not_assessed = std::move(why);
  return fact;
}

}  // namespace cloister::posture
