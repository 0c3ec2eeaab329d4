#include "service/kbs/messages.h"

#include <algorithm>
#include <array>

#include "base/canonical_json.h"
#include "crypto/hash.h"

namespace cloister::service {
namespace {

constexpr JsonLimits kLimits{4 << 20, 16, 262'144};
constexpr std::string_view kVersions = "0.4.";
constexpr std::array<std::string_view, 4> kServed{"snp", "tdx", "sgx", "cca"};

Error malformed(std::string_view member) {
  return Error(Code::kInvalid, "\"" + std::string(member) + "\" is missing or can't be");
}

Result<std::string> text(const JsonValue* object, std::string_view name) {
  const JsonValue* member = object == nullptr ? nullptr : object->find(name);
  if (member == nullptr || member->string() == nullptr) return malformed(name);
  return *member->string();
}

bool is_version(std::string_view version) {
  if (!version.starts_with(kVersions)) return false;
  version.remove_prefix(kVersions.size());
  return !version.empty() && version.size() <= 5 &&
         std::ranges::all_of(version, [](char c) { return c >= '0' && c <= '9'; });
}

// The first of ours that the guest has, too; SHA-384 where it doesn't say.
Result<KbsHash> choose_hash(const JsonValue* parameters) {
  const JsonValue* supported = parameters == nullptr ? nullptr : parameters->find("supported-hash-algorithms");
  if (supported == nullptr || supported->is_null()) return KbsHash::kSha384;
  if (supported->array() == nullptr) return malformed("supported-hash-algorithms");
  for (const KbsHash hash : {KbsHash::kSha384, KbsHash::kSha512, KbsHash::kSha256}) {
    for (const JsonValue& name : *supported->array()) {
      if (name.string() != nullptr && *name.string() == kbs_hash_name(hash)) return hash;
    }
  }
  return Error(Code::kUnsupported, "none of the hash algorithms named is one of sha256, sha384, sha512");
}

Result<Bytes> digest(KbsHash hash, const JsonValue::Object& over) {
  CLOISTER_TRY(const std::string canonical, canonical_json(over));
  switch (hash) {
    case KbsHash::kSha256: return to_bytes(crypto::sha256(as_bytes(canonical)));
    case KbsHash::kSha384: return to_bytes(crypto::sha384(as_bytes(canonical)));
    case KbsHash::kSha512: return to_bytes(crypto::sha512(as_bytes(canonical)));
  }
  CLOISTER_CHECK(false);
  return Bytes();
}

}  // namespace

bool kbs_tee_served(std::string_view tee) { return std::ranges::find(kServed, tee) != kServed.end(); }

Result<KbsAuth> parse_kbs_auth(std::string_view body) {
  CLOISTER_TRY(const JsonValue json, parse_json(body, kLimits));
  CLOISTER_TRY(const std::string version, text(&json, "version"));
  if (!is_version(version)) {
    return Error(Code::kUnsupported, "this server speaks version 0.4 of the protocol, and no other");
  }
  CLOISTER_TRY(const std::string tee, text(&json, "tee"));
  if (!kbs_tee_served(tee)) return Error(Code::kUnsupported, "machines of this kind aren't served");
  CLOISTER_TRY(const KbsHash hash, choose_hash(json.find("extra-params")));
  return KbsAuth{tee, hash};
}

Result<KbsAttestation> parse_kbs_attestation(std::string_view body) {
  CLOISTER_TRY(const JsonValue json, parse_json(body, kLimits));
  const JsonValue* runtime = json.find("runtime-data");
  const JsonValue* evidence = json.find("tee-evidence");
  CLOISTER_TRY(const std::string nonce, text(runtime, "nonce"));
  const JsonValue* key = runtime->find("tee-pubkey");
  if (key == nullptr || key->object() == nullptr) return malformed("tee-pubkey");
  const JsonValue* primary = evidence == nullptr ? nullptr : evidence->find("primary_evidence");
  if (primary == nullptr || primary->object() == nullptr) return malformed("primary_evidence");
  CLOISTER_TRY(const std::string additional, text(evidence, "additional_evidence"));
  return KbsAttestation{nonce, *key, *primary, additional};
}

Result<Bytes> kbs_report_data(KbsHash hash, const KbsAttestation& attestation) {
  return digest(hash, {{"additional-evidence", attestation.additional},
                       {"nonce", attestation.nonce},
                       {"tee-pubkey", attestation.public_key}});
}

Result<Bytes> kbs_device_nonce(KbsHash hash, const KbsAttestation& attestation) {
  return digest(hash, {{"nonce", attestation.nonce}, {"tee-pubkey", attestation.public_key}});
}

}  // namespace cloister::service
