// Facts blinded and exceptions forged, to see that nothing gets better by it.
#include "posture/evidence/self_check.h"

#include <algorithm>
#include <map>
#include <set>

namespace cloister::posture {
namespace {

constexpr std::string_view kCollector = "self-check/1";
constexpr std::size_t kFactsMax = 1000;
constexpr std::size_t kSinglesMax = 40;
constexpr std::size_t kDetailsMax = 20;

enum class Blinding { kCouldNotLook, kTooOld, kSimulated };
constexpr Blinding kBlindings[] = {Blinding::kCouldNotLook, Blinding::kTooOld, Blinding::kSimulated};

std::string_view name_of(Blinding blinding) {
  switch (blinding) {
    case Blinding::kCouldNotLook: return "couldn't look";
    case Blinding::kTooOld: return "too old";
    case Blinding::kSimulated: return "simulated";
  }
  return "?";
}

Fact blinded(Fact fact, Blinding blinding, Time now) {
  switch (blinding) {
    case Blinding::kCouldNotLook:
      fact.values.clear();
      fact.not_assessed = "planted: couldn't look";
      break;
    case Blinding::kTooOld: fact.valid_until = now + Duration{-1}; break;
    case Blinding::kSimulated: fact.simulated = true; break;
  }
  return fact;
}

// As many as asked for, spread evenly.
template <typename T>
std::vector<T> sample(std::span<const T> all, std::size_t count) {
  if (all.size() <= count) return {all.begin(), all.end()};
  std::vector<T> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(all[i * all.size() / count]);
  return out;
}

using Verdicts = std::map<std::pair<std::string, Subject>, Status>;

Verdicts verdicts_of(const Assessment& assessment) {
  Verdicts out;
  for (const ControlAssessment& control : assessment.controls) {
    for (const SubjectVerdict& verdict : control.subjects) out[{control.control, verdict.subject}] = verdict.status;
  }
  return out;
}

// One engine, tried with many sets of facts.
class Trial {
 public:
  Trial(const Catalogue& catalogue, const Estate& estate, std::vector<Fact> facts,
        std::span<const Exception> exceptions, Time now)
      : catalogue_(&catalogue), estate_(&estate), facts_(std::move(facts)), exceptions_(exceptions), now_(now) {
    before_ = assess(catalogue, estate, facts_, exceptions_, now_);
    verdicts_before_ = verdicts_of(before_);
    maturity_before_ = maturity(catalogue, before_);
  }

  const std::vector<Fact>& facts() const { return facts_; }

  // What got better with these facts in place of its own; empty: nothing.
  struct Better {
    std::string pass, level;
  };
  Better with(std::span<const Fact> facts) const {
    const Assessment after = assess(*catalogue_, *estate_, facts, exceptions_, now_);
    return {new_pass(after, facts), higher(maturity(*catalogue_, after))};
  }

 private:
  std::string new_pass(const Assessment& after, std::span<const Fact> facts) const {
    for (const auto& [key, status] : verdicts_of(after)) {
      const auto before = verdicts_before_.find(key);
      const bool passed = before != verdicts_before_.end() && before->second == Status::kPass;
      if (status == Status::kPass && !passed) return key.first + " " + key.second.text() + " became a pass";
    }
    for (const ControlAssessment& control : after.controls) {
      if (control.status == Status::kPass && before_.status_of(control.control) != Status::kPass) {
        return control.control + " became a pass";
      }
    }
    if (passes_without_evidence(after, facts, now_) > 0) return "a pass rests on what proves nothing";
    return {};
  }

  std::string higher(const Maturity& after) const {
    for (std::size_t i = 0; i < kDomainCount; ++i) {
      if (after.domains[i].reached > maturity_before_.domains[i].reached) {
        return "the level of " + std::string(posture::name_of(after.domains[i].domain)) + " rose";
      }
    }
    if (after.overall > maturity_before_.overall) return "the overall level rose";
    if (after.score.lower > maturity_before_.score.lower) return "the lower bound of the score rose";
    return {};
  }

  const Catalogue* catalogue_;
  const Estate* estate_;
  std::vector<Fact> facts_;
  std::span<const Exception> exceptions_;
  Time now_;
  Assessment before_;
  Verdicts verdicts_before_;
  Maturity maturity_before_;
};

struct Count {
  std::int64_t cases = 0, refused = 0;
  std::vector<std::string> details;

  void add(const std::string& what, const std::string& wrong) {
    ++cases;
    if (wrong.empty()) {
      ++refused;
    } else if (details.size() < kDetailsMax) {
      details.push_back(what + ": " + wrong);
    }
  }
};

Fact platform_fact(std::string kind, Time now) {
  Fact fact;
  fact.kind = std::move(kind);
  fact.collector = std::string(kCollector);
  fact.scope = "the facts and exceptions of this run";
  fact.method = Method::kTest;
  fact.at = now;
  fact.valid_until = now + kConfigurationValid;
  return fact;
}

Fact drill_fact(const std::string& name, const Count& count, Time now) {
  Fact fact = platform_fact("drill", now);
  fact.values = {{"drill", name},
                 {"outcome", std::string(count.cases == count.refused ? "defended" : "failed")},
                 {"cases", count.cases},
                 {"refused", count.refused},
                 {"details", count.details}};
  return fact;
}

// Sets of facts that are blinded together: each kind, each collector, and single ones.
std::map<std::string, std::vector<std::size_t>> groups_of(const std::vector<Fact>& facts) {
  std::map<std::string, std::vector<std::size_t>> groups;
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    groups["kind " + facts[i].kind].push_back(i);
    groups["collector " + facts[i].collector].push_back(i);
    positions.push_back(i);
  }
  groups["everything"] = positions;
  for (const std::size_t i : sample(std::span<const std::size_t>(positions), kSinglesMax)) {
    groups["fact " + facts[i].id()] = {i};
  }
  return groups;
}

void blind(const Trial& trial, Time now, Count& scanner, Count& monotonic) {
  for (const auto& [what, positions] : groups_of(trial.facts())) {
    for (const Blinding blinding : kBlindings) {
      std::vector<Fact> facts = trial.facts();
      for (const std::size_t i : positions) facts[i] = blinded(std::move(facts[i]), blinding, now);
      const Trial::Better better = trial.with(facts);
      const std::string name = what + ", " + std::string(name_of(blinding));
      scanner.add(name, better.pass);
      monotonic.add(name, better.level);
    }
  }
  const Trial::Better better = trial.with({});
  scanner.add("no facts at all", better.pass);
  monotonic.add("no facts at all", better.level);
}

// Somewhere an exception would count: the first subject of a control that takes one and didn't pass.
std::optional<std::pair<std::string, Subject>> target_of(const Assessment& assessment, const Catalogue& catalogue,
                                                         bool critical) {
  for (const ControlAssessment& control : assessment.controls) {
    const Control* asked = catalogue.find(control.control);
    if (asked == nullptr || asked->critical != critical) continue;
    for (const SubjectVerdict& verdict : control.subjects) {
      const bool open = verdict.status == Status::kFail || verdict.status == Status::kNotAssessed;
      if (open) return std::pair(control.control, verdict.subject);
    }
  }
  return std::nullopt;
}

Exception sound_exception(const std::pair<std::string, Subject>& target, Time now) {
  const std::string planted = "planted by the self-check";
  return {target.first,       target.second,  "planted-owner", "planted-approver", planted, planted,
          now + Duration{-1}, now + days(30), planted};
}

struct Forgery {
  std::string_view what;
  void (*forge)(Exception& exception, Time now);
};
constexpr Forgery kForgeries[] = {
    {"approved by its owner", [](Exception& e, Time) { e.approver = e.owner; }},
    {"nobody owns it", [](Exception& e, Time) { e.owner.clear(); }},
    {"nobody approved it", [](Exception& e, Time) { e.approver.clear(); }},
    {"nothing ends it", [](Exception& e, Time) { e.reopen_when.clear(); }},
    {"no reason", [](Exception& e, Time) { e.reason.clear(); }},
    {"longer than allowed", [](Exception& e, Time) { e.expires = e.created + kExceptionMax + days(1); }},
    {"expired", [](Exception& e, Time now) { e.created = now + days(-30), e.expires = now + Duration{-1}; }},
    {"from the future", [](Exception& e, Time now) { e.created = now + days(1); }},
    {"a pattern for its subject", [](Exception& e, Time) { e.subject.id = "*"; }},
};

bool excepts(const Assessment& assessment, const std::pair<std::string, Subject>& target) {
  const ControlAssessment* control = assessment.find(target.first);
  if (control == nullptr) return false;
  return std::ranges::any_of(control->subjects, [](const SubjectVerdict& v) { return v.status == Status::kException; });
}

struct ExceptionTrial {
  const Catalogue& catalogue;
  const Estate& estate;
  std::span<const Fact> facts;
  Time now;

  bool holds(const Exception& exception, Time at) const {
    return excepts(assess(catalogue, estate, facts, {&exception, 1}, at), {exception.control, exception.subject});
  }
};

// Planted where nothing is known, so that there is always a finding to hide. Nothing for a catalogue without one.
std::optional<bool> try_exceptions(const ExceptionTrial& blank, Count& count) {
  const Assessment plain = assess(blank.catalogue, blank.estate, {}, {}, blank.now);
  if (const auto critical = target_of(plain, blank.catalogue, true)) {
    const bool held = blank.holds(sound_exception(*critical, blank.now), blank.now);
    count.add("on a critical control", held ? "had an effect" : "");
  }
  const auto target = target_of(plain, blank.catalogue, false);
  if (!target) return std::nullopt;
  for (const Forgery& forgery : kForgeries) {
    Exception exception = sound_exception(*target, blank.now);
    forgery.forge(exception, blank.now);
    count.add(std::string(forgery.what), blank.holds(exception, blank.now) ? "had an effect" : "");
  }
  const Exception sound = sound_exception(*target, blank.now);
  return blank.holds(sound, blank.now) && !blank.holds(sound, sound.expires + Duration{1});
}

Fact register_fact(const ExceptionTrial& trial, std::span<const Exception> exceptions) {
  Count count;
  const std::optional<bool> resurfaces = try_exceptions({trial.catalogue, trial.estate, {}, trial.now}, count);
  std::int64_t invalid = 0, with_effect = 0;
  for (const Exception& exception : exceptions) {
    if (problem_of(exception, trial.now).empty()) continue;
    ++invalid;
    if (trial.holds(exception, trial.now)) ++with_effect;
  }
  Fact fact = platform_fact("exceptions.register", trial.now);
  fact.values = {{"entries", static_cast<std::int64_t>(exceptions.size())},
                 {"invalid", invalid},
                 {"invalid_with_effect", with_effect},
                 {"cases", count.cases},
                 {"refused", count.refused},
                 {"details", count.details}};
  if (resurfaces) fact.values["expired_resurface"] = *resurfaces;
  return fact;
}

}  // namespace

std::uint64_t passes_without_evidence(const Assessment& assessment, std::span<const Fact> facts, Time now) {
  std::set<std::string> good;
  for (const Fact& fact : facts) {
    if (!fact.not_assessed && !fact.simulated && fact.valid_until >= now) good.insert(fact.id());
  }
  std::uint64_t count = 0;
  for (const ControlAssessment& control : assessment.controls) {
    for (const SubjectVerdict& verdict : control.subjects) {
      if (verdict.status != Status::kPass) continue;
      const bool proven =
          !verdict.evidence.empty() &&
          std::ranges::all_of(verdict.evidence, [&](const std::string& id) { return good.contains(id); });
      if (!proven) ++count;
    }
  }
  return count;
}

std::vector<Fact> self_check(const Catalogue& catalogue, const Estate& estate, std::span<const Fact> facts,
                             std::span<const Exception> exceptions, Time now) {
  const Trial trial(catalogue, estate, sample(facts, kFactsMax), exceptions, now);
  Count scanner, monotonic;
  blind(trial, now, scanner, monotonic);
  const ExceptionTrial planting{catalogue, estate, trial.facts(), now};
  return {drill_fact("blind-scanner", scanner, now), drill_fact("monotonicity", monotonic, now),
          register_fact(planting, exceptions)};
}

}  // namespace cloister::posture
