#include "service/attestation/result_tokens.h"

#include "crypto/jwk.h"

namespace cloister::service {
namespace {

constexpr std::string_view kName = "attestation_results";
constexpr std::size_t kTextMax = 4096;

using attest::Assurance;

Result<crypto::PrivateKey> key_of(const JsonValue& stored, std::string_view name, const AuthenticSettings& settings) {
  const JsonValue* member = stored.find(name);
  if (member == nullptr || member->string() == nullptr) {
    return Error(Code::kCorrupt, "the keys of attestation results are malformed");
  }
  CLOISTER_TRY(const Bytes wrapped, from_hex(*member->string()));
  CLOISTER_TRY(const crypto::KeyMaterial scalar, settings.unwrap(kName, wrapped));
  return crypto::PrivateKey::from_scalar(crypto::KeyType::kEcP256, crypto::Secret::copy_of(scalar.secret().expose()));
}

Result<std::string> new_key(const AuthenticSettings& settings, crypto::Random& random) {
  CLOISTER_TRY(const crypto::PrivateKey key, crypto::PrivateKey::generate(crypto::KeyType::kEcP256, random));
  CLOISTER_TRY(const crypto::KeyMaterial scalar,
               crypto::KeyMaterial::from_secret(crypto::Secret::copy_of(key.scalar().expose())));
  return to_hex(settings.wrap(kName, scalar, random));
}

Status make_keys(const AuthenticSettings& settings, keys::Store& store, crypto::Random& random,
                 const keys::Caller& caller) {
  CLOISTER_TRY(std::string hardware, new_key(settings, random));
  CLOISTER_TRY(std::string other, new_key(settings, random));
  const std::string text =
      JsonValue(JsonValue::Object{{"hardware", std::move(hardware)}, {"other", std::move(other)}}).serialize();
  const audit::Event event{
      caller.now, caller.actor, "attestation.create-result-keys", "", "attestation", audit::Outcome::kAllowed, ""};
  const Status made = store.change(event, [&](keys::Store::Change& change) -> Status {
    const auto meanwhile = store.setting(kName);
    if (meanwhile.ok()) return Error(Code::kExists, "the keys of attestation results were made meanwhile");
    if (meanwhile.error().code() != Code::kNotFound) return meanwhile.error();
    return settings.put(change, kName, text);
  });
  if (!made.ok() && made.error().code() == Code::kExists) return {};  // by another server of this store
  return made;
}

}  // namespace

attest::EarRequest result_of(const ReleaseRecord& record, const std::string& policy_id, Time issued,
                             Duration lifetime) {
  const ReleaseCase& asked = record.asked;
  attest::EarRequest request;
  request.policy_id = policy_id;
  request.appraisal = record.found.decision.allowed ? attest::Appraisal::kAllowed : attest::Appraisal::kRefused;
  request.nonce = asked.guest ? asked.guest->report_data : asked.binding.nonce;
  request.issued = issued;
  request.lifetime = lifetime;
  request.claims = {{"cloister.release", record.id}, {"cloister.role", asked.binding.role}};
  if (!asked.guest) {
    // Without them a token could be shown by anybody about any worker.
    request.claims.emplace_back("cloister.recipient", to_hex(asked.binding.recipient));
    request.claims.emplace_back("cloister.manifest", to_hex(crypto::sha256(asked.manifest)));
  }
  return request;
}

Result<ResultTokens> ResultTokens::open(const AuthenticSettings& settings, keys::Store& store, crypto::Random& random,
                                        const keys::Caller& caller) {
  auto text = settings.read(store, kName);
  if (!text.ok() && text.error().code() == Code::kNotFound) {
    CLOISTER_RETURN_IF_ERROR(make_keys(settings, store, random, caller).with_context("make keys of results"));
    text = settings.read(store, kName);
  }
  if (!text.ok()) return text.error();
  const auto stored = parse_json(*text, {kTextMax, 4, 16});
  if (!stored.ok()) return Error(Code::kCorrupt, "the keys of attestation results are malformed");
  CLOISTER_TRY(crypto::PrivateKey hardware, key_of(*stored, "hardware", settings));
  CLOISTER_TRY(crypto::PrivateKey other, key_of(*stored, "other", settings));
  CLOISTER_TRY(const std::string server, store.log_server());
  return ResultTokens(std::make_shared<Keys>(
      Keys{server, crypto::MemorySigner(std::move(hardware)), crypto::MemorySigner(std::move(other))}));
}

crypto::MemorySigner& ResultTokens::signer(Assurance assurance) const {
  return assurance == Assurance::kHardware ? keys_->hardware : keys_->other;
}

Result<std::string> ResultTokens::sign(const attest::SetVerdict& verdict, attest::EarRequest request) const {
  request.issuer = keys_->issuer;
  return attest::ear_token(verdict, request, signer(verdict.assurance()));
}

std::string ResultTokens::jwks() const {
  JsonValue::Array keys;
  for (const Assurance assurance : {Assurance::kHardware, Assurance::kInsecureSoftware}) {
    const crypto::PublicKey& public_key = key(assurance);
    JsonValue::Object jwk = crypto::to_jwk(public_key);
    jwk.emplace_back("alg", "ES256");
    jwk.emplace_back("kid", crypto::jwk_thumbprint(public_key));
    jwk.emplace_back("use", "sig");
    jwk.emplace_back("cloister.assurance", std::string(attest::assurance_name(assurance)));
    keys.emplace_back(std::move(jwk));
  }
  return JsonValue(JsonValue::Object{{"keys", std::move(keys)}}).serialize();
}

}  // namespace cloister::service
