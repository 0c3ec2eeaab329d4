#include "attest/ear.h"

#include <algorithm>

#include "base/base64.h"
#include "base/reader.h"
#include "crypto/jwk.h"
#include "crypto/jws.h"

namespace cloister::attest {
namespace {

// AR4SI 2.3: 2 to 31 affirm, 32 to 95 warn, 96 to 127 contraindicate, 0 claims nothing.
constexpr std::uint64_t kNoClaim = 0;
constexpr std::uint64_t kAffirming = 2;
constexpr std::uint64_t kUnrecognisedWorkload = 33;
constexpr std::uint64_t kUnsafeHardware = 32;
constexpr std::uint64_t kUnsureConfiguration = 36;
constexpr std::uint64_t kContraindicated = 96;
constexpr std::uint64_t kUnrecognisedHardware = 97;

constexpr std::string_view kTrusteeProfile = "tag:github.com,2024:confidential-containers/Trustee";
constexpr std::string_view kDraft4Profile = "tag:ietf.org,2026:rats/ear#04";
// RFC 9711 4.1.
constexpr std::size_t kNonceMin = 8, kNonceMax = 64;

std::uint64_t hardware_of(const Verdict& verdict) {
  if (verdict.assurance != Assurance::kHardware) return kUnrecognisedHardware;
  if (verdict.any_failed()) return kContraindicated;
  if (!verdict.sound()) return kUnsafeHardware;
  const auto status = verdict.claims.find("tcb_status");
  const auto* text = status == verdict.claims.end() ? nullptr : std::get_if<std::string>(&status->second);
  return text == nullptr || *text == "UpToDate" ? kAffirming : kUnsafeHardware;
}

std::uint64_t of_policy(Appraisal appraisal, std::uint64_t otherwise) {
  if (appraisal == Appraisal::kRefused) return kContraindicated;
  return appraisal == Appraisal::kAllowed ? kAffirming : otherwise;
}

std::string_view status_of(std::uint64_t claim) {
  if (claim == kNoClaim) return "none";
  if (claim < 32) return "affirming";
  return claim < 96 ? "warning" : "contraindicated";
}

// Evidence may say anything.
std::string printable(const std::string& text) { return is_plain_utf8(text) ? text : to_hex(as_bytes(text)); }

JsonValue json_of(const ClaimValue& value) {
  if (const auto* truth = std::get_if<bool>(&value)) return JsonValue(*truth);
  if (const auto* number = std::get_if<std::uint64_t>(&value)) return JsonValue(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return JsonValue(printable(*text));
  return JsonValue(to_hex(std::get<Bytes>(value)));
}

JsonValue::Object claims_of(const Verdict& verdict) {
  JsonValue::Object claims;
  for (const auto& [name, value] : verdict.claims) claims.emplace_back(printable(name), json_of(value));
  return claims;
}

// Of several checks of one name the first that didn't pass: a JSON object has each name once.
JsonValue::Object checks_of(const Verdict& verdict) {
  std::map<std::string, std::string> outcomes;
  for (const Check& check : verdict.checks) {
    std::string outcome(check_state_name(check.state));
    if (check.reason) outcome += ": " + std::string(reason_name(*check.reason));
    const auto [known, is_new] = outcomes.try_emplace(check.name, outcome);
    if (!is_new && known->second == check_state_name(CheckState::kPassed)) known->second = std::move(outcome);
  }
  JsonValue::Object checks;
  for (auto& [name, outcome] : outcomes) checks.emplace_back(name, std::move(outcome));
  return checks;
}

JsonValue::Object evidence_of(const Verdict& verdict) {
  JsonValue::Object claims = claims_of(verdict);
  claims.emplace_back("cloister.assurance", std::string(assurance_name(verdict.assurance)));
  claims.emplace_back("cloister.checks", checks_of(verdict));
  return JsonValue::Object{{std::string(kind_name(verdict.kind)), std::move(claims)}};
}

// What the verifier itself says beside the vector: never empty.
JsonValue::Object verifier_claims(const Verdict& verdict) {
  JsonValue::Object claims{{"kind", std::string(kind_name(verdict.kind))},
                           {"assurance", std::string(assurance_name(verdict.assurance))},
                           {"judged_at", to_rfc3339(verdict.at)},
                           {"checks", checks_of(verdict)}};
  if (!verdict.advisories.empty()) {
    JsonValue::Array advisories;
    for (const std::string& advisory : verdict.advisories) advisories.emplace_back(printable(advisory));
    claims.emplace_back("advisories", std::move(advisories));
  }
  return claims;
}

struct Appraised {
  std::uint64_t hardware, executables, configuration;
  std::string_view status() const { return status_of(std::max({hardware, executables, configuration})); }
  JsonValue vector() const {
    return JsonValue::Object{{"configuration", configuration}, {"executables", executables}, {"hardware", hardware}};
  }
};

Appraised appraise(const Verdict& verdict, const EarRequest& request) {
  return {hardware_of(verdict), of_policy(request.appraisal, kUnrecognisedWorkload),
          of_policy(request.appraisal, kUnsureConfiguration)};
}

JsonValue trustee_submodule(const Verdict& verdict, const EarRequest& request) {
  const Appraised appraised = appraise(verdict, request);
  JsonValue::Object out{{"ear.status", std::string(appraised.status())},
                        {"ear.trustworthiness-vector", appraised.vector()},
                        {"ear.veraison.annotated-evidence", evidence_of(verdict)}};
  if (!request.policy_id.empty()) out.emplace_back("ear.appraisal-policy-id", request.policy_id);
  return out;
}

JsonValue draft_submodule(const Verdict& verdict, const EarRequest& request) {
  const Appraised appraised = appraise(verdict, request);
  JsonValue::Object out{{"ear_status", std::string(appraised.status())},
                        {"ear_trustworthiness_vector", appraised.vector()},
                        {"ear_verifier_claims", verifier_claims(verdict)}};
  if (!verdict.claims.empty()) out.emplace_back("ear_attester_claims", claims_of(verdict));
  if (!request.policy_id.empty()) out.emplace_back("ear_appraisal_policy_ids", JsonValue::Array{request.policy_id});
  return out;
}

JsonValue submodule(const Verdict& verdict, const EarRequest& request) {
  return request.form == EarForm::kTrustee ? trustee_submodule(verdict, request) : draft_submodule(verdict, request);
}

JsonValue::Object submodules(const SetVerdict& verdict, const EarRequest& request) {
  JsonValue::Object out{{"cpu0", submodule(verdict.primary, request)}};
  unsigned gpus = 0, switches = 0;
  for (const Verdict& device : verdict.devices) {
    const bool is_switch = device.kind == Kind::kNvidiaSwitch;
    const std::string name = is_switch ? "nvswitch" + std::to_string(switches++) : "gpu" + std::to_string(gpus++);
    out.emplace_back(name, submodule(device, request));
  }
  return out;
}

// Of the part that is trusted least.
std::string status_of_all(const SetVerdict& verdict, const EarRequest& request) {
  const auto worst_of = [&request](const Verdict& part) {
    const Appraised appraised = appraise(part, request);
    return std::max({appraised.hardware, appraised.executables, appraised.configuration});
  };
  std::uint64_t worst = worst_of(verdict.primary);
  for (const Verdict& device : verdict.devices) worst = std::max(worst, worst_of(device));
  return std::string(status_of(worst));
}

}  // namespace

JsonValue ear_claims(const SetVerdict& verdict, const EarRequest& request) {
  const bool trustee = request.form == EarForm::kTrustee;
  const std::int64_t issued = request.issued.unix_ms / 1000;
  JsonValue::Object out{{"eat_profile", std::string(trustee ? kTrusteeProfile : kDraft4Profile)},
                        {"iss", request.issuer},
                        {"iat", issued},
                        {"exp", issued + request.lifetime.ms / 1000},
                        {trustee ? "ear.verifier-id" : "ear_verifier_id",
                         JsonValue::Object{{"build", "cloister"}, {"developer", "cloister"}}},
                        {"cloister.assurance", std::string(assurance_name(verdict.assurance()))},
                        {"submods", submodules(verdict, request)}};
  if (!trustee) out.emplace_back("ear_status", status_of_all(verdict, request));
  if (!request.nonce.empty()) out.emplace_back("eat_nonce", to_base64(request.nonce, Base64::kUrl));
  for (const JsonValue::Member& member : request.claims) out.push_back(member);
  return out;
}

Result<std::string> ear_token(const SetVerdict& verdict, const EarRequest& request, crypto::Signer& signer) {
  if (!request.nonce.empty() && (request.nonce.size() < kNonceMin || request.nonce.size() > kNonceMax)) {
    return Error(Code::kInvalid, "the nonce of an attestation result has 8 to 64 bytes");
  }
  const crypto::PublicKey& key = signer.public_key();
  const auto algorithm = key.type() == crypto::KeyType::kEcP384 ? crypto::JwsAlgorithm::kEs384
                         : key.type() == crypto::KeyType::kRsa  ? crypto::JwsAlgorithm::kRs256
                                                                : crypto::JwsAlgorithm::kEs256;
  const crypto::JwsHeader header{algorithm, crypto::jwk_thumbprint(key),
                                 request.form == EarForm::kTrustee ? "JWT" : "eat+jwt"};
  return crypto::sign_jws(header, as_bytes(ear_claims(verdict, request).serialize()), signer, kEarSizeMax);
}

}  // namespace cloister::attest
