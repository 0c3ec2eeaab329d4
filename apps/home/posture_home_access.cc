// Who may use keys, by the policies in force; and what the programs that hold keys leave when they crash.
#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <set>

#include "home/posture_home.h"
#include "keys/hierarchy.h"
#include "policy/policy.h"

namespace cloister::home {
namespace {

using policy::Operation;
using posture::FactValues;
using posture::Subject;
using posture::SubjectKind;

constexpr Operation kOpening[] = {Operation::kUnwrap, Operation::kRelease, Operation::kDatasetExport};
constexpr Operation kAdministering[] = {Operation::kDatasetCreate,     Operation::kDatasetRotateKey,
                                        Operation::kDatasetDisableKey, Operation::kDatasetEnableKey,
                                        Operation::kDatasetDestroyKey, Operation::kDatasetAddRecipient,
                                        Operation::kTenantCreate,      Operation::kTenantDestroy,
                                        Operation::kKekRotate,         Operation::kKekDisable,
                                        Operation::kKekEnable,         Operation::kKekScheduleDestroy,
                                        Operation::kKekDestroy,        Operation::kKekDestroyImmediately,
                                        Operation::kPolicySet};

bool allows_any(const policy::Rule& rule, std::span<const Operation> operations) {
  return std::ranges::any_of(operations, [&](Operation one) { return rule.operations.has(one); });
}

bool any_name(const std::vector<policy::NamePattern>& names) {
  return std::ranges::any_of(names, [](const policy::NamePattern& name) { return name.any(); });
}

// Whether one may open data and the other administer its keys, as the same caller.
bool may_be_same(const policy::CallerPattern& a, const policy::CallerPattern& b) {
  if (a.any() || b.any() || a.text() == b.text()) return true;
  const std::size_t parts = std::min(a.literal_parts(), b.literal_parts());
  if (parts == 0 || a.literal_prefix(parts) != b.literal_prefix(parts)) return false;
  // Beyond what both write out, one that has a pattern there may be the other.
  return a.text().find('*') != std::string::npos || b.text().find('*') != std::string::npos;
}

struct Access {
  std::int64_t wildcards = 0;
  std::set<std::string> both;
  std::vector<std::string> findings;
};

Access access_by(const policy::Policy& policy) {
  Access access;
  std::vector<const policy::CallerPattern*> openers, administrators;
  for (const policy::Rule& rule : policy.rules()) {
    if (rule.effect != policy::Effect::kAllow) continue;
    const bool opens = allows_any(rule, kOpening);
    const bool anybody = std::ranges::any_of(rule.callers, [](const auto& caller) { return caller.any(); });
    const bool anything = any_name(rule.tenants) && any_name(rule.datasets);
    if (opens && (anybody || anything)) {
      ++access.wildcards;
      access.findings.push_back("rule " + rule.name + (anybody ? " lets anybody open" : " opens every dataset"));
    }
    for (const policy::CallerPattern& caller : rule.callers) {
      if (opens) openers.push_back(&caller);
      if (allows_any(rule, kAdministering)) administrators.push_back(&caller);
    }
  }
  for (const auto* opener : openers) {
    for (const auto* administrator : administrators) {
      if (may_be_same(*opener, *administrator)) access.both.insert(opener->text());
    }
  }
  for (const std::string& caller : access.both) access.findings.push_back(caller + " opens data and administers keys");
  return access;
}

// Somebody of a trust domain that no policy names asks for every dataset, for every purpose.
Result<bool> stranger_denied(keys::Store& store, const policy::Policy& policy, Time now) {
  CLOISTER_TRY(const auto tenants, store.tenants());
  bool denied = true, asked = false;
  for (const keys::TenantRecord& tenant : tenants) {
    CLOISTER_TRY(const auto datasets, store.datasets(tenant.tenant, tenant.environment));
    for (const keys::DatasetRecord& dataset : datasets) {
      for (std::size_t purpose = 0; purpose < policy::kPurposeCount; ++purpose) {
        policy::Request request;
        request.caller = "spiffe://canary.invalid/stranger";
        request.operation = Operation::kUnwrap;
        request.tenant = dataset.tenant;
        request.environment = dataset.environment;
        request.dataset = dataset.dataset;
        request.purpose = static_cast<policy::Purpose>(purpose);
        request.keys = 1;
        request.now = now;
        asked = true;
        denied = denied && !policy::decide(policy, request).allowed;
      }
    }
  }
  if (!asked) return Error(Code::kNotFound, "there is no dataset that somebody could ask for");
  return denied;
}

}  // namespace

void add_policy_fact(keys::Store& store, std::string_view policy_text, Time now, const HomeFacts& facts) {
  const auto loaded = policy::load_policy(policy_text);
  if (!loaded.ok()) return facts.unseen("key.access", {}, loaded.error());
  Access access = access_by(*loaded);
  FactValues values = {{"wildcards", access.wildcards},
                       {"admin_and_user", static_cast<std::int64_t>(access.both.size())},
                       {"findings", std::move(access.findings)}};
  if (const auto denied = stranger_denied(store, *loaded, now); denied.ok()) values["canary_denied"] = *denied;
  facts.fact("key.access", {}, std::move(values),
             "policy " + loaded->id() + " sha256:" + to_hex(crypto::sha256(as_bytes(policy_text))));
}

namespace {

bool is_any(const std::optional<policy::AllowedTexts>& texts) { return texts && texts->is_any(); }

void lint(const policy::ReleaseRule& rule, std::vector<std::string>& findings) {
  const auto add = [&](bool wrong, std::string_view what) {
    if (wrong) findings.push_back("rule " + rule.name + ": " + std::string(what));
  };
  const policy::PartRule& machine = rule.machine;
  const auto& levels = machine.assurances;
  add(std::ranges::find(levels, policy::Assurance::kInsecureSoftware) != levels.end(), "takes attesters of software");
  add(!machine.measurement || is_any(machine.measurement), "asks for no measurement");
  add(rule.manifests.is_any(), "takes any workload manifest");
  add(rule.roles.is_any(), "takes any role");
  add(is_any(machine.tcb_status), "takes any state of the TCB");
  add(is_any(machine.advisory), "takes any advisory");
  for (const policy::DeviceRule& device : rule.devices) {
    add(is_any(device.part.tcb_status), "takes any state of a device's firmware");
    add(is_any(device.part.advisory), "takes any advisory of a device");
  }
}

}  // namespace

void add_attestation_policy_fact(std::string_view policy_text, const HomeFacts& facts) {
  const auto loaded = policy::load_attestation_policy(policy_text);
  if (!loaded.ok()) return facts.unseen("attestation.policy", {}, loaded.error());
  std::vector<std::string> findings;
  for (const policy::ReleaseRule& rule : loaded->rules()) lint(rule, findings);
  // Who has the home and its root can open everything without evidence; who that is, no file of the home says.
  facts.fact("attestation.policy", {},
             {{"datasets", static_cast<std::int64_t>(loaded->rules().size())}, {"findings", std::move(findings)}},
             "attestation policy " + loaded->id());
}

namespace {

std::string first_line_with(const std::string& text, std::string_view begin) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    if (line.starts_with(begin)) return std::string(line.substr(begin.size()));
    at = end + 1;
  }
  return {};
}

std::string read_small(const Path& path) {
  const auto bytes = read_file(path, std::uint64_t{1} << 16);
  return bytes.ok() ? std::string(as_text(*bytes)) : std::string();
}

// "Max core file size        0                    0                    bytes": both limits are none.
std::optional<bool> no_core(const std::string& limits) {
  const std::string line = first_line_with(limits, "Max core file size");
  if (line.empty()) return std::nullopt;
  std::vector<std::string> words;
  std::string word;
  for (const char c : line + ' ') {
    if (c != ' ' && c != '\t') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (words.size() < 2) return std::nullopt;
  return words[0] == "0" && words[1] == "0";
}

// The kernel gives files of a process that isn't dumpable to root. Of one that is root's it can't be told.
std::optional<bool> is_dumpable(const Path& process, const std::string& status) {
  const std::string uids = first_line_with(status, "Uid:\t");
  struct stat of_process = {};
  if (uids.empty() || uids.starts_with("0\t") || ::stat((process / "environ").c_str(), &of_process) != 0) {
    return std::nullopt;
  }
  return of_process.st_uid != 0;
}

// Of several processes the worst: what one of them hides isn't known of all, unless another is bad.
class Worst {
 public:
  void see(std::optional<bool> now, bool bad) {
    if (now == bad) bad_ = now;
    if (!now) hidden_ = true;
    if (now) good_ = !bad;
  }
  std::optional<bool> known() const { return bad_ ? bad_ : hidden_ ? std::nullopt : good_; }

 private:
  std::optional<bool> bad_, good_;
  bool hidden_ = false;
};

struct Dumps {
  Worst limited, dumpable;
};

// The workload of the estate that this program is; where it isn't told, the program's own name.
std::string workload_of(const std::string& program, const posture::Estate& estate) {
  std::vector<std::string> services;
  for (const posture::Workload& workload : estate.workloads) {
    if (workload.name == program) return program;
    if (workload.use == posture::WorkloadUse::kKeyService) services.push_back(workload.name);
  }
  return program == "cloisterd" && services.size() == 1 ? services.front() : program;
}

}  // namespace

void add_process_facts(const Path& proc, const posture::Estate& estate, const HomeFacts& facts) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(proc.c_str()), ::closedir);
  if (folder == nullptr) {
    return facts.unseen("process.dumps", {SubjectKind::kWorkload, "cloisterd"},
                        Error(Code::kNotFound, proc.string() + " can't be read"));
  }
  std::map<std::string, Dumps> found;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (name.empty() || !std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })) continue;
    const Path process = proc / name;
    const std::string status = read_small(process / "status");
    const std::string program = first_line_with(status, "Name:\t");
    if (program != "cloisterd" && program != "cloister-worker" && program != "cloister-relay") continue;
    Dumps& dumps = found[workload_of(program, estate)];
    dumps.limited.see(no_core(read_small(process / "limits")), false);
    dumps.dumpable.see(is_dumpable(process, status), true);
  }
  for (const auto& [workload, dumps] : found) {
    const Subject subject{SubjectKind::kWorkload, workload};
    FactValues values;
    if (const auto limited = dumps.limited.known()) values["core_limit_zero"] = *limited;
    if (const auto dumpable = dumps.dumpable.known()) values["dumpable"] = *dumpable;
    if (values.empty()) {
      facts.unseen("process.dumps", subject, Error(Code::kDenied, "its limits can't be read"));
    } else {
      facts.fact("process.dumps", subject, std::move(values));
    }
  }
}

}  // namespace cloister::home
