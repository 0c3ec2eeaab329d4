#include "service/attestation/release_order.h"

#include <algorithm>
#include <array>

#include "attest/workload_manifest.h"
#include "base/base64.h"
#include "base/json.h"
#include "policy/pattern.h"
#include "service/key_batch.h"

namespace cloister::service {
namespace {

constexpr JsonLimits kLimits{std::size_t{24} << 20, 8, 128'000};
constexpr std::size_t kWrappedSizeMax = 1024;

// The members of one object: all known, those that are needed there.
class Fields {
 public:
  static Result<Fields> of(const JsonValue& value, std::string where, std::initializer_list<std::string_view> known) {
    if (value.object() == nullptr) return Error(Code::kInvalid, where + " is no object");
    for (const auto& [name, member] : *value.object()) {
      if (std::ranges::find(known, name) != known.end()) continue;
      return Error(Code::kInvalid, where + " has an unknown field " + name.substr(0, 32));
    }
    return Fields(value, std::move(where));
  }

  const JsonValue* find(std::string_view name) const { return value_->find(name); }
  Error wrong(std::string_view name, std::string_view what) const {
    return Error(Code::kInvalid, where_ + "." + std::string(name) + " " + std::string(what));
  }
  Result<std::string> text(std::string_view name) const {
    const JsonValue* found = find(name);
    if (found == nullptr) return Error(Code::kInvalid, where_ + " has no " + std::string(name));
    if (found->string() == nullptr) return wrong(name, "is no text");
    return *found->string();
  }
  Result<Bytes> bytes(std::string_view name, std::size_t min, std::size_t max,
                      Base64 alphabet = Base64::kStandard) const {
    CLOISTER_TRY(const std::string encoded, text(name));
    auto decoded = from_base64(encoded, alphabet);
    if (!decoded.ok()) return wrong(name, alphabet == Base64::kUrl ? "isn't base64url" : "isn't base64");
    if (decoded->size() >= min && decoded->size() <= max) return decoded;
    return wrong(name, "is " + std::to_string(min) + (min == max ? "" : " to " + std::to_string(max)) + " bytes");
  }

 private:
  Fields(const JsonValue& value, std::string where) : value_(&value), where_(std::move(where)) {}
  const JsonValue* value_;
  std::string where_;
};

Result<WantedKey> parse_key(const JsonValue& value, std::size_t i) {
  CLOISTER_TRY(const Fields fields,
               Fields::of(value, "keys[" + std::to_string(i) + "]", {"object", "commitment", "version", "wrapped"}));
  WantedKey key;
  CLOISTER_TRY(key.object, fields.bytes("object", 1, kObjectIdSizeMax));
  CLOISTER_TRY(key.wrapped, fields.bytes("wrapped", 0, kWrappedSizeMax));
  if (fields.find("commitment") != nullptr) {
    CLOISTER_TRY(const Bytes commitment, fields.bytes("commitment", key.commitment.size(), key.commitment.size()));
    std::ranges::copy(commitment, key.commitment.begin());
  }
  const JsonValue* version = fields.find("version");
  const auto number = version == nullptr ? std::nullopt : version->unsigned_integer();
  if (!number) return fields.wrong("version", "is a whole number");
  // 0 is no version: every keyring answers that it doesn't have it, as for any number too large to be one.
  key.version = *number > 0xffff'ffff ? 0 : static_cast<std::uint32_t>(*number);
  return key;
}

Result<std::vector<WantedKey>> parse_keys(const JsonValue* value) {
  if (value == nullptr || value->array() == nullptr) return Error(Code::kInvalid, "the body has no list keys");
  if (value->array()->empty()) return Error(Code::kInvalid, "the body asks for no key");
  if (value->array()->size() > kKeysPerRequestMax) {
    return Error(Code::kInvalid, "one request is for at most " + std::to_string(kKeysPerRequestMax) + " keys");
  }
  std::vector<WantedKey> keys;
  for (const JsonValue& one : *value->array()) {
    CLOISTER_TRY(keys.emplace_back(), parse_key(one, keys.size() - 1));
  }
  return keys;
}

Result<AttestationOrder> parse_attestation(const JsonValue& value) {
  CLOISTER_TRY(const Fields fields,
               Fields::of(value, "attestation", {"challenge", "role", "recipient", "manifest", "evidence"}));
  Challenge challenge;
  CLOISTER_TRY(const Bytes given, fields.bytes("challenge", challenge.size(), challenge.size(), Base64::kUrl));
  std::ranges::copy(given, challenge.begin());
  CLOISTER_TRY(std::string role, fields.text("role"));
  if (!is_role(role)) return fields.wrong("role", "isn't a role");
  CLOISTER_TRY(const std::string recipient_text, fields.text("recipient"));
  const auto recipient = crypto::HpkePublicKey::parse_text(recipient_text);
  if (!recipient.ok() || recipient->kem() != crypto::HpkeKem::kX25519) {
    return fields.wrong("recipient", "isn't a public key cloister-recipient-x25519:…");
  }
  CLOISTER_TRY(Bytes manifest, fields.bytes("manifest", 1, attest::kWorkloadManifestSizeMax));
  const auto said = attest::parse_workload_manifest(as_text(manifest));
  if (!said.ok()) return fields.wrong("manifest", "isn't a workload manifest: " + said.error().message());
  if (said->role != role) return fields.wrong("manifest", "is of another role");
  CLOISTER_TRY(const Bytes encoded, fields.bytes("evidence", 1, attest::kEvidenceSizeMax));
  CLOISTER_TRY(attest::EvidenceSet evidence, attest::decode_evidence(encoded));
  return AttestationOrder{challenge, std::move(role), *recipient, std::move(manifest), std::move(evidence)};
}

}  // namespace

bool is_role(std::string_view text) { return policy::is_name(text); }

Result<ReleaseOrder> parse_release_order(std::string_view body) {
  CLOISTER_TRY(const JsonValue root, parse_json(body, kLimits));
  CLOISTER_TRY(const Fields fields, Fields::of(root, "the body", {"keys", "attestation", "lease", "ear"}));
  ReleaseOrder order;
  CLOISTER_TRY(order.keys, parse_keys(fields.find("keys")));
  if ((fields.find("attestation") == nullptr) == (fields.find("lease") == nullptr)) {
    return Error(Code::kInvalid, "the body has either attestation or lease");
  }
  if (const JsonValue* ear = fields.find("ear")) {
    if (ear->boolean() == std::nullopt) return fields.wrong("ear", "is true or false");
    order.ear = *ear->boolean();
    if (order.ear && fields.find("lease") != nullptr) return fields.wrong("ear", "needs new evidence, not a lease");
  }
  if (const JsonValue* attestation = fields.find("attestation")) {
    CLOISTER_TRY(order.attestation, parse_attestation(*attestation));
  } else {
    CLOISTER_TRY(order.lease, fields.text("lease"));
  }
  return order;
}

}  // namespace cloister::service
