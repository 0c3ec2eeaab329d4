#include "redteam/run.h"

#include <stdlib.h>

#include <algorithm>

#include "net/address.h"
#include "redteam/chain_attacks.h"
#include "redteam/evidence_attacks.h"
#include "redteam/host_attacks.h"
#include "redteam/lab.h"
#include "redteam/log_attacks.h"
#include "redteam/model_attacks.h"

namespace cloister::redteam {
namespace {

using Body = Report (*)(const Field& field, const Targets& targets);

// In the canary home.
template <typename Attack>
Report in_lab(const Field& field, const char* id, const Attack& attack) {
  auto lab = Lab::create(field);
  if (!lab.ok()) return not_run(id, lab.error().message());
  Result<Report> came = attack(**lab);
  return came.ok() ? std::move(*came) : not_run(id, came.error().message());
}

Report surgery(const Field& field, const Targets&) {
  return in_lab(field, "RT-K14", [&](Lab& lab) -> Result<Report> {
    CLOISTER_TRY(const SurgeryTarget target, surgery_target(lab));
    return run_surgery(field, target);
  });
}

Report two_keys(const Field& field, const Targets&) { return run_two_keys(field, two_keys_target()); }

Report tenants(const Field& field, const Targets&) {
  return in_lab(field, "RT-K12", [&](Lab& lab) -> Result<Report> {
    CLOISTER_TRY(const TenantsTarget target, tenants_target(lab));
    return run_tenants(field, target);
  });
}

Report backup(const Field& field, const Targets&) {
  return in_lab(field, "RT-K06", [&](Lab& lab) -> Result<Report> {
    CLOISTER_TRY(const BackupTarget target, backup_target(lab, field));
    return run_backup(field, target);
  });
}

Result<Report> tampering_of(const Field& field, const Path& store) {
  CLOISTER_TRY(const Anchors anchors, anchors_of(store));
  Report report = run_log_tampering(field, {store, [&](const Path& copy) { return verify_anchored(copy, anchors); }});
  // Whether anybody keeps one elsewhere isn't known by this.
  report.details.insert(report.details.begin(), "against a checkpoint that this run took before the tampering");
  return report;
}

Report log_tampering(const Field& field, const Targets& targets) {
  if (!targets.store.empty()) {
    // A copy first: what others write to the log meanwhile must not look like tampering.
    const Path copy = field.folder / "log.db";
    const Status copied = copy_store(targets.store, copy);
    if (!copied.ok()) return not_run("RT-M06", copied.error().message());
    Result<Report> came = tampering_of(field, copy);
    return came.ok() ? std::move(*came) : not_run("RT-M06", came.error().message());
  }
  return in_lab(field, "RT-M06", [&](Lab& lab) -> Result<Report> {
    for (int i = 0; i < 4; ++i) {
      CLOISTER_TRY([[maybe_unused]] const auto opener, lab.opener(i % 2 == 0 ? kAlder : kBirch));
    }
    return tampering_of(field, lab.store_path());
  });
}

Report kek_rotation(const Field& field, const Targets&) {
  return in_lab(field, "kek-rotation", [&](Lab& lab) -> Result<Report> {
    CLOISTER_TRY(const KekRotationTarget target, kek_rotation_target(lab));
    return run_kek_rotation(field, target);
  });
}

Report dek_rotation(const Field& field, const Targets&) {
  return in_lab(field, "dek-rotation", [&](Lab& lab) -> Result<Report> {
    CLOISTER_TRY(const DekRotationTarget target, dek_rotation_target(lab, field));
    return run_dek_rotation(field, target);
  });
}

Report destruction(const Field& field, const Targets& targets) {
  return in_lab(field, "destruction", [&](Lab& lab) -> Result<Report> {
    CLOISTER_TRY(DestructionTarget target, destruction_target(lab, field));
    // The canary home is a file with an anchor. A home that isn't lets older copies be opened, or may.
    target.copies_count = !targets.postgres && (targets.store.empty() || !targets.anchor.empty());
    return run_destruction(field, target);
  });
}

// Of the home where there is one: what the canary home is held against says nothing about it.
Report restored_store(const Field& field, const Targets& targets) {
  if (!targets.store.empty()) return run_restored_home(field, targets.store, targets.anchor);
  if (targets.postgres) return not_run("RT-K10", "the home's store is in PostgreSQL: it isn't copied, nor put back");
  return in_lab(field, "RT-K10", [&](Lab& lab) -> Result<Report> {
    CLOISTER_TRY(const RestoredStoreTarget target, restored_store_target(lab, field));
    return run_restored_store(field, target);
  });
}

Report nonces(const Field& field, const Targets&) {
  return in_lab(field, "RT-K08", [&](Lab& lab) -> Result<Report> {
    CLOISTER_TRY(const NoncesTarget target, nonces_target(lab, field));
    return run_nonces(field, target);
  });
}

Report oracle(const Field& field, const Targets&) {
  return in_lab(field, "RT-K11", [&](Lab& lab) -> Result<Report> {
    CLOISTER_TRY(const OracleTarget target, oracle_target(lab));
    return run_oracle(field, target);
  });
}

Report handed_in(const Field& field, const Targets& targets, const char* id) {
  const auto found = targets.handed_in.find(id);
  return found == targets.handed_in.end() ? not_run(id, "the program doesn't bring what is attacked")
                                          : found->second(field);
}

struct Runner {
  std::string_view id;
  Body body;
};
constexpr Runner kRunners[] = {
    {"RT-K01", [](const Field& field, const Targets& targets) { return run_core_dump(field, targets.processes); }},
    {"RT-K02", [](const Field& field, const Targets& targets) { return run_memory_read(field, targets.processes); }},
    {"RT-K03", [](const Field& field, const Targets&) { return run_swap(field, SwapTarget()); }},
    {"RT-K04",
     [](const Field& field, const Targets& targets) { return run_logs(field, {targets.logs, targets.canaries}); }},
    {"RT-K05",
     [](const Field& field, const Targets& targets) {
       return run_environments(field, {targets.processes, targets.manifests, targets.canaries});
     }},
    {"RT-K06", backup},
    {"RT-K08", nonces},
    {"RT-K09", two_keys},
    {"RT-K10", restored_store},
    {"RT-K11", oracle},
    {"RT-K12", tenants},
    {"RT-K14", surgery},
    {"RT-T01", [](const Field& field, const Targets& targets) { return run_plaintext(field, targets.server); }},
    {"RT-T02", [](const Field& field, const Targets& targets) { return run_downgrade(field, targets.server); }},
    {"RT-T03", [](const Field& field, const Targets& targets) { return run_weak_suites(field, targets.server); }},
    {"RT-T04",
     [](const Field& field, const Targets& targets) {
       return targets.server ? run_clients_of(field, *targets.server, targets.clients) : run_canary_clients(field);
     }},
    {"RT-T05", [](const Field& field, const Targets&) { return run_misissued(field, judge_chain); }},
    {"RT-T06", [](const Field& field, const Targets&) { return run_invalid_chains(field, judge_chain); }},
    {"RT-T07", [](const Field& field, const Targets& targets) { return run_early_data(field, targets.server); }},
    {"RT-T10", [](const Field& field, const Targets& targets) { return run_tickets(field, targets.server); }},
    {"RT-A01", [](const Field& field, const Targets&) { return run_evidence_replay(field, judge_evidence); }},
    {"RT-A02", [](const Field& field, const Targets&) { return run_evidence_relay(field, judge_evidence); }},
    {"RT-A03", [](const Field& field, const Targets&) { return run_evidence_debug(field, judge_evidence); }},
    {"RT-A04", [](const Field& field, const Targets&) { return run_evidence_stale(field, judge_evidence); }},
    {"RT-A05", [](const Field& field, const Targets& targets) { return handed_in(field, targets, "RT-A05"); }},
    {"RT-A06", [](const Field& field, const Targets&) { return run_evidence_spoof(field, judge_evidence); }},
    {"RT-M01", [](const Field& field, const Targets&) { return run_signature_swap(field, loader_of); }},
    {"RT-M02", [](const Field& field, const Targets&) { return run_unsigned_files(field, loader_of); }},
    {"RT-M03", [](const Field& field, const Targets&) { return run_old_version(field, loader_of); }},
    {"RT-M04", [](const Field& field, const Targets&) { return run_swap_after_check(field, loader_of); }},
    {"RT-M05", [](const Field& field, const Targets&) { return run_malicious_files(field, loader_of); }},
    {"RT-M06", log_tampering},
    {"RT-M07", [](const Field& field, const Targets& targets) { return handed_in(field, targets, "RT-M07"); }},
    {"RT-M08", [](const Field& field, const Targets& targets) { return handed_in(field, targets, "RT-M08"); }},
    {"kek-rotation", kek_rotation},
    {"dek-rotation", dek_rotation},
    {"destruction", destruction},
    {"attested-release",
     [](const Field& field, const Targets& targets) { return handed_in(field, targets, "attested-release"); }},
    {"aead-limits", [](const Field& field, const Targets&) { return run_aead_limits(field); }},
};

const Runner* runner_of(std::string_view id) {
  const auto found = std::ranges::find(kRunners, id, &Runner::id);
  return found == std::end(kRunners) ? nullptr : found;
}

Attacked attacked_by(std::string_view id, const Targets& targets) {
  const bool of_processes = id == "RT-K01" || id == "RT-K02" || id == "RT-K05";
  const bool of_server = id.starts_with("RT-T") && targets.server && id != "RT-T05" && id != "RT-T06";
  if ((of_processes || of_server) && !targets.workload.empty()) return {"workload", targets.workload};
  if (of_server) return {"endpoint", *targets.server};
  if (of_processes || id == "RT-K03" || id == "RT-K04") return {"host", targets.host};
  return {};
}

Status check_server(const Targets& targets) {
  if (!targets.server) return {};
  CLOISTER_TRY(const net::TcpAddress address, net::parse_tcp_address(*targets.server));
  const auto numeric = net::numeric_address(address);
  if (numeric.ok() && numeric->is_loopback()) return {};
  if (targets.beyond == address.host) return {};
  return Error(Code::kInvalid, address.host + " isn't this machine: name it again, as one that you may attack");
}

Result<std::vector<const Exercise*>> chosen(const Playbook& playbook, const RunOptions& options) {
  std::vector<const Exercise*> out;
  for (const std::string& id : options.exercises) {
    const Exercise* exercise = playbook.find(id);
    if (exercise == nullptr) return Error(Code::kInvalid, "there is no exercise " + id);
    out.push_back(exercise);
  }
  if (!options.exercises.empty()) return out;
  for (const Exercise& exercise : playbook.exercises) {
    if (runner_of(exercise.id) != nullptr) out.push_back(&exercise);
  }
  return out;
}

// A folder that only this process's user can look into, removed with everything in it.
class Scratch {
 public:
  static Result<Scratch> make(const Path& in) {
    std::string name = (in / "cloister-redteam-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return error_from_errno(errno, "make a folder in " + in.string());
    return Scratch(name);
  }
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, Path())) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const Path& path() const { return path_; }

 private:
  explicit Scratch(Path path) : path_(std::move(path)) {}
  Path path_;
};

}  // namespace

Result<std::vector<Report>> run(const Playbook& playbook, const RunOptions& options, const Path& scratch,
                                crypto::Random& random, Time now, Progress& progress, const Observer& observer) {
  if (options.authorised_by.empty()) return Error(Code::kInvalid, "nobody answers for it: say who authorised it");
  CLOISTER_RETURN_IF_ERROR(check_server(options.targets));
  CLOISTER_TRY(const auto exercises, chosen(playbook, options));
  std::vector<Report> reports;
  for (const Exercise* exercise : exercises) {
    if (observer.begins) observer.begins(*exercise);
    CLOISTER_TRY(const Scratch folder, Scratch::make(scratch));
    const Field field{folder.path(), &random, now, &progress,
                      monotonic_seconds() + static_cast<double>(options.patience.ms) / 1000};
    const Runner* runner = runner_of(exercise->id);
    Report report = progress.stop_requested() ? not_run(exercise->id, "it was stopped")
                    : runner == nullptr       ? not_run(exercise->id, exercise->not_here)
                                              : runner->body(field, options.targets);
    report.attacked = attacked_by(exercise->id, options.targets);
    if (observer.ends) observer.ends(*exercise, report);
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace cloister::redteam
