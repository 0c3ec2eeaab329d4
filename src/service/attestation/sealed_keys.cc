#include "service/attestation/sealed_keys.h"

#include "attest/release_info.h"
#include "crypto/hash.h"

namespace cloister::service {
namespace {

constexpr std::size_t kNamedObjectsMax = 8;

// ML-6, as for every batch: few are named, many are one digest over each one's length (u16, little endian) and bytes.
std::string describe_objects(const std::vector<WantedKey>& keys) {
  std::string text = "objects";
  if (keys.size() <= kNamedObjectsMax) {
    for (const WantedKey& key : keys) text += " " + to_hex(key.object);
    return text;
  }
  crypto::Sha256 digest;
  for (const WantedKey& key : keys) {
    std::array<std::uint8_t, 2> size;
    store_le(size.data(), static_cast<std::uint16_t>(key.object.size()));
    digest.update(size);
    digest.update(key.object);
  }
  return text + " sha256:" + to_hex(digest.finish());
}

void write_refused(JsonWriter& json, const Problem& problem) {
  json.begin_object().name("error").begin_object();
  json.member("code", kind_of(problem.code).name).member("detail", problem.detail).end_object().end_object();
}

}  // namespace

Result<SealedKeys> seal_keys(const Call& call, const std::vector<WantedKey>& keys, const CachedKeyring& keyring,
                             const crypto::HpkePublicKey& recipient, const std::string& release, crypto::Random& random,
                             JsonWriter& json) {
  const std::string tenant = call.target.tenant_text();
  const Bytes info = attest::release_info({release, tenant, call.target.dataset, policy::purpose_name(*call.purpose)});
  SealedKeys result;
  result.objects = describe_objects(keys);
  bool one_version = true;
  const auto refuse = [&](Problem problem) {
    write_refused(json, problem);
    ++result.refused;
    if (!result.first_problem) result.first_problem = std::move(problem);
  };
  json.name("keys").begin_array();
  for (const WantedKey& key : keys) {
    if (auto refusal = refusal_of_version(keyring, key.version, call.target.text())) {
      refuse(std::move(*refusal));
      continue;
    }
    const crypto::WrapContext context{tenant, call.target.dataset, key.object, "dek", key.commitment};
    const crypto::WrappedKey wrapped{crypto::WrapType::kDatasetKey, keyring.keyring_id, key.version, {}, key.wrapped};
    const auto opened = keyring.wrapper->unwrap(wrapped, context);
    if (!opened.ok()) {
      const Code code = opened.error().code();
      if (code == Code::kInternal || code == Code::kUnavailable) return opened.error();
      refuse({ProblemCode::kWrapDoesNotOpen, "the wrapped key doesn't open as a key of this dataset and object"});
      continue;
    }
    CLOISTER_TRY(const crypto::HpkeSealed sealed,
                 crypto::hpke_seal(recipient, random, info, key.object, opened->secret()));
    json.begin_object().name("encapsulated").bytes(sealed.encapsulated).name("ciphertext").bytes(sealed.ciphertext);
    json.end_object();
    ++result.sealed;
    one_version = one_version && (!result.version || *result.version == key.version);
    result.version = key.version;
  }
  json.end_array();
  if (!one_version) result.version.reset();
  return result;
}

}  // namespace cloister::service
