// Releases to attested workers as facts: each is decided again, and found in the log.
#include <algorithm>
#include <set>

#include "home/posture_home.h"
#include "keys/audit_verify.h"
#include "service/attestation/replay.h"

namespace cloister::home {
namespace {

using posture::FactValues;
using posture::Subject;
using posture::SubjectKind;

// Files of the archive are removed by nobody but an operator: what is there stays for as long as it is wanted.
constexpr std::int64_t kKeptDays = 36'500;

// Digests of kept evidence that the log names, by the tenant's tree.
Result<std::set<std::string>> recorded_evidence(keys::Store& store) {
  std::set<std::string> digests;
  CLOISTER_TRY(const auto trees, store.trees());
  for (const std::string& origin : trees) {
    CLOISTER_TRY(const audit::TreeHead head, store.tree_head(origin));
    CLOISTER_RETURN_IF_ERROR(store.for_each_record(origin, 0, head.size, [&](const audit::LogRecord& record) {
      if (const auto digest = record.extras().digest(audit::Extra::kEvidenceDigest)) digests.insert(to_hex(*digest));
      return ok_status();
    }));
  }
  return digests;
}

std::string tcb_word(const std::string& said) {
  if (said == "UpToDate" || said == "up-to-date") return "up-to-date";
  if (said.starts_with("OutOfDate") || said == "out-of-date") return "out-of-date";
  if (said == "Revoked" || said == "revoked") return "revoked";
  if (said == "ConfigurationNeeded" || said == "SWHardeningNeeded" || said == "ConfigurationAndSWHardeningNeeded") {
    return "configuration-needed";
  }
  return "unknown";
}

std::string workload_of(const service::ReleaseRecord& record, const posture::Estate& estate) {
  for (const auto& component : estate.graph.components) {
    const auto is_caller = [&](const identity::SpiffeId& id) { return id.uri() == record.caller; };
    if (std::ranges::any_of(component.spiffe_ids, is_caller)) return component.name;
  }
  for (const posture::Workload& workload : estate.workloads) {
    if (workload.name == record.asked.binding.role) return workload.name;
  }
  return record.caller;
}

struct Latest {
  Time at;
  bool software = false;
  FactValues values;
};

Latest attested(const service::Replay& replay) {
  const service::ReleaseRecord& record = replay.record;
  const attest::Verdict& machine = record.found.verdict.primary;
  const policy::AttestedPart part = service::part_of(machine);
  Latest out;
  out.at = record.asked.now;
  out.software = record.found.verdict.assurance() != attest::Assurance::kHardware;
  std::vector<std::string> advisories = machine.advisories;
  for (const attest::Verdict& device : record.found.verdict.devices) {
    advisories.insert(advisories.end(), device.advisories.begin(), device.advisories.end());
  }
  out.values = {{"platform", part.platform},
                {"assurance", std::string(attest::assurance_name(record.found.verdict.assurance()))},
                {"sound", record.found.verdict.sound()},
                {"release", record.id},
                {"at", to_rfc3339(record.asked.now)},
                {"advisories", std::move(advisories)},
                {"reverified", replay.same()}};
  if (const auto debug = part.claims.find("debug"); debug != part.claims.end()) {
    out.values["debug"] = debug->second == "true";
  }
  if (const auto tcb = part.claims.find("tcb_status"); tcb != part.claims.end()) {
    out.values["tcb_status"] = tcb_word(tcb->second);
  }
  return out;
}

struct Counts {
  std::int64_t releases = 0, without_evidence = 0, reverified = 0, inconsistent = 0;
  bool hardware = false;
};

}  // namespace

Status add_release_facts(const service::Archive& archive, keys::Store& store, const posture::Estate& estate,
                         const HomeFacts& facts) {
  CLOISTER_TRY(const auto ids, archive.releases());
  CLOISTER_TRY(std::set<std::string> recorded, recorded_evidence(store));
  Counts counts;
  std::map<std::string, Latest> newest;
  for (const std::string& id : ids) {
    const auto replay = service::replay_release(archive, id);
    ++counts.releases;
    if (!replay.ok()) {
      ++counts.inconsistent;
      continue;
    }
    ++(replay->same() ? counts.reverified : counts.inconsistent);
    recorded.erase(to_hex(replay->digest));
    if (!replay->record.found.decision.allowed) continue;
    Latest latest = attested(*replay);
    counts.hardware = counts.hardware || !latest.software;
    Latest& kept = newest[workload_of(replay->record, estate)];
    if (kept.values.empty() || latest.at > kept.at) kept = std::move(latest);
  }
  // What the log has a record of, and nobody can show any more.
  counts.without_evidence = static_cast<std::int64_t>(recorded.size());
  posture::Fact fact = facts.maker.make("attestation.releases", {});
  fact.method = posture::Method::kTest;
  fact.values = {{"releases", counts.releases},     {"without_evidence", counts.without_evidence},
                 {"reverified", counts.reverified}, {"inconsistent", counts.inconsistent},
                 {"retention_days", kKeptDays},     {"log_valid", keys::verify_audit(store).ok()}};
  fact.simulated = !counts.hardware;
  facts.sink.add(std::move(fact));
  for (auto& [workload, latest] : newest) {
    posture::Fact one = facts.maker.make("attestation.workload", {SubjectKind::kWorkload, workload});
    one.method = posture::Method::kTest;
    one.values = std::move(latest.values);
    one.simulated = latest.software;
    facts.sink.add(std::move(one));
  }
  return ok_status();
}

}  // namespace cloister::home
