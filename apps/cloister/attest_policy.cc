#include "attest_policy.h"

#include "base/file.h"
#include "base/toml.h"
#include "crypto/hash.h"
#include "keys/hierarchy.h"
#include "service/attestation/judgement.h"

namespace cloister::cli {
namespace {

constexpr std::size_t kManifestMax = std::size_t{1} << 20;

}  // namespace

void add_policy_options(CLI::App* verb, AttestPolicyOptions& options) {
  CLI::Option* file =
      verb->add_option("--policy", options.file, "what this attestation policy would decide")->type_name("FILE");
  verb->add_option("--dataset", options.dataset, "whose keys are asked for")
      ->type_name("TENANT[/ENV]/DATASET")
      ->needs(file);
  verb->add_option("--purpose", options.purpose, "what for: infer, train, …")->type_name("WORD")->needs(file);
  verb->add_option("--role", options.role, "what the worker is: infer, train, aggregate, kms")
      ->type_name("WORD")
      ->needs(file);
  verb->add_option("--manifest", options.manifest, "the worker's manifest")->type_name("FILE")->needs(file);
}

Result<std::optional<policy::AttestationPolicy>> read_attestation_policy(const AttestPolicyOptions& options) {
  if (options.file.empty()) return std::optional<policy::AttestationPolicy>();
  for (const std::string* needed : {&options.dataset, &options.purpose, &options.role, &options.manifest}) {
    if (needed->empty()) return invalid("--policy needs --dataset, --purpose, --role and --manifest");
  }
  CLOISTER_TRY(const Bytes text, read_file(options.file, kTomlSizeMax));
  CLOISTER_TRY(policy::AttestationPolicy policy,
               policy::load_attestation_policy(as_text(text)).with_context(options.file));
  return std::optional(std::move(policy));
}

Status decide(const policy::AttestationPolicy& policy, const AttestPolicyOptions& options,
              const attest::SetVerdict& verdict, Outcome& outcome) {
  CLOISTER_TRY(const keys::DatasetName name, keys::parse_dataset_name(options.dataset));
  CLOISTER_TRY(const policy::Purpose purpose, policy::parse_purpose(options.purpose));
  CLOISTER_TRY(const Bytes manifest, read_file(options.manifest, kManifestMax));
  policy::ReleaseRequest request{name.tenant, name.environment,  name.dataset,
                                 purpose,     options.role,      to_hex(crypto::sha256(manifest)),
                                 {},          verdict.primary.at};
  request.parts.push_back(service::part_of(verdict.primary));
  for (const attest::Verdict& device : verdict.devices) request.parts.push_back(service::part_of(device));
  const policy::ReleaseDecision decision = policy::decide(policy, request);
  outcome.json["decision"] = {{"allowed", decision.allowed}, {"rule", decision.rule}, {"reason", decision.reason}};
  outcome.text += std::string(decision.allowed ? "released" : "not released") + " by " + printable(policy.id()) + ": " +
                  printable(decision.reason) + "\n";
  if (!decision.allowed) outcome.failure = Error(Code::kDenied, "the policy releases nothing: " + decision.reason);
  return {};
}

}  // namespace cloister::cli
