#include "service/attestation/tpm_enrolment.h"

#include <algorithm>

#include "attest/verifier.h"
#include "base/json.h"

namespace cloister::service {
namespace {

constexpr std::string_view kPrefix = "tpm_challenge:";
constexpr std::size_t kSecretSize = 32;

struct OpenChallenge {
  Time expires;
  Bytes attestation_name;
  crypto::Sha256Digest endorser{}, proof{};
};

std::string name_of(const attest::TpmChallengeId& id) { return std::string(kPrefix) + to_hex(id); }

std::string value_of(const OpenChallenge& open) {
  const JsonValue::Object object{{"attestation_name", to_hex(open.attestation_name)},
                                 {"endorsement_key", to_hex(open.endorser)},
                                 {"expires_ms", static_cast<std::uint64_t>(open.expires.unix_ms)},
                                 {"proof", to_hex(open.proof)}};
  return JsonValue(object).serialize();
}

Result<Bytes> bytes_of(const JsonValue& json, std::string_view name) {
  const JsonValue* value = json.find(name);
  if (value == nullptr || value->string() == nullptr) return Error(Code::kCorrupt, "a member is missing");
  return from_hex(*value->string());
}

Result<crypto::Sha256Digest> digest_of(const JsonValue& json, std::string_view name) {
  CLOISTER_TRY(const Bytes bytes, bytes_of(json, name));
  crypto::Sha256Digest digest{};
  if (bytes.size() != digest.size()) return Error(Code::kCorrupt, "a digest has another size");
  std::ranges::copy(bytes, digest.begin());
  return digest;
}

Result<OpenChallenge> read_value(std::string_view value) {
  CLOISTER_TRY(const JsonValue json, parse_json(value));
  OpenChallenge open;
  CLOISTER_TRY(open.attestation_name, bytes_of(json, "attestation_name"));
  CLOISTER_TRY(open.endorser, digest_of(json, "endorsement_key"));
  CLOISTER_TRY(open.proof, digest_of(json, "proof"));
  const JsonValue* expires = json.find("expires_ms");
  if (expires == nullptr || !expires->unsigned_integer()) return Error(Code::kCorrupt, "the time is missing");
  open.expires = Time{static_cast<std::int64_t>(*expires->unsigned_integer())};
  return open;
}

// As for join tokens: what has expired, or isn't ours, goes.
Status make_room(keys::Store& store, keys::Store::Change& change, const AuthenticSettings& settings, Time now) {
  CLOISTER_TRY(const auto stored, store.settings(kPrefix));
  std::size_t left = stored.size();
  for (const auto& [name, value] : stored) {
    const auto opened = settings.open_value(name, value);
    const auto other = opened.ok() ? read_value(*opened) : opened.error();
    if (other.ok() && now < other->expires) continue;
    CLOISTER_RETURN_IF_ERROR(change.remove_setting(name));
    --left;
  }
  if (left < kTpmChallengesMax) return {};
  return Error(Code::kUnavailable, "there are too many challenges that no TPM has answered");
}

// What a challenge of that number was made of; only while it may be answered.
Result<OpenChallenge> find_open(keys::Store& store, const AuthenticSettings& settings, const attest::TpmChallengeId& id,
                                Time now) {
  const auto value = settings.read(store, name_of(id));
  if (!value.ok() && value.error().code() == Code::kNotFound) {
    return Error(Code::kDenied,
                 "no challenge of that number is open in this home: it was answered, or isn't this home's");
  }
  if (!value.ok()) return value.error();
  auto open = read_value(*value);
  if (!open.ok()) return Error(Code::kCorrupt, "a stored challenge is malformed");
  if (now >= open->expires) return Error(Code::kExpired, "the challenge expired at " + to_rfc3339(open->expires));
  return open;
}

Result<EndorsedTpm> judge(const attest::TpmAnswer& answer, const OpenChallenge& open, Time now) {
  CLOISTER_TRY(const attest::TpmPublic key,
               attest::parse_tpm_public(answer.evidence.part("ak")).with_context("the answer"));
  if (key.name() != open.attestation_name) {
    return Error(Code::kDenied, "the answer is by another key than the one that was challenged");
  }
  EndorsedTpm endorsed{attest::tpm_endorsement(key, now), {}, open.endorser};
  attest::Collateral collateral;
  collateral.add(endorsed.item);
  endorsed.verdict =
      attest::verify(answer.evidence, {.now = now, .report_data = to_bytes(open.proof), .collateral = &collateral});
  if (endorsed.verdict.sound()) return endorsed;
  const attest::Check* problem = endorsed.verdict.first_problem();
  if (problem != nullptr && problem->name == "report-data") {
    return Error(Code::kDenied,
                 "the answer isn't to that challenge: its quote doesn't carry what the credential leads to");
  }
  return Error(Code::kDenied, "the answer's quote isn't sound" +
                                  (problem == nullptr ? "" : ": " + problem->name + ", " + problem->detail));
}

}  // namespace

Result<attest::TpmChallenge> TpmEnrolment::challenge(keys::Store& store, const attest::TpmIdentity& identity,
                                                     std::string because, Duration lifetime, crypto::Random& random,
                                                     const keys::Caller& caller) const {
  attest::TpmChallenge challenge{{}, caller.now + lifetime, identity.attestation.name(), {}};
  random.fill(challenge.id);
  crypto::Secret secret(kSecretSize);
  random.fill(secret.expose_mutable());
  CLOISTER_TRY(challenge.credential,
               attest::make_tpm_credential(identity.endorsement, identity.attestation, secret, random));
  const OpenChallenge open{challenge.expires, challenge.attestation_name, attest::tpm_fingerprint(identity.endorsement),
                           attest::tpm_answer_proof(challenge.id, secret)};
  const audit::Event event{caller.now,
                           caller.actor,
                           "tpm.challenge",
                           "",
                           to_hex(challenge.attestation_name),
                           audit::Outcome::kAllowed,
                           "endorsement key " + to_hex(open.endorser) + ", " + std::move(because)};
  const Status kept = store.change(event, [&](keys::Store::Change& change) -> Status {
    CLOISTER_RETURN_IF_ERROR(make_room(store, change, settings_, caller.now));
    return settings_.put(change, name_of(challenge.id), value_of(open));
  });
  if (!kept.ok()) return kept.error();
  return challenge;
}

Result<EndorsedTpm> TpmEnrolment::endorse(keys::Store& store, const attest::TpmAnswer& answer,
                                          const keys::Caller& caller) const {
  std::optional<EndorsedTpm> endorsed;
  const audit::Event event{caller.now, caller.actor, "tpm.endorse", "", "", audit::Outcome::kAllowed, ""};
  CLOISTER_RETURN_IF_ERROR(store.change(event, [&](keys::Store::Change& change) -> Status {
    CLOISTER_TRY(const OpenChallenge open, find_open(store, settings_, answer.id, caller.now));
    CLOISTER_TRY(endorsed, judge(answer, open, caller.now));
    change.event().subject = to_hex(open.attestation_name);
    change.event().detail = "endorsement key " + to_hex(open.endorser);
    return change.remove_setting(name_of(answer.id));
  }));
  return std::move(*endorsed);
}

}  // namespace cloister::service
