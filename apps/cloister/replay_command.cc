// cloister attest replay: what was released once, and what was refused, verified and decided again at its own date.
#include "replay_command.h"

#include "service/attestation/release_state.h"
#include "service/attestation/replay.h"

namespace cloister::cli {
namespace {

struct ReplayRequest {
  std::string id;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister attest replay
      everything that is kept
  cloister attest replay 6f1c…
      one of it, by the id that the audit record and the answer have

NOTES
  Evidence, collateral, floors and policy of that day are kept by cloisterd,
  encrypted, in `attestation` in the home. A replay verifies and decides anew, at
  that date, and compares: status 3 where it comes to something else than then,
  or where what was kept is damaged.
)";

Result<service::Archive> open_archive(Session& session) {
  CLOISTER_TRY(const service::AuthenticSettings settings, session.service_settings());
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(crypto::KeyMaterial key,
               service::ReleaseSettings(settings).archive_key(hierarchy->store(), session.random(), session.caller()));
  return service::Archive::open(session.home() / "attestation", std::move(key));
}

std::string dataset_text(const service::ReleaseCase& asked) {
  return keys::DatasetName{asked.tenant, asked.environment, asked.dataset}.text();
}

Json replay_json(const service::Replay& replay) {
  const service::ReleaseRecord& record = replay.record;
  return {{"id", record.id},
          {"at", to_rfc3339(record.asked.now)},
          {"caller", printable(record.caller)},
          {"dataset", dataset_text(record.asked)},
          {"role", printable(record.asked.binding.role)},
          {"allowed", record.found.decision.allowed},
          {"reason", printable(record.found.decision.reason)},
          {"sha256", to_hex(replay.digest)},
          {"same", replay.same()}};
}

Result<Outcome> replay(Session& session, const ReplayRequest& request) {
  CLOISTER_TRY(const service::Archive archive, open_archive(session));
  std::vector<std::string> ids{request.id};
  if (request.id.empty()) {
    CLOISTER_TRY(ids, archive.releases());
  }
  Outcome outcome;
  outcome.json["releases"] = Json::array();
  Table table({"RELEASE", "AT", "DATASET", "DECISION", "REPLAYED", "REASON"});
  std::optional<Error> first;
  for (const std::string& id : ids) {
    const auto replayed = service::replay_release(archive, id);
    if (!replayed.ok()) {
      if (!first) first = Error(replayed.error()).with_context("replay " + printable(id));
      outcome.json["releases"].push_back({{"id", printable(id)}, {"error", printable(replayed.error().message())}});
      table.row({printable(id), "-", "-", "-", "FAILED", printable(replayed.error().message())});
      continue;
    }
    const service::ReleaseRecord& record = replayed->record;
    const policy::ReleaseDecision& decision = record.found.decision;
    outcome.json["releases"].push_back(replay_json(*replayed));
    table.row({record.id, to_rfc3339(record.asked.now), dataset_text(record.asked),
               decision.allowed ? "released" : "refused", replayed->same() ? "the same" : "DIFFERENT",
               printable(decision.reason)});
    if (!replayed->same() && !first) first = Error(Code::kCorrupt, "replay " + id + ": it comes to something else now");
  }
  outcome.text = ids.empty() ? "nothing is kept\n" : table.text();
  outcome.failure = first;
  return outcome;
}

}  // namespace

void add_replay(CLI::App& attest, Run& run) {
  auto request = std::make_shared<ReplayRequest>();
  CLI::App* verb = add_verb(attest, "replay", "past releases, verified again at their own date", kManual);
  verb->add_option("ID", request->id, "which; without it, all that are kept");
  set_action(verb, run, request, replay);
}

}  // namespace cloister::cli
