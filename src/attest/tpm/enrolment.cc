#include "attest/tpm/enrolment.h"

#include <algorithm>

#include "base/base64.h"
#include "base/cbor.h"
#include "base/json.h"
#include "crypto/der.h"

namespace cloister::attest {
namespace {

constexpr JsonLimits kLimits{kTpmEnrolmentFileSizeMax, 2, 16};
constexpr std::uint64_t kVersion = 1;
constexpr std::string_view kIdentityType = "cloister-tpm-identity";
constexpr std::string_view kChallengeType = "cloister-tpm-challenge";
constexpr std::string_view kAnswerType = "cloister-tpm-answer";
constexpr std::string_view kProofLabel = "cloister tpm enrolment 1";

// Content octets of extKeyUsage, 2.5.29.37, and of tcg-kp-EKCertificate, 2.23.133.8.1.
constexpr std::array<std::uint8_t, 3> kExtendedKeyUsage{0x55, 0x1D, 0x25};
constexpr std::array<std::uint8_t, 5> kEndorsementUse{0x67, 0x81, 0x05, 0x08, 0x01};

// One of these files: an object of these members, and no other.
class Members {
 public:
  static Result<Members> parse(std::string_view text, std::string_view type,
                               std::initializer_list<std::string_view> all,
                               std::initializer_list<std::string_view> optional = {}) {
    auto json = parse_json(text, kLimits);
    if (!json.ok()) return json.error().with_context("a " + std::string(type));
    Members file(std::move(json).value(), type);
    const JsonValue* kind = file.json_.find("type");
    if (kind == nullptr || kind->string() == nullptr || *kind->string() != type) return file.malformed("type");
    const JsonValue* version = file.json_.find("version");
    if (version == nullptr || !version->unsigned_integer()) return file.malformed("version");
    if (*version->unsigned_integer() != kVersion) {
      return Error(Code::kUnsupported, "a " + std::string(type) + " is of another version");
    }
    for (const auto& [name, value] : *file.json_.object()) {
      const bool known = name == "type" || name == "version" || std::ranges::find(all, name) != all.end() ||
                         std::ranges::find(optional, name) != optional.end();
      if (!known) return Error(Code::kInvalid, "a " + std::string(type) + " has a member that isn't one of its own");
    }
    return file;
  }

  Error malformed(std::string_view name) const {
    return Error(Code::kInvalid, "a " + std::string(type_) + ": its " + std::string(name) + " is missing or malformed");
  }
  bool has(std::string_view name) const { return json_.find(name) != nullptr; }
  Result<std::string> text(std::string_view name) const {
    const JsonValue* value = json_.find(name);
    if (value == nullptr || value->string() == nullptr) return malformed(name);
    return *value->string();
  }
  Result<Bytes> bytes(std::string_view name) const {
    CLOISTER_TRY(const std::string coded, text(name));
    auto decoded = from_base64(coded);
    if (!decoded.ok() || decoded->empty()) return malformed(name);
    return decoded;
  }
  Result<TpmPublic> key(std::string_view name) const {
    CLOISTER_TRY(const Bytes area, bytes(name));
    return parse_tpm_public(area).with_context("a " + std::string(type_) + ": its " + std::string(name));
  }
  Result<TpmChallengeId> id(std::string_view name) const {
    CLOISTER_TRY(const std::string coded, text(name));
    const auto decoded = from_hex(coded);
    TpmChallengeId id{};
    if (!decoded.ok() || decoded->size() != id.size()) return malformed(name);
    std::ranges::copy(*decoded, id.begin());
    return id;
  }

 private:
  Members(JsonValue json, std::string_view type) : json_(std::move(json)), type_(type) {}
  JsonValue json_;
  std::string_view type_;
};

JsonValue::Object begin(std::string_view type) {
  return {{"type", JsonValue(std::string(type))}, {"version", JsonValue(kVersion)}};
}

void add(JsonValue::Object& object, std::string name, ByteView bytes) {
  object.emplace_back(std::move(name), to_base64(bytes));
}

std::string text_of(JsonValue::Object object) { return JsonValue(std::move(object)).serialize() + "\n"; }

bool is_for_endorsement_keys(const crypto::Certificate& certificate) {
  const auto extension = certificate.extension(kExtendedKeyUsage);
  if (!extension) return false;
  crypto::DerReader outer(*extension);
  const auto uses = outer.expect(crypto::der::kSequence, "the uses of a key");
  if (!uses.ok()) return false;
  crypto::DerReader reader(*uses);
  while (!reader.at_end()) {
    const auto use = reader.expect(crypto::der::kOid, "a use of a key");
    if (!use.ok()) return false;
    if (equal(*use, kEndorsementUse)) return true;
  }
  return false;
}

}  // namespace

Result<TpmIdentity> parse_tpm_identity(std::string_view text) {
  CLOISTER_TRY(const Members file, Members::parse(text, kIdentityType, {"endorsement_key", "attestation_key"},
                                                  {"endorsement_certificate"}));
  TpmIdentity identity;
  CLOISTER_TRY(identity.endorsement, file.key("endorsement_key"));
  CLOISTER_TRY(identity.attestation, file.key("attestation_key"));
  if (file.has("endorsement_certificate")) {
    CLOISTER_TRY(identity.certificate, file.bytes("endorsement_certificate"));
  }
  return identity;
}

std::string write_tpm_identity(const TpmIdentity& identity) {
  JsonValue::Object object = begin(kIdentityType);
  add(object, "endorsement_key", identity.endorsement.sized());
  if (!identity.certificate.empty()) add(object, "endorsement_certificate", identity.certificate);
  add(object, "attestation_key", identity.attestation.sized());
  return text_of(std::move(object));
}

Result<TpmChallenge> parse_tpm_challenge(std::string_view text) {
  CLOISTER_TRY(const Members file,
               Members::parse(text, kChallengeType, {"id", "expires", "attestation_name", "object", "secret"}));
  TpmChallenge challenge;
  CLOISTER_TRY(challenge.id, file.id("id"));
  CLOISTER_TRY(const std::string expires, file.text("expires"));
  const auto time = parse_rfc3339(expires);
  if (!time.ok()) return file.malformed("expires");
  challenge.expires = *time;
  CLOISTER_TRY(challenge.attestation_name, file.bytes("attestation_name"));
  CLOISTER_TRY(challenge.credential.object, file.bytes("object"));
  CLOISTER_TRY(challenge.credential.secret, file.bytes("secret"));
  return challenge;
}

std::string write_tpm_challenge(const TpmChallenge& challenge) {
  JsonValue::Object object = begin(kChallengeType);
  object.emplace_back("id", to_hex(challenge.id));
  object.emplace_back("expires", to_rfc3339(challenge.expires));
  add(object, "attestation_name", challenge.attestation_name);
  add(object, "object", challenge.credential.object);
  add(object, "secret", challenge.credential.secret);
  return text_of(std::move(object));
}

Result<TpmAnswer> parse_tpm_answer(std::string_view text) {
  CLOISTER_TRY(const Members file, Members::parse(text, kAnswerType, {"id", "quote", "signature", "pcrs", "ak"}));
  TpmAnswer answer{{}, {Kind::kTpm, {}}};
  CLOISTER_TRY(answer.id, file.id("id"));
  for (const char* part : {"quote", "signature", "pcrs", "ak"}) {
    CLOISTER_TRY(answer.evidence.parts[part], file.bytes(part));
  }
  return answer;
}

std::string write_tpm_answer(const TpmAnswer& answer) {
  JsonValue::Object object = begin(kAnswerType);
  object.emplace_back("id", to_hex(answer.id));
  for (const char* part : {"quote", "signature", "pcrs", "ak"}) add(object, part, answer.evidence.part(part));
  return text_of(std::move(object));
}

crypto::Sha256Digest tpm_answer_proof(const TpmChallengeId& id, const crypto::Secret& secret) {
  crypto::Sha256 hash;
  hash.update(CborWriter().array(2).text(kProofLabel).bytes(id).take());
  hash.update(secret.expose());
  return hash.finish();
}

crypto::Sha256Digest tpm_fingerprint(const TpmPublic& key) { return crypto::sha256(key.key->spki()); }

Status check_endorsement_certificate(const TpmIdentity& identity, std::span<const crypto::Certificate> authorities,
                                     Time now) {
  if (identity.certificate.empty()) {
    return Error(Code::kNotFound, "the TPM shows no certificate of its endorsement key");
  }
  CLOISTER_TRY(const crypto::Certificate certificate,
               crypto::Certificate::parse(identity.certificate).with_context("the certificate of the endorsement key"));
  if (!equal(certificate.spki(), identity.endorsement.key->spki())) {
    return Error(Code::kDenied, "the certificate is of another endorsement key");
  }
  if (!is_for_endorsement_keys(certificate)) {
    return Error(Code::kDenied, "the certificate isn't one for endorsement keys");
  }
  const crypto::ChainRequest request{{}, authorities, crypto::Purpose::kAny, now, crypto::PathRules::kCommon};
  const auto path = crypto::verify_chain(certificate, request);
  if (!path.ok()) return path.error().with_context("the certificate of the endorsement key");
  return {};
}

}  // namespace cloister::attest
