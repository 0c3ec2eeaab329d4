#include "tpm_commands.h"

#include <filesystem>
#include <optional>

#include "attest/collateral/merge.h"
#include "attest/workload_manifest.h"
#include "home/collateral_cache.h"
#include "service/attestation/tpm_enrolment.h"
#include "verdict_text.h"

namespace cloister::cli {
namespace {

constexpr std::uint64_t kAuthoritiesSizeMax = std::uint64_t{4} << 20;
constexpr std::uint32_t kHoursMax = 24 * 30;

struct ChallengeRequest {
  std::string identity, authorities, endorsement_key, output;
  std::uint32_t hours = 24;
  bool force = false;
};

struct EndorseRequest {
  std::string answer;
};

struct WithdrawRequest {
  std::string name;
};

constexpr const char* kManual = R"(EXAMPLES
  machine$ cloister-worker tpm identity --tpm device:/dev/tpmrm0 --out m7.identity
  cloister attest tpm challenge m7.identity --ek-authorities tpm-vendors.pem -o m7.challenge
      for a TPM whose endorsement key its manufacturer certified
  cloister attest tpm challenge m7.identity --ek sha256:5f0c… -o m7.challenge
      for a TPM that you know yourself, by the SHA-256 of its endorsement key
  machine$ cloister-worker tpm activate m7.challenge --tpm device:/dev/tpmrm0 --out m7.answer
  cloister attest tpm endorse m7.answer
      the key is in the home's collateral from now on, and its quotes count
  cloister attest tpm withdraw 000b3f…
      and from now on they don't any more

NOTES
  The challenge opens only in the TPM that holds the endorsement key, and only
  beside the attestation key, with its attributes, that it was made for. A TPM in
  software can be enrolled, too: it stays insecure_software. Which state of its
  machine is good is for an attestation policy to say: `endorse` prints the
  measurement that the TPM quoted.
  Withdrawing ends no lease that was given before; a new policy does.
)";

// How it is known that the endorsement key is a TPM's.
Result<std::string> trust(const attest::TpmIdentity& identity, const ChallengeRequest& request, Time now) {
  const std::string shown = attest::digest_text(attest::tpm_fingerprint(identity.endorsement));
  if (request.endorsement_key.empty() == request.authorities.empty()) {
    return invalid("whose TPM is it? --ek-authorities FILE, or --ek " + shown +
                   " if you know that it is that machine's");
  }
  if (!request.endorsement_key.empty()) {
    CLOISTER_TRY(const crypto::Sha256Digest named,
                 attest::parse_digest_text(request.endorsement_key).with_context("--ek"));
    if (named == attest::tpm_fingerprint(identity.endorsement)) return std::string("named by its operator");
    return Error(Code::kDenied, "the endorsement key is another one: " + shown);
  }
  CLOISTER_TRY(const Bytes pem, read_file(request.authorities, kAuthoritiesSizeMax));
  CLOISTER_TRY(const auto authorities, crypto::Certificate::parse_pem(as_text(pem), attest::kTpmAuthoritiesMax)
                                           .with_context("read " + request.authorities));
  CLOISTER_RETURN_IF_ERROR(attest::check_endorsement_certificate(identity, authorities, now));
  return std::string("certified");
}

Result<service::TpmEnrolment> enrolment(Session& session) {
  CLOISTER_TRY(service::AuthenticSettings settings, session.service_settings());
  return service::TpmEnrolment(std::move(settings));
}

Result<Outcome> make_challenge(Session& session, const ChallengeRequest& request, const attest::TpmIdentity& identity,
                               const std::string& because) {
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(const service::TpmEnrolment enrolling, enrolment(session));
  CLOISTER_TRY(const attest::TpmChallenge challenge,
               enrolling.challenge(hierarchy->store(), identity, because, hours(request.hours), session.random(),
                                   session.caller()));
  CLOISTER_RETURN_IF_ERROR(write_file(request.output, as_bytes(attest::write_tpm_challenge(challenge)),
                                      request.force ? Overwrite::kReplace : Overwrite::kRefuse));
  const std::string name = to_hex(challenge.attestation_name);
  const std::string endorser = attest::digest_text(attest::tpm_fingerprint(identity.endorsement));
  Outcome outcome;
  outcome.text = "endorsement key " + endorser + ", " + because + "\nattestation key " + name +
                 "\nto be answered there until " + to_rfc3339(challenge.expires) + "\n";
  outcome.json = {{"attestation_name", name},
                  {"endorsement_key", endorser},
                  {"trusted", because},
                  {"expires", to_rfc3339(challenge.expires)}};
  return outcome;
}

Result<Outcome> challenge(Session& session, const ChallengeRequest& request) {
  if (request.hours == 0 || request.hours > kHoursMax) return invalid("--hours: 1 to " + std::to_string(kHoursMax));
  // What couldn't be written would stay open.
  std::error_code failure;
  if (!request.force && std::filesystem::exists(request.output, failure)) {
    return Error(Code::kExists, request.output + " is there already: --force replaces it");
  }
  CLOISTER_TRY(const Bytes text, read_file(request.identity, attest::kTpmEnrolmentFileSizeMax));
  CLOISTER_TRY(const attest::TpmIdentity identity,
               attest::parse_tpm_identity(as_text(text)).with_context("read " + request.identity));
  const auto trusted = trust(identity, request, session.caller().now);
  auto made = trusted.ok() ? make_challenge(session, request, identity, *trusted) : trusted.error();
  if (made.ok() || made.error().code() != Code::kDenied) return made;
  return session.record_failure("tpm.challenge", "", to_hex(identity.attestation.name()), made.error());
}

// The challenge goes when it is answered; what couldn't be read or locked before leaves it open.
Result<service::EndorsedTpm> endorse_into_home(Session& session, keys::Hierarchy& hierarchy,
                                               const service::TpmEnrolment& enrolling,
                                               const attest::TpmAnswer& answer) {
  const keys::Caller caller = session.caller();
  std::optional<service::EndorsedTpm> endorsed;
  const Status kept =
      home::update_collateral(session.home(), hierarchy, caller.now, [&](attest::CollateralBundle& bundle) -> Status {
        CLOISTER_TRY(endorsed, enrolling.endorse(hierarchy.store(), answer, caller));
        attest::merge(bundle.collateral, endorsed->item);
        return {};
      });
  if (kept.ok()) return std::move(*endorsed);
  if (!endorsed) return kept.error();
  return Error(
      kept.error().code(),
      kept.error().message() + "; the challenge is used up: unless the collateral has the key, make another one");
}

Result<Outcome> endorse(Session& session, const EndorseRequest& request) {
  CLOISTER_TRY(const Bytes text, read_file(request.answer, attest::kTpmEnrolmentFileSizeMax));
  CLOISTER_TRY(const attest::TpmAnswer answer,
               attest::parse_tpm_answer(as_text(text)).with_context("read " + request.answer));
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(const service::TpmEnrolment enrolling, enrolment(session));
  const auto endorsed = endorse_into_home(session, *hierarchy, enrolling, answer);
  if (!endorsed.ok()) return session.record_failure("tpm.endorse", "", to_hex(answer.id), endorsed.error());
  const attest::TpmPublic key = *attest::parse_tpm_public(endorsed->item.body);
  Outcome outcome;
  outcome.json = {{"attestation_name", to_hex(key.name())},
                  {"endorsement_key", attest::digest_text(endorsed->endorser)},
                  {"collateral", endorsed->item.name()},
                  {"assurance", attest::assurance_name(endorsed->verdict.assurance)},
                  {"claims", claims_json(endorsed->verdict)}};
  outcome.text = "endorsed: attestation key " + to_hex(key.name()) + "\nassurance " +
                 std::string(attest::assurance_name(endorsed->verdict.assurance)) + "\n" +
                 claims_text(endorsed->verdict);
  return outcome;
}

// kNotFound when nothing of it is an endorsement of a key of that name.
Result<attest::Collateral> without(const attest::Collateral& all, const Bytes& name) {
  attest::Collateral left;
  for (const auto& [of, item] : all.items()) {
    const bool endorsement = item.kind == attest::CollateralKind::kTpmEndorsement;
    const auto key = attest::parse_attestation_key(item.body);
    const bool named = endorsement && key.ok() && key->area && key->area->name() == name;
    if (!named) left.add(item);
  }
  if (left.items().size() < all.items().size()) return left;
  return Error(Code::kNotFound, "this home endorses no attestation key of that name");
}

Result<Outcome> withdraw(Session& session, const WithdrawRequest& request) {
  CLOISTER_TRY(const Bytes name, from_hex(request.name).with_context("the name of an attestation key"));
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_RETURN_IF_ERROR(home::update_collateral(
      session.home(), *hierarchy, session.caller().now, [&](attest::CollateralBundle& kept) -> Status {
        CLOISTER_TRY(attest::Collateral left, without(kept.collateral, name));
        kept.collateral = std::move(left);
        return session.record("tpm.withdraw", "", to_hex(name), "");
      }));
  Outcome outcome;
  outcome.terse = true;
  outcome.text = "withdrawn: attestation key " + to_hex(name) + "\n";
  outcome.json = {{"attestation_name", to_hex(name)}};
  return outcome;
}

}  // namespace

void add_tpm(CLI::App& attest, Run& run) {
  CLI::App* group = add_verb(attest, "tpm", "enrol the keys that machines' TPMs attest with", kManual);
  group->require_subcommand(1);

  auto challenging = std::make_shared<ChallengeRequest>();
  CLI::App* verb = add_verb(*group, "challenge", "what only that TPM can answer, and only beside that key", "");
  verb->add_option("IDENTITY", challenging->identity, "what `cloister-worker tpm identity` wrote")->required();
  verb->add_option("--ek-authorities", challenging->authorities,
                   "who may have certified its endorsement key: each is trusted as it stands")
      ->type_name("PEM");
  verb->add_option("--ek", challenging->endorsement_key, "which endorsement key that machine's TPM has")
      ->type_name("sha256:HEX");
  verb->add_option("--hours", challenging->hours, "how long it may take to answer")->capture_default_str();
  verb->add_option("-o,--output", challenging->output, "the challenge to make")->required()->type_name("FILE");
  verb->add_flag("-f,--force", challenging->force, "replace a challenge that is there");
  set_action(verb, run, challenging, challenge);

  auto endorsing = std::make_shared<EndorseRequest>();
  verb = add_verb(*group, "endorse", "check the answer, and vouch for the key from now on", "");
  verb->add_option("ANSWER", endorsing->answer, "what `cloister-worker tpm activate` wrote")->required();
  set_action(verb, run, endorsing, endorse);

  auto withdrawing = std::make_shared<WithdrawRequest>();
  verb = add_verb(*group, "withdraw", "vouch for a key no longer", "");
  verb->add_option("NAME", withdrawing->name, "the attestation key's name: 000b…")->required();
  set_action(verb, run, withdrawing, withdraw);
}

}  // namespace cloister::cli
