#include "posture/collect/mesh/mesh_collector.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/json.h"
#include "net/address.h"
#include "posture/collect/tls/scan_collector.h"
#include "posture/inventory.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kFormat = "cloister-mesh-audit/1";
constexpr JsonLimits kLimits = {kInputFileMax, 12, std::size_t{1} << 20};
constexpr std::array<std::string_view, 5> kWorstFirst = {"disabled", "none", "permissive", "unknown", "strict"};

std::string text_of(const JsonValue& object, std::string_view name) {
  const JsonValue* found = object.find(name);
  return found == nullptr || found->string() == nullptr ? std::string() : *found->string();
}

const JsonValue::Array* list_of(const JsonValue& object, std::string_view name) {
  const JsonValue* found = object.find(name);
  return found == nullptr ? nullptr : found->array();
}

// A word that isn't known is no better than "unknown".
std::size_t badness(std::string_view mode) {
  const auto found = std::ranges::find(kWorstFirst, mode);
  return static_cast<std::size_t>((found == kWorstFirst.end() ? std::ranges::find(kWorstFirst, "unknown") : found) -
                                  kWorstFirst.begin());
}

std::string worst_mode(const JsonValue& workload) {
  std::size_t worst = badness(text_of(workload, "mode"));
  const JsonValue* ports = workload.find("ports");
  if (ports != nullptr && ports->object() != nullptr) {
    for (const auto& [port, mode] : *ports->object()) {
      worst = std::min(worst, badness(mode.string() == nullptr ? "" : *mode.string()));
    }
  }
  return std::string(kWorstFirst[worst]);
}

// Findings of these rules lead plaintext past a mode that is strict: annotations and settings that take ports out of
// the proxy's hands.
constexpr std::array<std::string_view, 4> kLeadsAround = {"I8", "L4", "C5", "K4"};

// What is known of one workload, from all files.
struct Known {
  std::optional<Time> audited, scanned;
  std::string mode = "unknown";
  bool bypassed = false;
  std::set<std::string> audited_workloads, accounts;
  bool accounts_known = true;
  std::optional<bool> plaintext_refused;
  std::int64_t lifetime_minutes = 0;                         // the longest; 0: none was seen
  std::map<std::string, std::map<Time, Time>> certificates;  // by address: when scanned, and since when it is valid
  bool expired = false;
};

class Gathering {
 public:
  explicit Gathering(const CollectContext& context) : estate_(*context.estate), now_(context.now) {}

  void take(const MeshAudit& audit) {
    for (const MeshedWorkload& workload : audit.workloads) {
      if (!workload.account.empty()) users_[workload.account].insert(workload.name);
      const auto declares = [&](const auto& component) {
        return std::ranges::find(component.workloads, workload.name) != component.workloads.end();
      };
      const auto component = std::ranges::find_if(estate_.graph.components, declares);
      if (component == estate_.graph.components.end() || audit.at > now_) continue;
      Known& known = known_[component->name];
      // A manifest that couldn't be read may have the policy that lets plaintext through.
      const std::string mode = !audit.whole && workload.mode == "strict" ? "unknown" : workload.mode;
      if (!known.audited || badness(mode) < badness(known.mode)) known.mode = mode;
      known.audited = std::max(known.audited.value_or(audit.at), audit.at);
      known.bypassed = known.bypassed || workload.bypassed;
      known.audited_workloads.insert(workload.name);
      // It may also have a workload with the same account.
      known.accounts_known = known.accounts_known && audit.whole && !workload.account.empty();
      known.accounts.insert(workload.account);
    }
  }

  void take(const ScannedTarget& target) {
    if (target.profile != "mesh-workload" || target.fact.not_assessed || target.fact.at > now_) return;
    if (target.fact.valid_until < now_) return;
    const auto address = net::parse_tcp_address(target.address);
    if (!address.ok()) return;
    const auto ip = probe::path::IpAddress::parse(address->host);
    if (!ip.ok()) return;
    const auto is_there = [&](const auto& component) {
      return std::ranges::any_of(component.addresses, [&](const auto& network) { return network.contains(*ip); });
    };
    const auto component = std::ranges::find_if(estate_.graph.components, is_there);
    if (component == estate_.graph.components.end()) return;
    Known& known = known_[component->name];
    known.scanned = std::max(known.scanned.value_or(target.fact.at), target.fact.at);
    // One port that wasn't asked may answer plaintext.
    const auto refused = target.fact.truth("plaintext_refused");
    refused_[component->name].push_back(refused);
    known.lifetime_minutes = std::max(known.lifetime_minutes, target.fact.number("lifetime_minutes").value_or(0));
    const std::string* from = target.fact.text("valid_from");
    const auto since = parse_rfc3339(from == nullptr ? "" : *from);
    if (!since.ok()) return;
    known.certificates[target.address][target.fact.at] = *since;
    const Duration life = minutes(target.fact.number("lifetime_minutes").value_or(0));
    known.expired = known.expired || *since + life < target.fact.at;
  }

  void report(FactSink& sink) const {
    for (const Workload& workload : estate_.workloads) {
      const auto found = known_.find(workload.name);
      if (found != known_.end()) sink.add(fact_of(workload.name, found->second));
    }
  }

 private:
  // A component may have several workloads, and be as good as the worst of them.
  bool all_audited(const std::string& name, const Known& known) const {
    const auto component = std::ranges::find(estate_.graph.components, name, &probe::path::Component::name);
    return component != estate_.graph.components.end() &&
           std::ranges::all_of(component->workloads,
                               [&](const auto& workload) { return known.audited_workloads.contains(workload); });
  }

  std::optional<bool> strict_of(const std::string& name, const Known& known) const {
    if (known.bypassed) return false;
    if (!known.audited || known.mode == "unknown") return std::nullopt;
    if (known.mode != "strict") return false;
    return all_audited(name, known) ? std::optional(true) : std::nullopt;
  }

  std::optional<bool> refused_of(const std::string& name) const {
    const auto found = refused_.find(name);
    if (found == refused_.end()) return std::nullopt;
    const auto says = [&](std::optional<bool> answer) {
      return std::ranges::find(found->second, answer) != found->second.end();
    };
    if (says(false)) return false;
    return says(std::nullopt) ? std::nullopt : std::optional(true);
  }

  static std::optional<bool> rotation_of(const Known& known) {
    if (known.expired) return false;
    for (const auto& [address, scans] : known.certificates) {
      if (scans.rbegin()->second > scans.begin()->second) return true;
    }
    return std::nullopt;
  }

  // Other workloads that have one of its identities.
  std::int64_t shared_of(const Known& known) const {
    std::int64_t shared = 0;
    for (const std::string& account : known.accounts) {
      const auto users = users_.find(account);
      if (users != users_.end() && users->second.size() > 1) ++shared;
    }
    return shared;
  }

  Fact fact_of(const std::string& name, const Known& known) const {
    Fact fact;
    fact.kind = "mesh.policy";
    fact.subject = {SubjectKind::kWorkload, name};
    fact.collector = kMeshCollector;
    fact.scope = known.audited ? "manifests" : "";
    if (known.scanned) fact.scope += fact.scope.empty() ? "ports" : " and ports";
    fact.at = known.audited ? std::min(*known.audited, known.scanned.value_or(*known.audited)) : *known.scanned;
    fact.valid_until = known.audited ? *known.audited + kConfigurationValid : *known.scanned + kProbeValid;
    const auto add = [&fact](std::string_view value, std::optional<bool> truth) {
      if (truth) fact.values.emplace(value, *truth);
    };
    add("strict", strict_of(name, known));
    add("plaintext_refused", refused_of(name));
    add("rotation_seen", rotation_of(known));
    const std::int64_t shared = shared_of(known);
    const bool none_missed = known.audited && known.accounts_known && all_audited(name, known);
    if (none_missed || shared > 0) fact.values["shared_identities"] = shared;
    if (known.lifetime_minutes > 0) fact.values["svid_ttl_minutes"] = known.lifetime_minutes;
    fact.raw = "mode: " + (known.audited ? known.mode : std::string("not audited"));
    for (const std::string& account : known.accounts) fact.raw += "\nidentity: " + account;
    return fact;
  }

  const Estate& estate_;
  const Time now_;
  std::map<std::string, Known> known_;
  std::map<std::string, std::vector<std::optional<bool>>> refused_;
  std::map<std::string, std::set<std::string>> users_;  // workloads by their service account
};

Result<MeshedWorkload> workload_of(const JsonValue& json) {
  const std::string name_space = text_of(json, "namespace"), name = text_of(json, "name");
  if (name_space.empty() || name.empty()) return Error(Code::kInvalid, "a workload has no name");
  MeshedWorkload workload{name_space + "/" + name, {}, worst_mode(json), false};
  if (const std::string account = text_of(json, "service_account"); !account.empty()) {
    workload.account = name_space + "/" + account;
  }
  return workload;
}

// "prod" of "Namespace prod" and "Service prod/api", whose annotations all pods there inherit; empty for all else.
std::string namespace_of(const std::string& subject) {
  constexpr std::string_view kNamespace = "Namespace ", kService = "Service ";
  const std::size_t slash = subject.find('/');
  const bool named = slash == std::string::npos && subject.find('(') == std::string::npos;
  if (subject.starts_with(kNamespace)) return named ? subject.substr(kNamespace.size()) : "";
  if (!subject.starts_with(kService) || slash == std::string::npos) return "";
  return subject.substr(kService.size(), slash - kService.size());
}

// Whose traffic findings say is led around the proxy: by annotations of workloads or namespaces, or, in an operator's
// or a chart's values, everybody's.
struct LedAround {
  std::set<std::string> workloads, namespaces;
  bool everybody = false;

  void add(std::string subject, const std::set<std::string>& known_workloads) {
    const std::string name_space = namespace_of(subject);
    if (known_workloads.contains(subject)) {
      workloads.insert(std::move(subject));
    } else if (!name_space.empty()) {
      namespaces.insert(name_space);
    } else {
      everybody = true;
    }
  }
  bool has(const std::string& subject, const std::string& name) const {
    return everybody || workloads.contains(subject) || namespaces.contains(name.substr(0, name.find('/')));
  }
};

}  // namespace

Result<MeshAudit> parse_mesh_audit(std::string_view json) {
  CLOISTER_TRY(const JsonValue document, parse_json(json, kLimits));
  const auto *workloads = list_of(document, "workloads"), *findings = list_of(document, "findings"),
             *unread = list_of(document, "unread");
  if (text_of(document, "format") != kFormat || workloads == nullptr || findings == nullptr || unread == nullptr) {
    return Error(Code::kInvalid, "this is no result of `cloister mesh audit --json`");
  }
  MeshAudit audit;
  CLOISTER_TRY(audit.at, parse_rfc3339(text_of(document, "time")));
  audit.whole = unread->empty();
  std::vector<std::string> subjects;
  for (const JsonValue& one : *workloads) {
    CLOISTER_TRY(MeshedWorkload workload, workload_of(one));
    subjects.push_back(text_of(one, "kind") + " " + workload.name);
    audit.workloads.push_back(std::move(workload));
  }
  const std::set<std::string> known(subjects.begin(), subjects.end());
  LedAround around;
  for (const JsonValue& finding : *findings) {
    if (std::ranges::find(kLeadsAround, text_of(finding, "rule")) == kLeadsAround.end()) continue;
    // A resource with several pods has their place behind its name.
    const std::string subject = text_of(finding, "subject");
    around.add(subject.substr(0, subject.find(' ', subject.find('/'))), known);
  }
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    audit.workloads[i].bypassed = around.has(subjects[i], audit.workloads[i].name);
  }
  return audit;
}

void MeshCollector::collect(const CollectContext& context, FactSink& sink) {
  Gathering gathering(context);
  for (const InputFile& file : audits_) {
    const auto audit = parse_mesh_audit(file.content);
    if (audit.ok()) gathering.take(*audit);
    if (!audit.ok()) {
      sink.add(unread_source_fact(kMeshCollector, file.name, audit.error().message(), context.now));
    }
  }
  for (const InputFile& file : scans_) {
    // A file that isn't a scan is told of by the collector of scans.
    const auto targets = scanned_targets(*context.estate, file.content);
    for (std::size_t i = 0; targets.ok() && i < targets->size(); ++i) gathering.take((*targets)[i]);
  }
  gathering.report(sink);
}

}  // namespace cloister::posture
