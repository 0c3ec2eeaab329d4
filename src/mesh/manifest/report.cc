#include "mesh/manifest/report.h"

#include <set>

namespace cloister::mesh {
namespace {

using Object = JsonValue::Object;
using Array = JsonValue::Array;

JsonValue text(std::string_view words) { return JsonValue(std::string(words)); }

Object finding_json(const Finding& finding) {
  return {{"rule", text(finding.rule->id)}, {"severity", text(name_of(finding.severity))},
          {"file", finding.file},           {"line", std::uint64_t{finding.line}},
          {"subject", finding.subject},     {"what", finding.what},
          {"why", text(finding.rule->why)}, {"fix", text(finding.rule->fix)}};
}

Object workload_json(const WorkloadMode& workload) {
  Object ports;
  for (const auto& [port, mode] : workload.ports) ports.emplace_back(port, mode);
  return {{"namespace", workload.name_space},
          {"kind", workload.kind},
          {"name", workload.name},
          {"service_account", workload.service_account},
          {"mesh", workload.mesh},
          {"mode", workload.mode},
          {"ports", std::move(ports)},
          {"because", workload.because},
          {"file", workload.file},
          {"line", std::uint64_t{workload.line}}};
}

Object counts_json(const AuditReport& report) {
  Object counts;
  for (const Severity severity : {Severity::kHigh, Severity::kMedium, Severity::kLow, Severity::kNote}) {
    std::uint64_t count = 0;
    for (const Finding& finding : report.findings) count += finding.severity == severity ? 1 : 0;
    counts.emplace_back(name_of(severity), count);
  }
  return counts;
}

std::string_view sarif_level(Severity severity) {
  switch (severity) {
    case Severity::kHigh: return "error";
    case Severity::kMedium: return "warning";
    case Severity::kLow: return "note";
    case Severity::kNote: break;
  }
  return "none";
}

// A path as a relative reference: RFC 3986.
std::string as_uri(std::string_view path) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  if (path == "-") return "stdin";
  std::string uri;
  for (const char c : path) {
    if (kPlain.find(c) != std::string_view::npos) {
      uri.push_back(c);
    } else {
      const auto byte = static_cast<std::uint8_t>(c);
      uri += "%" + to_hex({&byte, 1});
    }
  }
  return uri;
}

Object sarif_result(const Finding& finding) {
  Object place{{"artifactLocation", Object{{"uri", as_uri(finding.file)}}}};
  if (finding.line != 0) place.emplace_back("region", Object{{"startLine", std::uint64_t{finding.line}}});
  const std::string message = finding.subject + ": " + finding.what + ". " + std::string(finding.rule->why) + ". " +
                              std::string(finding.rule->fix);
  return {{"ruleId", text(finding.rule->id)},
          {"level", text(sarif_level(finding.severity))},
          {"message", Object{{"text", message}}},
          {"locations", Array{Object{{"physicalLocation", std::move(place)}}}}};
}

Object sarif_rule(const Rule& rule) {
  return {{"id", text(rule.id)},
          {"shortDescription", Object{{"text", text(rule.about)}}},
          {"fullDescription", Object{{"text", text(rule.why)}}},
          {"help", Object{{"text", text(rule.fix)}}},
          {"defaultConfiguration", Object{{"level", text(sarif_level(rule.severity))}}}};
}

}  // namespace

JsonValue to_json(const AuditReport& report, Time now) {
  Array findings, workloads, unread;
  for (const Finding& finding : report.findings) findings.push_back(finding_json(finding));
  for (const WorkloadMode& workload : report.workloads) workloads.push_back(workload_json(workload));
  for (const UnreadManifest& file : report.unread) {
    unread.push_back(Object{{"file", file.file}, {"reason", file.reason}});
  }
  return Object{{"format", "cloister-mesh-audit/1"},    {"time", to_rfc3339(now)},
                {"files", std::uint64_t{report.files}}, {"resources", std::uint64_t{report.resources}},
                {"counts", counts_json(report)},        {"findings", std::move(findings)},
                {"workloads", std::move(workloads)},    {"unread", std::move(unread)}};
}

JsonValue to_sarif(const AuditReport& report, const std::string& program_version) {
  Array used, results;
  std::set<std::string_view> seen;
  for (const Finding& finding : report.findings) {
    results.push_back(sarif_result(finding));
    if (seen.insert(finding.rule->id).second) used.push_back(sarif_rule(*finding.rule));
  }
  Object driver{{"name", "cloister"}, {"version", program_version}, {"rules", std::move(used)}};
  return Object{
      {"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
      {"version", "2.1.0"},
      {"runs", Array{Object{{"tool", Object{{"driver", std::move(driver)}}}, {"results", std::move(results)}}}}};
}

}  // namespace cloister::mesh
