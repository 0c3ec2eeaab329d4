// Facts that go on, and what changed.
#include "posture/evidence/history.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "posture/view.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kCollector = "history/1";

// A collector goes on as the same when its version changes.
std::string_view base_name(std::string_view collector) { return collector.substr(0, collector.rfind('/')); }

// Made anew by every run, and about nothing but a run.
bool is_of_one_run(const Fact& fact) {
  return fact.kind == "collector.run" || (is_of_run_itself(fact) && base_name(fact.collector) != base_name(kCollector));
}

// What was tried once stays tried until it is too old, or somebody tries the same again.
using Tried = std::tuple<Subject, std::string_view, std::string_view>;
std::optional<Tried> drill_of(const Fact& fact) {
  const std::string* drill = fact.text("drill");
  if (fact.kind != "drill" || drill == nullptr) return std::nullopt;
  return Tried(fact.subject, base_name(fact.collector), *drill);
}

// Long over: it explains nothing any more.
bool is_ancient(const Fact& fact, Time now) { return fact.valid_until + kRecordValid < now; }

// Who said it: of a fact that says when a subject was last seen, the one who saw it.
std::string_view source_of(const Fact& fact) {
  return fact.collector == kCollector ? std::string_view(fact.scope) : base_name(fact.collector);
}

// When what was seen of a subject is over, by records of either run.
std::map<Subject, Time> decommissioned(const Estate& estate, std::span<const Fact> before, std::span<const Fact> fresh,
                                       Time now) {
  std::map<Subject, Time> gone = decommissions(estate, before, now);
  for (const auto& [subject, at] : decommissions(estate, fresh, now)) {
    Time& last = gone.try_emplace(subject, at).first->second;
    last = std::max(last, at);
  }
  return gone;
}

Fact last_seen(const Fact& fact, Time now) {
  Fact out;
  out.kind = fact.kind;
  out.subject = fact.subject;
  out.collector = std::string(kCollector);
  out.scope = std::string(source_of(fact));
  out.at = now;
  out.valid_until = now + kConfigurationValid;
  // One that was carried along before still says when somebody really saw it.
  out.not_assessed = fact.collector == kCollector && fact.not_assessed
                         ? *fact.not_assessed
                         : fact.collector + " saw it at " + to_rfc3339(fact.at) + ", and now says nothing about it";
  return out;
}

bool measured(Status status) { return status == Status::kPass || status == Status::kFail; }

std::optional<Change> change_of(Status before, Status after) {
  if (before == after) return std::nullopt;
  if (after == Status::kFail) return Change::kRegressed;
  if (after == Status::kNotAssessed) return Change::kLostCoverage;
  if (before == Status::kFail) return after == Status::kPass ? Change::kFixed : Change::kUnchanged;
  return std::nullopt;
}

// What became of a subject that this run has no verdict about. An object that failed and isn't mentioned any more is
// mended where its location was measured.
std::optional<Changed> vanished(const std::pair<std::string, Subject>& key, Status before,
                                const std::map<std::pair<std::string, Subject>, Status>& after) {
  if (!measured(before) && before != Status::kException) return std::nullopt;
  Changed changed{Change::kLostCoverage, key.first, key.second, before, Status::kNotAssessed};
  if (key.second.kind != SubjectKind::kObject) return changed;
  const Subject location{SubjectKind::kLocation, key.second.id.substr(0, key.second.id.find('#'))};
  const auto found = after.find({key.first, location});
  if (found == after.end() || !measured(found->second)) return changed;
  if (before == Status::kPass) return std::nullopt;
  changed.change = Change::kFixed;
  changed.after = Status::kPass;
  return changed;
}

}  // namespace

bool is_of_run_itself(const Fact& fact) {
  constexpr std::array<std::string_view, 4> kMakers = {"self-check/", "evidence/", "inventory/", "history/"};
  return std::ranges::any_of(kMakers, [&](std::string_view own) { return fact.collector.starts_with(own); });
}

std::vector<Fact> carried(const Estate& estate, std::span<const Fact> before, std::span<const Fact> fresh, Time now) {
  const std::map<Subject, Time> gone = decommissioned(estate, before, fresh, now);
  std::set<std::string_view> asked;
  std::set<std::tuple<std::string_view, Subject, std::string_view>> spoken_of;
  std::set<Tried> tried;
  for (const Fact& fact : fresh) {
    if (const auto drill = drill_of(fact)) tried.insert(*drill);
    asked.insert(base_name(fact.collector));
    spoken_of.emplace(fact.kind, fact.subject, source_of(fact));
  }
  std::vector<Fact> out;
  for (const Fact& fact : before) {
    const auto found = gone.find(fact.subject);
    const bool is_over = fact.kind != "record" && found != gone.end() && fact.at <= found->second;
    // The store gives each record to every run, also one that no run could keep yet.
    const bool unkept = fact.kind == "record" && fact.not_assessed;
    if (is_over || unkept || is_of_one_run(fact) || is_ancient(fact, now)) continue;
    const auto drill = drill_of(fact);
    if (drill && !tried.contains(*drill)) {
      out.push_back(fact);
    } else if (fact.kind == "record" || (fact.collector != kCollector && !asked.contains(base_name(fact.collector)))) {
      out.push_back(fact);
    } else if (fact.subject.kind != SubjectKind::kObject && fact.subject.kind != SubjectKind::kPlatform &&
               spoken_of.emplace(fact.kind, fact.subject, source_of(fact)).second) {
      out.push_back(last_seen(fact, now));
    }
  }
  return out;
}

std::vector<Changed> changes(const StoredReport& before, const StoredReport& after) {
  std::map<std::pair<std::string, Subject>, Status> known;
  for (const StoredVerdict& verdict : before.verdicts) known[{verdict.control, verdict.subject}] = verdict.status;
  std::vector<Changed> out;
  for (const StoredVerdict& verdict : after.verdicts) {
    const auto found = known.find({verdict.control, verdict.subject});
    if (found == known.end()) {
      if (verdict.status != Status::kPass) {
        out.push_back({Change::kNew, verdict.control, verdict.subject, Status::kNotAssessed, verdict.status});
      }
      continue;
    }
    if (const auto change = change_of(found->second, verdict.status); change && *change != Change::kUnchanged) {
      out.push_back({*change, verdict.control, verdict.subject, found->second, verdict.status});
    }
    known.erase(found);
  }
  std::map<std::pair<std::string, Subject>, Status> now_known;
  for (const StoredVerdict& verdict : after.verdicts) now_known[{verdict.control, verdict.subject}] = verdict.status;
  for (const auto& [key, status] : known) {
    if (auto changed = vanished(key, status, now_known)) out.push_back(std::move(*changed));
  }
  return out;
}

}  // namespace cloister::posture
