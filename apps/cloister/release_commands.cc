#include "release_commands.h"

#include "base/toml.h"
#include "ear_output.h"
#include "service/attestation/release_state.h"
#include "service/attestation/replay.h"
#include "verdict_text.h"

namespace cloister::cli {
namespace {

struct ReplayRequest {
  std::string id;
  std::string ear;  // a file to write; empty: none
};

struct PolicyFileRequest {
  std::string file;
};

struct NoRequest {};

constexpr const char* kReplayManual = R"(EXAMPLES
  cloister attest releases
  cloister attest replay 5f0c7d1e9a3b48c6a2d4e8f01b6c3a97

NOTES
  The evidence is verified again as of that day, with the collateral, the floors
  and the policy of that day, and decided about again. Exit status 0 only when
  that says what was said then, and the audit log has a record of just this.
  --ear writes what was said as a signed attestation result of that day: it ends
  with the lease, or after five minutes where there was none. What doesn't
  hold up isn't signed.
)";

constexpr const char* kPolicyManual = R"(EXAMPLES
  cloister attest policy check attested.toml
  cloister attest policy set attested.toml

NOTES
  An attestation policy says which attested workers are given keys of which
  datasets: docs/formats/attestation-policy.md. Its [[expect]] tables are tried
  whenever it is read. Setting one ends the leases of before; a service that runs
  takes it over within its poll_seconds.
)";

// Where the log says that this was decided.
Result<std::optional<std::uint64_t>> find_record(keys::Store& store, const std::string& tenant,
                                                 const crypto::Sha256Digest& digest) {
  CLOISTER_TRY(const std::string server, store.log_server());
  const std::string origin = server + "/" + tenant;
  CLOISTER_TRY(const audit::TreeHead head, store.tree_head(origin));
  std::optional<std::uint64_t> found;
  std::uint64_t index = 0;
  CLOISTER_RETURN_IF_ERROR(store.for_each_record(origin, 0, head.size, [&](const audit::LogRecord& record) {
    if (!found && record.extras().digest(audit::Extra::kEvidenceDigest) == digest) found = index;
    ++index;
    return ok_status();
  }));
  return found;
}

Result<Outcome> replay(Session& session, const ReplayRequest& request) {
  CLOISTER_TRY(const service::Archive archive, open_release_archive(session));
  CLOISTER_TRY(const service::Replay replay, service::replay_release(archive, request.id));
  const service::ReleaseRecord& record = replay.record;
  const policy::ReleaseDecision& decision = record.found.decision;
  CLOISTER_TRY(keys::Store * store, session.store());
  CLOISTER_TRY(const auto index, find_record(*store, record.asked.tenant, replay.digest));

  const keys::DatasetName dataset{record.asked.tenant, record.asked.environment, record.asked.dataset};
  const std::string_view purpose = policy::purpose_name(record.asked.purpose);
  Outcome outcome;
  outcome.text = (decision.allowed ? "released " : "refused ") + std::string("keys of ") + dataset.text() + " at " +
                 to_rfc3339(record.asked.now) + "\n  to " + printable(record.caller) + " in the role " +
                 printable(record.asked.binding.role) + ", for " + std::string(purpose) + "\n  since " +
                 printable(decision.reason) + "\n  under the policy sha256:" + to_hex(record.policy) + "\n";
  outcome.text += verdict_text(record.found.verdict, Fresh::kRequired);
  outcome.text += replay.same() ? "verified again: the same as then\n" : "verified again: NOT the same as then\n";
  outcome.text +=
      index ? "the audit log has it, record " + std::to_string(*index) + "\n" : "the audit log has NO record of it\n";
  outcome.json = {{"release", record.id},
                  {"at", to_rfc3339(record.asked.now)},
                  {"caller", record.caller},
                  {"dataset", dataset.text()},
                  {"purpose", purpose},
                  {"role", record.asked.binding.role},
                  {"policy_sha256", to_hex(record.policy)},
                  {"epoch", record.epoch},
                  {"allowed", decision.allowed},
                  {"rule", decision.rule},
                  {"reason", decision.reason},
                  {"evidence_sha256", to_hex(replay.digest)},
                  {"same", replay.same()},
                  {"record", index ? Json(*index) : Json()},
                  {"verdict", verdict_json(record.found.verdict, Fresh::kRequired)}};
  const auto result = service::result_of(replay, index ? service::OnRecord::kYes : service::OnRecord::kNo);
  if (!result.ok()) outcome.failure = result.error();
  if (!result.ok() && !request.ear.empty()) outcome.text += "no result was signed: it would say what doesn't hold up\n";
  if (result.ok() && !request.ear.empty()) {
    CLOISTER_RETURN_IF_ERROR(write_ear(session, request.ear, record.found.verdict, *result, outcome));
  }
  return outcome;
}

Result<Outcome> show_result_keys(Session& session, const NoRequest&) {
  CLOISTER_TRY(const service::ResultTokens tokens, open_result_tokens(session));
  Outcome outcome;
  outcome.text = tokens.jwks() + "\n";
  outcome.json = Json::parse(tokens.jwks());
  return outcome;
}

Result<Outcome> list_releases(Session& session, const NoRequest&) {
  CLOISTER_TRY(const service::Archive archive, open_release_archive(session));
  CLOISTER_TRY(const auto ids, archive.releases());
  Outcome outcome;
  outcome.json = {{"releases", Json::array()}};
  Table table({"release", "at", "dataset", "caller"});
  for (const std::string& id : ids) {
    CLOISTER_TRY(const Bytes bytes, archive.release(id));
    CLOISTER_TRY(const service::DecodedRelease decoded, service::decode_release(bytes));
    const service::ReleaseCase& asked = decoded.record.asked;
    const std::string dataset = keys::DatasetName{asked.tenant, asked.environment, asked.dataset}.text();
    table.row({id, to_rfc3339(asked.now), dataset, printable(decoded.record.caller)});
    outcome.json["releases"].push_back(
        {{"release", id}, {"at", to_rfc3339(asked.now)}, {"dataset", dataset}, {"caller", decoded.record.caller}});
  }
  outcome.text = ids.empty() ? "nothing is kept here\n" : table.text();
  return outcome;
}

struct LoadedPolicy {
  std::string text;
  policy::AttestationPolicy policy;
};

Result<LoadedPolicy> load(const std::string& file) {
  CLOISTER_TRY(const Bytes bytes, read_file(file, kTomlSizeMax));
  LoadedPolicy loaded{std::string(as_text(bytes)), {}};
  CLOISTER_TRY(loaded.policy, policy::load_attestation_policy(loaded.text).with_context(file));
  return loaded;
}

Outcome about(const policy::AttestationPolicy& policy, const std::string& text, const std::string& said) {
  const std::string digest = to_hex(crypto::sha256(as_bytes(text)));
  Outcome outcome;
  outcome.text = said + policy.id() + ", " + count_text(policy.rules().size(), "rule") + ", sha256:" + digest + "\n";
  outcome.json = {{"id", policy.id()}, {"rules", policy.rules().size()}, {"sha256", digest}};
  return outcome;
}

Result<Outcome> check_policy(Session&, const PolicyFileRequest& request) {
  CLOISTER_TRY(const LoadedPolicy loaded, load(request.file));
  return about(loaded.policy, loaded.text, "good: ");
}

Result<Outcome> set_policy(Session& session, const PolicyFileRequest& request) {
  CLOISTER_TRY(const LoadedPolicy loaded, load(request.file));
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(service::AuthenticSettings authentic, session.service_settings());
  const service::ReleaseSettings settings(std::move(authentic));
  Outcome outcome = about(loaded.policy, loaded.text, "in force: ");
  const keys::Caller caller = session.caller();
  const audit::Event event{
      caller.now,
      caller.actor,
      "policy.set",
      "",
      "attestation-policy",
      audit::Outcome::kAllowed,
      "attestation policy " + loaded.policy.id() + " sha256:" + outcome.json["sha256"].get<std::string>()};
  keys::Store& store = hierarchy->store();
  CLOISTER_RETURN_IF_ERROR(store.change(
      event, [&](keys::Store::Change& change) { return settings.put_policy(store, change, loaded.text); }));
  return outcome;
}

Result<Outcome> show_policy(Session& session, const NoRequest&) {
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(service::AuthenticSettings authentic, session.service_settings());
  CLOISTER_TRY(const auto state, service::ReleaseSettings(std::move(authentic)).load(hierarchy->store(), nullptr));
  if (state->policy_text.empty()) return Error(Code::kNotFound, "no attestation policy was set: nothing is released");
  Outcome outcome = about(state->policy, state->policy_text, "in force: ");
  outcome.text = state->policy_text;
  outcome.json["document"] = state->policy_text;
  outcome.json["epoch"] = state->epoch;
  return outcome;
}

}  // namespace

Result<service::Archive> open_release_archive(Session& session) {
  const Path folder = session.home() / "attestation";
  std::error_code ignored;
  if (!std::filesystem::exists(folder, ignored)) return Error(Code::kNotFound, "nothing was released from this home");
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(service::AuthenticSettings settings, session.service_settings());
  CLOISTER_TRY(crypto::KeyMaterial key, service::ReleaseSettings(std::move(settings))
                                            .archive_key(hierarchy->store(), session.random(), session.caller()));
  return service::Archive::open(folder, std::move(key));
}

Result<std::string> attestation_policy_text(Session& session) {
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(service::AuthenticSettings authentic, session.service_settings());
  CLOISTER_TRY(const auto state, service::ReleaseSettings(std::move(authentic)).load(hierarchy->store(), nullptr));
  return state->policy_text;
}

void add_releases(CLI::App& attest, Run& run) {
  auto replaying = std::make_shared<ReplayRequest>();
  CLI::App* verb = add_verb(attest, "replay", "a release of before, verified and decided again", kReplayManual);
  verb->add_option("RELEASE", replaying->id, "its id")->required();
  verb->add_option("--ear", replaying->ear, "write what was said there, signed")->type_name("FILE");
  set_action(verb, run, replaying, replay);
  verb = add_verb(attest, "result-keys", "the keys that sign attestation results: a JWKS", "");
  set_action(verb, run, std::make_shared<NoRequest>(), show_result_keys);
  verb = add_verb(attest, "releases", "what was released or refused to attested workers", kReplayManual);
  set_action(verb, run, std::make_shared<NoRequest>(), list_releases);

  CLI::App* group = add_verb(attest, "policy", "which attested workers are given which keys", kPolicyManual);
  group->require_subcommand(1);
  auto checking = std::make_shared<PolicyFileRequest>();
  verb = add_verb(*group, "check", "read it and try its expectations", "");
  verb->add_option("FILE", checking->file, "the policy")->required();
  set_action(verb, run, checking, check_policy);
  auto setting = std::make_shared<PolicyFileRequest>();
  verb = add_verb(*group, "set", "put it into force in this home", "");
  verb->add_option("FILE", setting->file, "the policy")->required();
  set_action(verb, run, setting, set_policy);
  verb = add_verb(*group, "show", "the one in force", "");
  set_action(verb, run, std::make_shared<NoRequest>(), show_policy);
}

}  // namespace cloister::cli
