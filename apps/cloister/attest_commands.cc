// cloister attest: what a machine's evidence says, and whether it is to be believed.
#include <algorithm>

#include "attest/verifier.h"
#include "attest_policy.h"
#include "collateral_commands.h"
#include "collateral_input.h"
#include "commands.h"
#include "ear_output.h"
#include "release_commands.h"
#include "tpm_commands.h"
#include "verdict_text.h"

namespace cloister::cli {
namespace {

struct EvidenceOptions {
  std::string file;
  std::string kind;
  std::vector<std::string> parts;  // NAME=FILE
};

struct VerifyRequest {
  EvidenceOptions evidence;
  CollateralOptions collateral;
  AttestPolicyOptions policy;
  std::string at, nonce, device_nonce, ear;
  std::vector<std::string> software_keys;
};

struct ShowRequest {
  EvidenceOptions evidence;
  CollateralOptions collateral;
  std::string at;
};

struct PackRequest {
  EvidenceOptions evidence;
  std::vector<std::string> devices;  // files
  std::string output;
  bool force = false;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister attest show quote.bin
      what kind it is, its parts, and which collateral it would be verified with
  cloister attest verify quote.bin --nonce 5f0c… --collateral site.bundle --key lab.vkey
      every check, with its outcome and the reason
  cloister attest verify quote.bin --nonce any --at 2025-06-20T00:00:00Z
      as of that day, whoever it answered
  cloister attest verify quote.bin --nonce 5f0c… --policy attested.toml \
      --dataset acme/models --purpose infer --role infer --manifest worker.toml
      and whether keys would be released for it
  cloister attest verify --kind tpm --part quote=q.bin --part signature=s.bin \
      --part pcrs=pcrs.bin --part ak=ak.pub --nonce 5f0c…
      evidence that comes in several files
  cloister attest collateral fetch --for quote.bin
  cloister attest collateral export -o site.bundle

NOTES
  A quote, a report, a token or a document as the device gave it is recognised by
  its form. Verifying asks nobody: what is looked up is the collateral at hand.
  Exit status 0 only when every check was made and passed. What could not be
  looked at is "not evaluated", and never counts as passed (status 4).
)";

constexpr const char* kVerifyManual = R"(NOTES
  --nonce is what the evidence must carry: the report data, SPDM nonce, extraData
  or challenge of its kind, in hexadecimal. `any` accepts the answer to any
  question: a replay looks the same.
  Roots of vendors are built in. --software-key adds the key of an attester that
  is software only: what it says is worth what its host is worth, and the verdict
  says so.
  --ear writes the verdict as a signed attestation result (EAR), whatever it is,
  for somebody who has the keys of `attest result-keys`. It needs a home, and says
  what holds now: it doesn't go with --at.
  With --policy, what an attestation policy would decide about this evidence. It
  releases only what answers a question: with --nonce any it releases nothing.
  --role and --manifest are taken at their word, so a result says what the policy
  refuses, and never that it would release.
)";

constexpr std::size_t kNonceSizeMax = 64;

Result<Bytes> part_file(const std::string& path) { return read_file(path, attest::kEvidencePartSizeMax); }

Result<attest::EvidenceSet> from_parts(const EvidenceOptions& options) {
  const auto kind = attest::kind_of(options.kind);
  if (!kind) return invalid("--kind " + printable(options.kind) + ": there is no evidence of that kind");
  attest::EvidenceSet set{{*kind, {}}, {}};
  for (const std::string& part : options.parts) {
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos || equals == 0) return invalid("--part " + printable(part) + ": write NAME=FILE");
    CLOISTER_TRY(Bytes bytes, part_file(part.substr(equals + 1)));
    if (!set.primary.parts.emplace(part.substr(0, equals), std::move(bytes)).second) {
      return invalid("--part " + printable(part.substr(0, equals)) + " is there twice");
    }
  }
  return set;
}

Result<attest::EvidenceSet> read_evidence(const EvidenceOptions& options) {
  if (options.kind.empty() != options.parts.empty()) return invalid("--kind and --part go together");
  if (options.file.empty() == options.parts.empty()) return invalid("name one file of evidence, or its parts");
  if (!options.parts.empty()) return from_parts(options);
  CLOISTER_TRY(const Bytes bytes, read_file(options.file, attest::kEvidenceSizeMax));
  return attest::recognise(bytes).with_context("read " + options.file);
}

std::vector<attest::CollateralNeed> needs_of(const attest::EvidenceSet& set) {
  std::vector<attest::CollateralNeed> all = attest::needs(set.primary);
  for (const attest::Evidence& device : set.devices) {
    for (attest::CollateralNeed& need : attest::needs(device)) all.push_back(std::move(need));
  }
  return all;
}

Result<Time> time_of(const std::string& at) {
  if (at.empty()) return system_time();
  return parse_rfc3339(at).with_context("--at");
}

constexpr std::string_view kAny = "any";

Result<std::optional<Bytes>> nonce_of(const std::string& option, const std::string& text) {
  if (text.empty() || text == kAny) return std::optional<Bytes>();
  CLOISTER_TRY(Bytes bytes, from_hex(text).with_context(option));
  if (bytes.size() > kNonceSizeMax) return invalid(option + ": at most 64 bytes");
  return std::optional(std::move(bytes));
}

// Whoever doesn't want to know whose question was answered says so, of the machine and of its devices.
Fresh fresh_of(const VerifyRequest& request, const attest::EvidenceSet& evidence) {
  const bool unsaid = !evidence.devices.empty() && request.device_nonce.empty();
  const bool any = request.nonce == kAny || request.device_nonce == kAny;
  return any && !unsaid ? Fresh::kAny : Fresh::kRequired;
}

// Those that the command line names, and those that the policy does.
Result<attest::Anchors> anchors_of(std::vector<std::string> software_keys,
                                   const std::optional<policy::AttestationPolicy>& policy) {
  if (policy) std::ranges::copy(policy->insecure_software_keys(), std::back_inserter(software_keys));
  std::vector<crypto::Sha256Digest> keys;
  for (const std::string& text : software_keys) {
    CLOISTER_TRY(const Bytes digest, from_hex(text).with_context("--software-key"));
    if (digest.size() != crypto::Sha256Digest().size()) return invalid("--software-key: the SHA-256 of a public key");
    std::copy(digest.begin(), digest.end(), keys.emplace_back().begin());
  }
  return keys.empty() ? attest::Anchors::production() : attest::Anchors::with_insecure_software(keys);
}

attest::EarRequest result_of(const attest::Question& question, const Outcome& outcome,
                             const std::optional<policy::AttestationPolicy>& policy) {
  attest::EarRequest request;
  // Role and manifest are the operator's word, and nothing here held the evidence against them: what would be released
  // by them isn't affirmed.
  if (policy && !outcome.json["decision"]["allowed"].get<bool>()) {
    request.policy_id = policy->id();
    request.appraisal = attest::Appraisal::kRefused;
  }
  if (question.report_data) request.nonce = *question.report_data;
  request.issued = question.now;
  return request;
}

Result<Outcome> verify(Session& session, const VerifyRequest& request) {
  if (!request.ear.empty() && !request.at.empty()) return invalid("--ear says what holds now: leave --at away");
  CLOISTER_TRY(const attest::EvidenceSet evidence, read_evidence(request.evidence));
  CLOISTER_TRY(const Time now, time_of(request.at));
  CLOISTER_TRY(const attest::CollateralBundle known, gather_collateral(session, request.collateral, now));
  CLOISTER_TRY(const auto policy, read_attestation_policy(request.policy));
  CLOISTER_TRY(const attest::Anchors anchors, anchors_of(request.software_keys, policy));
  attest::Question question{now, {}, &known.collateral, &anchors, &known.floors};
  CLOISTER_TRY(question.report_data, nonce_of("--nonce", request.nonce));
  CLOISTER_TRY(const auto device_nonce, nonce_of("--device-nonce", request.device_nonce));
  const Fresh fresh = fresh_of(request, evidence);

  const attest::SetVerdict verdict = attest::verify(evidence, question, device_nonce);
  Outcome outcome;
  outcome.text = verdict_text(verdict, fresh);
  outcome.json = verdict_json(verdict, fresh);
  const Standing standing = standing_of(verdict, fresh);
  if (standing != Standing::kVerified) {
    outcome.failure = Error(
        Code::kDenied, "the evidence is " + std::string(standing_name(standing)) + ": " + problem_text(verdict, fresh));
  }
  if (policy) CLOISTER_RETURN_IF_ERROR(decide(*policy, request.policy, verdict, outcome));
  if (!request.ear.empty()) {
    CLOISTER_RETURN_IF_ERROR(write_ear(session, request.ear, verdict, result_of(question, outcome, policy), outcome));
  }
  return outcome;
}

// Claims are those that a verifier would give a policy: none where signatures don't hold with what is at hand.
void show_part(const attest::Evidence& evidence, const attest::Question& question, Outcome& outcome) {
  Json json = {{"kind", attest::kind_name(evidence.kind)}, {"parts", Json::array()}};
  outcome.text += std::string(attest::kind_name(evidence.kind)) + "\n";
  for (const auto& [name, bytes] : evidence.parts) {
    const std::string digest = to_hex(crypto::sha256(bytes));
    outcome.text +=
        "  part " + printable(name) + ", " + count_text(bytes.size(), "byte") + ", SHA-256 " + digest + "\n";
    json["parts"].push_back({{"name", printable(name)}, {"bytes", bytes.size()}, {"sha256", digest}});
  }
  const attest::Verdict verdict = attest::verify(evidence, question);
  outcome.text += claims_text(verdict);
  json["claims"] = claims_json(verdict);
  outcome.json["evidence"].push_back(std::move(json));
}

Result<Outcome> show(Session& session, const ShowRequest& request) {
  CLOISTER_TRY(const attest::EvidenceSet evidence, read_evidence(request.evidence));
  CLOISTER_TRY(const Time now, time_of(request.at));
  CLOISTER_TRY(const attest::CollateralBundle known, gather_collateral(session, request.collateral, now));
  const attest::Question question{now, {}, &known.collateral};
  Outcome outcome;
  outcome.json = {{"evidence", Json::array()}, {"collateral", Json::array()}};
  show_part(evidence.primary, question, outcome);
  for (const attest::Evidence& device : evidence.devices) show_part(device, question, outcome);
  for (const attest::CollateralNeed& need : needs_of(evidence)) {
    const bool there = known.collateral.find(need.kind, need.key) != nullptr;
    outcome.text += "  collateral " + need.name() + (there ? ", at hand\n" : ", missing\n");
    outcome.json["collateral"].push_back({{"name", need.name()}, {"there", there}});
  }
  outcome.text += "whether to believe it: `cloister attest verify`\n";
  return outcome;
}

Result<Outcome> pack(Session&, const PackRequest& request) {
  CLOISTER_TRY(attest::EvidenceSet set, read_evidence(request.evidence));
  for (const std::string& file : request.devices) {
    CLOISTER_TRY(const Bytes bytes, read_file(file, attest::kEvidenceSizeMax));
    CLOISTER_TRY(attest::EvidenceSet device, attest::recognise(bytes).with_context("read " + file));
    set.devices.push_back(std::move(device.primary));
    for (attest::Evidence& more : device.devices) set.devices.push_back(std::move(more));
  }
  if (set.devices.size() > attest::kDevicesMax) return invalid("there are more devices than a machine may have");
  const Bytes bytes = attest::encode(set);
  // What couldn't be read again isn't written.
  CLOISTER_TRY([[maybe_unused]] const attest::EvidenceSet again, attest::decode_evidence(bytes));
  CLOISTER_RETURN_IF_ERROR(write_file(request.output, bytes, request.force ? Overwrite::kReplace : Overwrite::kRefuse));
  Outcome outcome;
  outcome.terse = true;
  outcome.text = "packed " + count_text(1 + set.devices.size(), "piece") + " of evidence\n";
  outcome.json = {{"bytes", bytes.size()}, {"devices", set.devices.size()}};
  return outcome;
}

void add_evidence_options(CLI::App* verb, EvidenceOptions& options) {
  verb->add_option("EVIDENCE", options.file, "a file as the device gave it, or as `attest pack` wrote it");
  verb->add_option("--kind", options.kind, "what the parts are: tpm, snp, nvidia-gpu, …")->type_name("KIND");
  verb->add_option("--part", options.parts, "evidence that comes in several files")
      ->type_name("NAME=FILE")
      ->allow_extra_args(false);
}

void add_verify_evidence(CLI::App& group, Run& run) {
  auto request = std::make_shared<VerifyRequest>();
  CLI::App* verb = add_verb(group, "verify", "every check, with its outcome and the reason", kVerifyManual);
  add_evidence_options(verb, request->evidence);
  add_collateral_options(verb, request->collateral);
  add_policy_options(verb, request->policy);
  verb->add_option("--nonce", request->nonce, "what it must answer, or `any`")->type_name("HEX")->required();
  verb->add_option("--device-nonce", request->device_nonce, "what its devices must answer, or `any`")->type_name("HEX");
  verb->add_option("--at", request->at, "judge as of that time; else now")->type_name("TIME");
  verb->add_option("--ear", request->ear, "write the verdict there too, signed")->type_name("FILE");
  verb->add_option("--software-key", request->software_keys, "an attester of software: the SHA-256 of its public key")
      ->type_name("HEX")
      ->allow_extra_args(false);
  set_action(verb, run, request, verify);
}

}  // namespace

void add_attest(CLI::App& app, Run& run) {
  CLI::App* group = add_verb(app, "attest", "what a machine's evidence says, and whether to believe it", kManual);
  group->require_subcommand(1);
  add_verify_evidence(*group, run);

  auto showing = std::make_shared<ShowRequest>();
  CLI::App* verb = add_verb(*group, "show", "kind and parts of evidence, its claims, and the collateral it needs", "");
  add_evidence_options(verb, showing->evidence);
  add_collateral_options(verb, showing->collateral);
  verb->add_option("--at", showing->at, "as of that time; else now")->type_name("TIME");
  set_action(verb, run, showing, show);

  auto packing = std::make_shared<PackRequest>();
  verb = add_verb(*group, "pack", "one file of a machine's evidence and its devices'", "");
  add_evidence_options(verb, packing->evidence);
  verb->add_option("--device", packing->devices, "evidence of a device in the machine")
      ->type_name("FILE")
      ->allow_extra_args(false);
  verb->add_option("-o,--output", packing->output, "the file to make")->required()->type_name("FILE");
  verb->add_flag("-f,--force", packing->force, "replace a file that is there");
  set_action(verb, run, packing, pack);

  add_collateral(*group, run);
  add_releases(*group, run);
  add_tpm(*group, run);
}

}  // namespace cloister::cli
