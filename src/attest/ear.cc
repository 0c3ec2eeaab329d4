#include "attest/ear.h"

#include <algorithm>

#include "base/base64.h"
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

JsonValue json_of(const ClaimValue& value) {
  if (const auto* truth = std::get_if<bool>(&value)) return JsonValue(*truth);
  if (const auto* number = std::get_if<std::uint64_t>(&value)) return JsonValue(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return JsonValue(*text);
  return JsonValue(to_hex(std::get<Bytes>(value)));
}

JsonValue::Object evidence_of(const Verdict& verdict) {
  JsonValue::Object claims;
  for (const auto& [name, value] : verdict.claims) claims.emplace_back(name, json_of(value));
  claims.emplace_back("cloister.assurance", std::string(assurance_name(verdict.assurance)));
  JsonValue::Object checks;
  for (const Check& check : verdict.checks) {
    std::string outcome(check_state_name(check.state));
    if (check.reason) outcome += ": " + std::string(reason_name(*check.reason));
    checks.emplace_back(check.name, std::move(outcome));
  }
  claims.emplace_back("cloister.checks", std::move(checks));
  return JsonValue::Object{{std::string(kind_name(verdict.kind)), std::move(claims)}};
}

JsonValue submodule(const Verdict& verdict, const EarRequest& request) {
  const std::uint64_t hardware = hardware_of(verdict);
  const std::uint64_t executables = of_policy(request.appraisal, kUnrecognisedWorkload);
  const std::uint64_t configuration = of_policy(request.appraisal, kUnsureConfiguration);
  JsonValue::Object out{
      {"ear.status", std::string(status_of(std::max({hardware, executables, configuration})))},
      {"ear.trustworthiness-vector",
       JsonValue::Object{{"configuration", configuration}, {"executables", executables}, {"hardware", hardware}}},
      {"ear.veraison.annotated-evidence", evidence_of(verdict)}};
  if (!request.policy_id.empty()) out.emplace_back("ear.appraisal-policy-id", request.policy_id);
  return out;
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

}  // namespace

JsonValue ear_claims(const SetVerdict& verdict, const EarRequest& request) {
  const std::int64_t issued = request.issued.unix_ms / 1000;
  JsonValue::Object out{{"eat_profile", request.profile},
                        {"iss", request.issuer},
                        {"iat", issued},
                        {"exp", issued + request.lifetime.ms / 1000},
                        {"ear.verifier-id", JsonValue::Object{{"build", "cloister"}, {"developer", "cloister"}}},
                        {"cloister.assurance", std::string(assurance_name(verdict.assurance()))},
                        {"submods", submodules(verdict, request)}};
  if (!request.nonce.empty()) out.emplace_back("eat_nonce", to_base64(request.nonce, Base64::kUrl));
  for (const JsonValue::Member& member : request.claims) out.push_back(member);
  return out;
}

Result<std::string> ear_token(const SetVerdict& verdict, const EarRequest& request, crypto::Signer& signer) {
  const crypto::PublicKey& key = signer.public_key();
  const auto algorithm = key.type() == crypto::KeyType::kEcP384 ? crypto::JwsAlgorithm::kEs384
                         : key.type() == crypto::KeyType::kRsa  ? crypto::JwsAlgorithm::kRs256
                                                                : crypto::JwsAlgorithm::kEs256;
  const crypto::JwsHeader header{algorithm, crypto::jwk_thumbprint(key), "JWT"};
  return crypto::sign_jws(header, as_bytes(ear_claims(verdict, request).serialize()), signer);
}

}  // namespace cloister::attest
