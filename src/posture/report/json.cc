// A report as JSON and back.
#include "posture/report/json.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "base/reader.h"

namespace cloister::posture {
namespace {

constexpr JsonLimits kLimits = {kReportSizeMax, 12, 50'000'000};
constexpr std::array kStatuses = {Status::kPass, Status::kFail, Status::kNotAssessed, Status::kNotApplicable,
                                  Status::kException};
constexpr std::array kLevels = {Level::kFoundational, Level::kApplied, Level::kAdvanced, Level::kStrategic};
constexpr std::array kDomains = {Domain::kAtRest, Domain::kInTransit, Domain::kInUse, Domain::kKeysAndTenancy,
                                 Domain::kGovernanceAndEvidence};

constexpr std::array kChanges = {Change::kNew, Change::kFixed, Change::kRegressed, Change::kUnchanged,
                                 Change::kLostCoverage};

std::string text(std::string_view word) { return std::string(word); }

JsonValue::Array list_of(const std::vector<std::string>& lines) {
  JsonValue::Array list;
  for (const std::string& line : lines) list.emplace_back(line);
  return list;
}

JsonValue::Object label_json(const Label& label) {
  JsonValue::Object out = {{"owner", label.owner}, {"environment", label.environment}, {"tenant", label.tenant}};
  out.emplace_back("sensitivity", label.sensitivity ? JsonValue(text(name_of(*label.sensitivity))) : JsonValue());
  return out;
}

JsonValue::Object named(std::string name, const Label& label) {
  JsonValue::Object out = {{"name", std::move(name)}};
  for (auto& member : label_json(label)) out.push_back(std::move(member));
  return out;
}

JsonValue::Object estate_json(const Estate& estate) {
  JsonValue::Array locations, workloads, endpoints, keys;
  for (const Location& location : estate.locations) {
    JsonValue::Object one = named(location.name, location.label);
    one.emplace_back("address", location.address);
    one.emplace_back("kind", text(name_of(location.kind)));
    one.emplace_back("plaintext_allowed", location.plaintext_allowed);
    locations.emplace_back(std::move(one));
  }
  for (const Workload& workload : estate.workloads) {
    JsonValue::Object one = named(workload.name, workload.label);
    one.emplace_back("use", text(name_of(workload.use)));
    one.emplace_back("reads", list_of(workload.reads));
    workloads.emplace_back(std::move(one));
  }
  for (const Endpoint& endpoint : estate.endpoints) {
    JsonValue::Object one = named(endpoint.name, endpoint.label);
    one.emplace_back("address", endpoint.address);
    endpoints.emplace_back(std::move(one));
  }
  for (const DeclaredKey& key : estate.keys) {
    JsonValue::Object one = named(key.name, key.label);
    one.emplace_back("account", key.account);
    one.emplace_back("key_class", key.key_class);
    keys.emplace_back(std::move(one));
  }
  return {{"id", estate.id},
          {"digest", estate.digest},
          {"locations", locations},
          {"workloads", workloads},
          {"endpoints", endpoints},
          {"keys", keys},
          {"own_accounts", list_of(estate.own_accounts)}};
}

JsonValue::Object exception_json(const Exception& exception) {
  return {{"owner", exception.owner},
          {"approver", exception.approver},
          {"reason", exception.reason},
          {"compensating_control", exception.compensating_control},
          {"created", to_rfc3339(exception.created)},
          {"expires", to_rfc3339(exception.expires)}};
}

JsonValue::Object verdict_json(const std::string& control, const SubjectVerdict& verdict) {
  JsonValue::Object out = {{"subject_kind", text(name_of(verdict.subject.kind))},
                           {"subject", verdict.subject.id},
                           {"status", text(name_of(verdict.status))},
                           {"reason", verdict.reason},
                           {"evidence", list_of(verdict.evidence)},
                           {"remediation", verdict.remediation},
                           {"fingerprint", verdict.fingerprint(control)}};
  if (verdict.exception) out.emplace_back("exception", exception_json(*verdict.exception));
  return out;
}

JsonValue::Array controls_json(const Assessment& assessment) {
  JsonValue::Array controls;
  for (const ControlAssessment& control : assessment.controls) {
    JsonValue::Array subjects;
    for (const SubjectVerdict& verdict : control.subjects)
      subjects.emplace_back(verdict_json(control.control, verdict));
    controls.emplace_back(JsonValue::Object{{"control", control.control},
                                            {"status", text(name_of(control.status))},
                                            {"reason", control.reason},
                                            {"subjects", std::move(subjects)}});
  }
  return controls;
}

JsonValue::Object levels_json(const Maturity& maturity) {
  JsonValue::Array domains;
  for (const DomainMaturity& domain : maturity.domains) {
    JsonValue::Array blockers;
    for (const Blocker& blocker : domain.blockers) {
      blockers.emplace_back(JsonValue::Object{
          {"control", blocker.control}, {"status", text(name_of(blocker.status))}, {"reason", blocker.reason}});
    }
    domains.emplace_back(JsonValue::Object{{"domain", text(name_of(domain.domain))},
                                           {"level", text(name_of(domain.reached))},
                                           {"blockers", std::move(blockers)}});
  }
  return {{"overall", text(name_of(maturity.overall))}, {"domains", std::move(domains)}};
}

JsonValue::Array next_json(const Maturity& maturity) {
  JsonValue::Array next;
  for (const NextStep& step : maturity.next) {
    next.emplace_back(JsonValue::Object{{"control", step.control},
                                        {"domain", text(name_of(step.domain))},
                                        {"level", text(name_of(step.level))},
                                        {"gain", std::uint64_t{step.gain}},
                                        {"effort", std::uint64_t{step.effort}},
                                        {"what", step.what}});
  }
  return next;
}

// Of the assessment's controls, by status.
std::array<std::uint64_t, kStatusCount> counts_of(const Assessment& assessment) {
  std::array<std::uint64_t, kStatusCount> counts{};
  for (const ControlAssessment& control : assessment.controls) ++counts[static_cast<std::size_t>(control.status)];
  return counts;
}

JsonValue::Object counts_json(const Assessment& assessment) {
  JsonValue::Object out;
  const auto counts = counts_of(assessment);
  for (const Status status : kStatuses)
    out.emplace_back(text(name_of(status)), counts[static_cast<std::size_t>(status)]);
  return out;
}

JsonValue::Object verdicts_object(const Posture& posture) {
  const Assessment& assessment = posture.assessment;
  return {{"format", text(kReportFormat)},
          {"run", posture.run},
          {"program", posture.program},
          {"at", to_rfc3339(assessment.at)},
          {"estate_id", assessment.estate},
          {"estate_digest", assessment.estate_digest},
          {"catalogue_version", assessment.catalogue_version},
          {"catalogue_digest", assessment.catalogue_digest},
          {"levels", levels_json(posture.maturity)},
          {"score", JsonValue::Object{{"lower", std::uint64_t{posture.maturity.score.lower}},
                                      {"upper", std::uint64_t{posture.maturity.score.upper}}}},
          {"coverage", JsonValue::Object{{"assessed", assessment.coverage.assessed},
                                         {"known", assessment.coverage.known},
                                         {"permille", std::uint64_t{assessment.coverage.permille()}}}},
          {"counts", counts_json(assessment)},
          {"next", next_json(posture.maturity)},
          {"controls", controls_json(assessment)},
          {"exceptions_without_effect", list_of(assessment.exception_problems)}};
}

// Names may be any bytes, JSON may not: what is no well-formed text becomes \xNN, as facts have it. All of it stands in
// texts, where a backslash is written as two.
std::string well_formed(std::string json) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const auto bad = [&](std::size_t at, std::size_t size) { return !is_plain_utf8(json.substr(at, size)); };
  std::string out;
  std::size_t copied = 0;
  for (std::size_t i = 0; i < json.size();) {
    const auto lead = static_cast<unsigned char>(json[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const std::size_t size = lead < 0xE0 ? 2U : lead < 0xF0 ? 3U : 4U;
    if (!bad(i, size)) {
      i += size;
      continue;
    }
    out += json.substr(copied, i - copied);
    out.append({'\\', '\\', 'x', kDigits[lead >> 4], kDigits[lead & 15]});
    copied = ++i;
  }
  if (copied == 0) return json;
  return out + json.substr(copied);
}

JsonValue::Object point_json(const TrendPoint& point) {
  JsonValue::Object domains;
  for (const Domain domain : kDomains) {
    domains.emplace_back(text(name_of(domain)), text(name_of(point.domains[static_cast<std::size_t>(domain)])));
  }
  return {{"at", to_rfc3339(point.at)},
          {"run", point.run},
          {"overall", text(name_of(point.overall))},
          {"domains", std::move(domains)},
          {"lower", std::uint64_t{point.score.lower}},
          {"upper", std::uint64_t{point.score.upper}},
          {"coverage_permille", std::uint64_t{point.coverage_permille}},
          {"pass", point.pass},
          {"fail", point.fail},
          {"not_assessed", point.not_assessed},
          {"not_applicable", point.not_applicable},
          {"exceptions", point.exceptions}};
}

JsonValue::Object change_json(const Changed& changed) {
  return {{"change", text(name_of(changed.change))},
          {"control", changed.control},
          {"subject_kind", text(name_of(changed.subject.kind))},
          {"subject", changed.subject.id},
          {"before", text(name_of(changed.before))},
          {"after", text(name_of(changed.after))}};
}

JsonValue::Object history_object(const Posture& posture) {
  JsonValue::Array trend, changes;
  for (const TrendPoint& point : posture.trend) trend.emplace_back(point_json(point));
  for (const Changed& changed : posture.changes) changes.emplace_back(change_json(changed));
  return {{"trend", std::move(trend)}, {"changes", std::move(changes)}};
}

Error malformed(const std::string& what) { return Error(Code::kInvalid, "no posture report: " + what); }

Result<std::string> take_text(const JsonValue& json, std::string_view name) {
  const JsonValue* member = json.find(name);
  if (member == nullptr || member->string() == nullptr) return malformed("it has no text \"" + text(name) + "\"");
  return *member->string();
}

Result<std::uint64_t> take_number(const JsonValue* json, std::string_view name, std::uint64_t max) {
  const JsonValue* member = json == nullptr ? nullptr : json->find(name);
  const auto number = member == nullptr ? std::nullopt : member->unsigned_integer();
  if (!number || *number > max) return malformed("it has no number \"" + text(name) + "\"");
  return *number;
}

Result<const JsonValue::Array*> take_list(const JsonValue* json, std::string_view name) {
  const JsonValue* member = json == nullptr ? nullptr : json->find(name);
  if (member == nullptr || member->array() == nullptr) return malformed("it has no list \"" + text(name) + "\"");
  return member->array();
}

Result<Reached> take_level(const JsonValue& json, std::string_view name) {
  CLOISTER_TRY(const std::string word, take_text(json, name));
  return parse_reached(word);
}

cloister::Status take_point(const JsonValue& json, TrendPoint& point) {
  CLOISTER_TRY(point.run, take_text(json, "run"));
  CLOISTER_TRY(const std::string at, take_text(json, "at"));
  CLOISTER_TRY(point.at, parse_rfc3339(at));
  const JsonValue* levels = json.find("levels");
  CLOISTER_TRY(const JsonValue::Array* domains, take_list(levels, "domains"));
  if (domains->size() != kDomainCount) return malformed("it hasn't five domains");
  for (std::size_t i = 0; i < kDomainCount; ++i) {
    CLOISTER_TRY(const std::string name, take_text((*domains)[i], "domain"));
    if (name != name_of(kDomains[i])) return malformed("its domains aren't in their order");
    CLOISTER_TRY(point.domains[i], take_level((*domains)[i], "level"));
  }
  CLOISTER_TRY(point.overall, take_level(*levels, "overall"));
  CLOISTER_TRY(const std::uint64_t lower, take_number(json.find("score"), "lower", 10'000));
  CLOISTER_TRY(const std::uint64_t upper, take_number(json.find("score"), "upper", 10'000));
  point.score = {static_cast<std::uint32_t>(lower), static_cast<std::uint32_t>(upper)};
  CLOISTER_TRY(const std::uint64_t permille, take_number(json.find("coverage"), "permille", 1000));
  point.coverage_permille = static_cast<std::uint32_t>(permille);
  return {};
}

void count(TrendPoint& point, Status status) {
  switch (status) {
    case Status::kPass: ++point.pass; break;
    case Status::kFail: ++point.fail; break;
    case Status::kNotAssessed: ++point.not_assessed; break;
    case Status::kNotApplicable: ++point.not_applicable; break;
    case Status::kException: ++point.exceptions; break;
  }
}

Result<std::uint64_t> take_count(const JsonValue& json, std::string_view name) {
  return take_number(&json, name, std::uint64_t{1} << 40);
}

Result<TrendPoint> take_trend_point(const JsonValue& json) {
  TrendPoint point;
  CLOISTER_TRY(point.run, take_text(json, "run"));
  CLOISTER_TRY(const std::string at, take_text(json, "at"));
  CLOISTER_TRY(point.at, parse_rfc3339(at));
  CLOISTER_TRY(point.overall, take_level(json, "overall"));
  const JsonValue* domains = json.find("domains");
  if (domains == nullptr) return malformed("a point of its trend has no domains");
  for (const Domain domain : kDomains) {
    CLOISTER_TRY(point.domains[static_cast<std::size_t>(domain)], take_level(*domains, name_of(domain)));
  }
  CLOISTER_TRY(const std::uint64_t lower, take_number(&json, "lower", 10'000));
  CLOISTER_TRY(const std::uint64_t upper, take_number(&json, "upper", 10'000));
  point.score = {static_cast<std::uint32_t>(lower), static_cast<std::uint32_t>(upper)};
  CLOISTER_TRY(const std::uint64_t permille, take_number(&json, "coverage_permille", 1000));
  point.coverage_permille = static_cast<std::uint32_t>(permille);
  CLOISTER_TRY(point.pass, take_count(json, "pass"));
  CLOISTER_TRY(point.fail, take_count(json, "fail"));
  CLOISTER_TRY(point.not_assessed, take_count(json, "not_assessed"));
  CLOISTER_TRY(point.not_applicable, take_count(json, "not_applicable"));
  CLOISTER_TRY(point.exceptions, take_count(json, "exceptions"));
  return point;
}

Result<Changed> take_changed(const JsonValue& json) {
  Changed changed;
  CLOISTER_TRY(const std::string word, take_text(json, "change"));
  const auto* found = std::ranges::find(kChanges, word, [](Change change) { return name_of(change); });
  if (found == kChanges.end()) return malformed("there is no change \"" + word + "\"");
  changed.change = *found;
  CLOISTER_TRY(changed.control, take_text(json, "control"));
  CLOISTER_TRY(const std::string kind, take_text(json, "subject_kind"));
  CLOISTER_TRY(changed.subject.kind, parse_subject_kind(kind));
  CLOISTER_TRY(changed.subject.id, take_text(json, "subject"));
  CLOISTER_TRY(const std::string before, take_text(json, "before"));
  CLOISTER_TRY(changed.before, parse_status(before));
  CLOISTER_TRY(const std::string after, take_text(json, "after"));
  CLOISTER_TRY(changed.after, parse_status(after));
  return changed;
}

Result<StoredVerdict> take_verdict(const std::string& control, const JsonValue& json) {
  StoredVerdict verdict;
  verdict.control = control;
  CLOISTER_TRY(const std::string kind, take_text(json, "subject_kind"));
  CLOISTER_TRY(verdict.subject.kind, parse_subject_kind(kind));
  CLOISTER_TRY(verdict.subject.id, take_text(json, "subject"));
  CLOISTER_TRY(const std::string status, take_text(json, "status"));
  CLOISTER_TRY(verdict.status, parse_status(status));
  return verdict;
}

}  // namespace

Result<Status> parse_status(std::string_view word) {
  for (const Status status : kStatuses) {
    if (name_of(status) == word) return status;
  }
  return malformed("there is no status \"" + text(word) + "\"");
}

Result<Reached> parse_reached(std::string_view word) {
  if (word == name_of(Reached())) return Reached();
  for (const Level level : kLevels) {
    if (name_of(level) == word) return Reached(level);
  }
  return Error(Code::kInvalid, "there is no level \"" + text(word) + "\"");
}

std::string verdicts_json(const Posture& posture) {
  return well_formed(JsonValue(verdicts_object(posture)).serialize());
}

std::string report_json(const Posture& posture) {
  JsonValue::Object out = verdicts_object(posture);
  out.emplace_back("estate", estate_json(posture.estate));
  JsonValue::Object context;
  for (const auto& [name, value] : posture.context) context.emplace_back(name, value);
  out.emplace_back("context", std::move(context));
  out.emplace_back("unread", list_of(posture.unread));
  for (auto& member : history_object(posture)) out.push_back(std::move(member));
  std::string json = well_formed(JsonValue(std::move(out)).serialize());
  json.pop_back();
  json += ",\"facts\":[";
  for (std::size_t i = 0; i < posture.facts.size(); ++i) json += (i == 0 ? "" : ",") + fact_json(posture.facts[i]);
  return json + "]}";
}

std::string history_json(const Posture& posture) { return well_formed(JsonValue(history_object(posture)).serialize()); }

Result<StoredHistory> parse_history(std::string_view json) {
  CLOISTER_TRY(const JsonValue document, parse_json(json, kLimits));
  StoredHistory history;
  CLOISTER_TRY(const JsonValue::Array* trend, take_list(&document, "trend"));
  for (const JsonValue& one : *trend) {
    CLOISTER_TRY(TrendPoint point, take_trend_point(one));
    history.trend.push_back(std::move(point));
  }
  CLOISTER_TRY(const JsonValue::Array* changes, take_list(&document, "changes"));
  for (const JsonValue& one : *changes) {
    CLOISTER_TRY(Changed changed, take_changed(one));
    history.changes.push_back(std::move(changed));
  }
  return history;
}

StoredReport stored(const Posture& posture) {
  StoredReport out;
  out.point.at = posture.assessment.at;
  out.point.run = posture.run;
  for (std::size_t i = 0; i < kDomainCount; ++i) out.point.domains[i] = posture.maturity.domains[i].reached;
  out.point.overall = posture.maturity.overall;
  out.point.score = posture.maturity.score;
  out.point.coverage_permille = posture.assessment.coverage.permille();
  for (const ControlAssessment& control : posture.assessment.controls) {
    count(out.point, control.status);
    out.controls.emplace_back(control.control, control.status);
    for (const SubjectVerdict& verdict : control.subjects) {
      out.verdicts.push_back({control.control, verdict.subject, verdict.status});
    }
  }
  return out;
}

Result<StoredReport> parse_report(std::string_view json) {
  CLOISTER_TRY(const JsonValue document, parse_json(json, kLimits));
  CLOISTER_TRY(const std::string format, take_text(document, "format"));
  if (format != kReportFormat) return malformed("its format isn't " + text(kReportFormat));
  StoredReport report;
  CLOISTER_RETURN_IF_ERROR(take_point(document, report.point));
  CLOISTER_TRY(const JsonValue::Array* controls, take_list(&document, "controls"));
  for (const JsonValue& control : *controls) {
    CLOISTER_TRY(const std::string id, take_text(control, "control"));
    CLOISTER_TRY(const std::string word, take_text(control, "status"));
    CLOISTER_TRY(const Status status, parse_status(word));
    report.controls.emplace_back(id, status);
    count(report.point, status);
    CLOISTER_TRY(const JsonValue::Array* subjects, take_list(&control, "subjects"));
    for (const JsonValue& subject : *subjects) {
      CLOISTER_TRY(StoredVerdict verdict, take_verdict(id, subject));
      report.verdicts.push_back(std::move(verdict));
    }
  }
  return report;
}

}  // namespace cloister::posture
