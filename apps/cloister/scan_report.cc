#include "scan_report.h"

#include <algorithm>

#include "base/json.h"

namespace cloister::cli {
namespace {

constexpr JsonLimits kStoredLimits{std::size_t{64} << 20, 12, std::size_t{1} << 20};

Json finding_json(const probe::Finding& finding) {
  return {{"rule", finding.rule->id},      {"check", finding.rule->check}, {"subject", finding.subject},
          {"seen", name_of(finding.seen)}, {"points", finding.points},     {"cap", std::string(1, finding.cap)},
          {"what", finding.rule->what},    {"detail", finding.detail},     {"fix", finding.rule->fix}};
}

Json findings_json(const std::vector<probe::Finding>& findings) {
  Json list = Json::array();
  for (const auto& one : findings) list.push_back(finding_json(one));
  return list;
}

Json target_json(const ScanResult& result) {
  if (!result.report.ok()) {
    return {
        {"target", result.target},
        {"time", to_rfc3339(result.at)},
        {"error", {{"code", code_name(result.report.error().code())}, {"message", result.report.error().message()}}}};
  }
  const probe::ScanReport& report = *result.report;
  Json facts = Json::array();
  for (const auto& fact : report.facts.all()) {
    facts.push_back(
        {{"check", fact.check}, {"subject", fact.subject}, {"seen", name_of(fact.seen)}, {"detail", fact.detail}});
  }
  return {{"target", result.target},
          {"host", report.endpoint.address.host},
          {"port", report.endpoint.address.port},
          {"address", report.endpoint.resolved.to_string()},
          {"server_name", report.endpoint.server_name},
          {"time", to_rfc3339(result.at)},
          {"seconds", report.seconds},
          {"connections", report.connections},
          {"profile", report.profile->name},
          {"grade", report.grade.letter},
          {"score", report.grade.score},
          {"lost", findings_json(report.grade.lost)},
          {"not_assessed", findings_json(report.grade.not_assessed)},
          {"facts", std::move(facts)}};
}

std::string_view level_of(const probe::Finding& finding) {
  return finding.points >= 30 ? "error" : finding.points >= 5 ? "warning" : "note";
}

std::string subject_text(const probe::Finding& finding) {
  std::string text;
  if (!finding.subject.empty() && finding.rule->subject.find('*') != std::string_view::npos) text = finding.subject;
  if (!finding.detail.empty()) text += (text.empty() ? "" : ": ") + finding.detail;
  return text;
}

Json sarif_result(const ScanResult& result, const probe::Finding& finding, bool open) {
  const std::string about = subject_text(finding);
  return {{"ruleId", finding.rule->id},
          {"kind", open ? "open" : "fail"},
          {"level", open ? std::string_view("none") : level_of(finding)},
          {"message", {{"text", std::string(finding.rule->what) + (about.empty() ? "" : " (" + about + ")")}}},
          {"locations",
           Json::array({{{"physicalLocation", {{"artifactLocation", {{"uri", "tls://" + result.target}}}}}}})}};
}

std::string value_of(const probe::Facts& facts, std::string_view check, std::string_view subject) {
  const probe::Fact* fact = facts.find(check, subject);
  return fact == nullptr ? "" : fact->detail;
}

// Words of one line at least, broken where the line would be too long.
std::string wrapped(const std::string& text, std::size_t indent) {
  constexpr std::size_t kWidth = 100;
  std::string out;
  std::size_t at = indent;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    if (at + (end - start) > kWidth && at > indent) {
      out += "\n" + std::string(indent, ' ');
      at = indent;
    } else if (start > 0) {
      out += ' ';
    }
    out.append(text, start, end - start);
    at += end - start + 1;
    start = end + 1;
  }
  return out;
}

void add_findings(const std::string& heading, const std::vector<probe::Finding>& findings, std::string& text) {
  if (findings.empty()) return;
  text += "\n  " + heading + "\n";
  for (const auto& one : findings) {
    const std::string points = one.points == 0 ? "0" : "-" + std::to_string(one.points);
    const std::string about = subject_text(one);
    text += "  " + std::string(5 - std::min<std::size_t>(points.size(), 4), ' ') + points + "  ";
    text += one.cap == 'A' ? "   " : "<=" + std::string(1, one.cap);
    text += "  " + wrapped(std::string(one.rule->what) + " [" + std::string(one.rule->id) + "]", 14) + "\n";
    const std::string margin(14, ' ');
    if (!about.empty()) text += margin + wrapped(about, 14) + "\n";
    if (one.seen != probe::Seen::kUnknown) text += margin + "fix: " + wrapped(std::string(one.rule->fix), 19) + "\n";
  }
}

}  // namespace

Json scan_json(const std::vector<ScanResult>& results) {
  Json targets = Json::array();
  for (const ScanResult& result : results) targets.push_back(target_json(result));
  return {{"format", kScanFormat}, {"version", CLOISTER_VERSION}, {"targets", std::move(targets)}};
}

Json scan_sarif(const std::vector<ScanResult>& results) {
  Json rules = Json::array(), found = Json::array();
  for (const auto& rule : probe::rules()) {
    rules.push_back({{"id", rule.id}, {"shortDescription", {{"text", rule.what}}}, {"help", {{"text", rule.fix}}}});
  }
  for (const ScanResult& result : results) {
    if (!result.report.ok()) continue;
    for (const auto& one : result.report->grade.lost) found.push_back(sarif_result(result, one, false));
    for (const auto& one : result.report->grade.not_assessed) found.push_back(sarif_result(result, one, true));
  }
  Json driver{{"name", "cloister scan"}, {"version", CLOISTER_VERSION}, {"rules", std::move(rules)}};
  return {{"version", "2.1.0"},
          {"runs", Json::array({{{"tool", {{"driver", std::move(driver)}}}, {"results", std::move(found)}}})}};
}

std::string scan_text(const ScanResult& result, ShowFacts show) {
  if (!result.report.ok()) return result.target + ": " + printable(result.report.error().message()) + "\n";
  const probe::ScanReport& report = *result.report;
  const auto& facts = report.facts;
  std::string text =
      result.target + "  " + report.endpoint.resolved.to_string() + "  " + std::string(report.profile->name) + "\n\n";
  text += "  grade " + report.grade.letter + ", " + std::to_string(report.grade.score) + " of 100\n";
  const std::string version = value_of(facts, "K1", "version");
  if (facts.seen("K1", "version") == probe::Seen::kYes) {
    text +=
        "  spoken: " + version + ", " + value_of(facts, "K1", "cipher") + ", " + value_of(facts, "K1", "group") + "\n";
  }
  const std::string id = value_of(facts, "X11", "claims an id");
  const std::string names = value_of(facts, "X4", "wildcard");
  if (!names.empty()) text += "  names: " + wrapped(names, 9) + "\n";
  if (!id.empty()) text += "  id: " + id + "\n";
  if (const auto* life = facts.find("X3", "rest")) text += "  certificate: " + life->detail + "\n";
  add_findings("lost", report.grade.lost, text);
  add_findings("not assessed", report.grade.not_assessed, text);
  if (show == ShowFacts::kYes) {
    Table table({"check", "subject", "seen", "detail"});
    for (const auto& fact : facts.all())
      table.row({fact.check, fact.subject, std::string(name_of(fact.seen)), fact.detail});
    text += "\n" + table.text();
  }
  text += "\n  " + count_text(report.connections, "connection") + ", " + seconds_text(report.seconds) + "\n";
  return text;
}

Result<std::vector<StoredScan>> parse_scan(std::string_view text) {
  CLOISTER_TRY(const JsonValue value, parse_json(text, kStoredLimits));
  const auto word = [](const JsonValue& object, std::string_view name) {
    const JsonValue* member = object.find(name);
    const std::string* string = member == nullptr ? nullptr : member->string();
    return string == nullptr ? std::string() : *string;
  };
  const JsonValue* targets = value.find("targets");
  if (word(value, "format") != kScanFormat || targets == nullptr || targets->array() == nullptr) {
    return invalid("this is no result of `cloister scan --json`");
  }
  std::vector<StoredScan> scans;
  for (const JsonValue& one : *targets->array()) {
    if (one.find("error") != nullptr) continue;
    StoredScan scan{word(one, "target"), word(one, "profile"), word(one, "grade"), {}, 0, {}};
    CLOISTER_TRY(scan.at, parse_rfc3339(word(one, "time")));
    const JsonValue* score = one.find("score");
    const JsonValue* lost = one.find("lost");
    if (score == nullptr || !score->unsigned_integer() || lost == nullptr || lost->array() == nullptr) {
      return invalid("a stored result of " + printable(scan.target) + " lacks its score or what it lost");
    }
    scan.score = *score->unsigned_integer();
    for (const JsonValue& finding : *lost->array()) scan.broken.push_back(word(finding, "rule"));
    scans.push_back(std::move(scan));
  }
  return scans;
}

}  // namespace cloister::cli
