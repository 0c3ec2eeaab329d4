// A report against the rules of a pipeline.
#include "posture/gate.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/json.h"
#include "posture/evidence/history.h"
#include "posture/run.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kFormat = "cloister-posture-baseline/1";
constexpr JsonLimits kLimits = {std::size_t{256} << 20, 6, 4'000'000};
constexpr std::array kLevels = {Level::kFoundational, Level::kApplied, Level::kAdvanced, Level::kStrategic};

std::string lower(std::string_view word) {
  std::string out(word);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

std::optional<Level> level_of(std::string_view word) {
  for (const Level level : kLevels) {
    if (lower(name_of(level)) == word) return level;
  }
  return std::nullopt;
}

bool asked(const Control& control, const std::vector<std::string>& fail_on) {
  if (fail_on.empty()) return true;
  return std::ranges::any_of(fail_on, [&](const std::string& word) {
    if (word == control.id) return true;
    if (word == "critical") return control.critical;
    const std::optional<Level> level = level_of(word);
    return level && control.gates <= *level;
  });
}

using Key = std::pair<std::string, Subject>;

// Returns the controls whose failures the baseline has, all of them.
std::set<std::string> add_failures(const std::set<std::string>& controls, const StoredReport& report,
                                   const Baseline& baseline, GateAnswer& answer) {
  std::set<Key> accepted;
  for (const StoredVerdict& one : baseline.accepted) accepted.emplace(one.control, one.subject);
  std::set<std::string> explained, closed;
  for (const StoredVerdict& verdict : report.verdicts) {
    if (verdict.status != Status::kFail || !controls.contains(verdict.control)) continue;
    explained.insert(verdict.control);
    if (accepted.erase({verdict.control, verdict.subject}) > 0) {
      ++answer.accepted;
    } else {
      closed.insert(verdict.control);
      answer.failures.push_back(verdict.control + " fails: " + verdict.subject.text());
    }
  }
  for (const auto& [control, status] : report.controls) {
    const bool fails = status == Status::kFail && controls.contains(control) && !explained.contains(control);
    if (fails) answer.failures.push_back(control + " fails");
  }
  for (const Key& key : accepted) answer.mended.push_back(key.first + " " + key.second.text());
  std::erase_if(explained, [&](const std::string& control) { return closed.contains(control); });
  return explained;
}

void add_regressions(const StoredReport& base, const StoredReport& report, const std::set<std::string>& controls,
                     GateAnswer& answer) {
  if (report.point.overall < base.point.overall) {
    answer.failures.push_back("the level fell from " + std::string(name_of(base.point.overall)) + " to " +
                              std::string(name_of(report.point.overall)));
  }
  if (report.point.score.lower < base.point.score.lower) {
    answer.failures.push_back("the lower bound of the score fell");
  }
  for (const Changed& changed : changes(base, report)) {
    if (!controls.contains(changed.control)) continue;
    const bool worse = changed.change == Change::kRegressed || changed.change == Change::kLostCoverage ||
                       (changed.change == Change::kNew && changed.after == Status::kFail);
    if (worse) {
      answer.failures.push_back(changed.control + " " + changed.subject.text() + ": " +
                                std::string(name_of(changed.change)) + ", it was " +
                                std::string(name_of(changed.before)));
    }
  }
}

std::string outdated(Time report, Time now) {
  if (report > now + kClockTolerance) return "the report is from the future: " + to_rfc3339(report);
  if (report + kConfigurationValid < now) return "the report is older than 24 hours: " + to_rfc3339(report);
  return "";
}

}  // namespace

std::string baseline_json(const Baseline& baseline) {
  JsonValue::Array list;
  for (const StoredVerdict& one : baseline.accepted) {
    list.emplace_back(JsonValue::Object{{"control", one.control},
                                        {"subject_kind", std::string(name_of(one.subject.kind))},
                                        {"subject", one.subject.id}});
  }
  return JsonValue(JsonValue::Object{{"format", std::string(kFormat)}, {"accepted", std::move(list)}}).serialize();
}

Result<Baseline> parse_baseline(std::string_view json) {
  CLOISTER_TRY(const JsonValue document, parse_json(json, kLimits));
  const Error malformed(Code::kInvalid, "no baseline: `cloister posture gate --write-baseline` makes one");
  const JsonValue* format = document.find("format");
  const JsonValue* list = document.find("accepted");
  if (format == nullptr || format->string() == nullptr || *format->string() != kFormat) return malformed;
  if (list == nullptr || list->array() == nullptr) return malformed;
  Baseline baseline;
  for (const JsonValue& one : *list->array()) {
    const JsonValue *control = one.find("control"), *kind = one.find("subject_kind"), *subject = one.find("subject");
    for (const JsonValue* member : {control, kind, subject}) {
      if (member == nullptr || member->string() == nullptr) return malformed;
    }
    CLOISTER_TRY(const SubjectKind parsed, parse_subject_kind(*kind->string()));
    baseline.accepted.push_back({*control->string(), {parsed, *subject->string()}, Status::kFail});
  }
  return baseline;
}

Baseline baseline_of(const StoredReport& report) {
  Baseline baseline;
  for (const StoredVerdict& verdict : report.verdicts) {
    if (verdict.status == Status::kFail) baseline.accepted.push_back(verdict);
  }
  return baseline;
}

cloister::Status check_rules(const Catalogue& catalogue, const GateRules& rules) {
  for (const std::string& word : rules.fail_on) {
    if (word == "critical" || level_of(word) || catalogue.find(word) != nullptr) continue;
    return Error(Code::kInvalid, "there is no control \"" + word + "\", and it is neither \"critical\" nor a level");
  }
  return {};
}

GateAnswer gate(const Catalogue& catalogue, const StoredReport& report, const GateRules& rules) {
  GateAnswer answer;
  std::set<std::string> controls;
  for (const Control& control : catalogue.controls) {
    if (asked(control, rules.fail_on)) controls.insert(control.id);
  }
  if (rules.level_min && report.point.overall < Reached(*rules.level_min)) {
    answer.failures.push_back("the level is " + std::string(name_of(report.point.overall)) + ", and " +
                              std::string(name_of(*rules.level_min)) + " is asked for");
  }
  const std::set<std::string> accepted = add_failures(controls, report, rules.baseline, answer);
  if (rules.now) answer.outdated = outdated(report.point.at, *rules.now);
  if (rules.base) add_regressions(*rules.base, report, controls, answer);

  const std::map<std::string, Status> known(report.controls.begin(), report.controls.end());
  // An accepted failure doesn't speak for the subjects that nobody looked at.
  std::set<std::string> blind;
  for (const StoredVerdict& verdict : report.verdicts) {
    if (verdict.status == Status::kNotAssessed && accepted.contains(verdict.control)) blind.insert(verdict.control);
  }
  std::vector<std::string> unknown;
  for (const std::string& control : controls) {
    const auto found = known.find(control);
    if (found == known.end()) {
      unknown.push_back(control + " isn't in the report");
    } else if (found->second == Status::kNotAssessed || blind.contains(control)) {
      unknown.push_back(control + " is not assessed");
    }
  }
  if (unknown.size() > rules.not_assessed_max) answer.not_assessed = std::move(unknown);
  return answer;
}

}  // namespace cloister::posture
