#include "attest/arm/cca_token.h"

#include <algorithm>
#include <utility>

namespace cloister::attest {
namespace {

constexpr std::uint64_t kTokenTag = 399;
constexpr std::int64_t kPlatformToken = 44234;
constexpr std::int64_t kRealmToken = 44241;

constexpr std::int64_t kProfile = 265;
constexpr std::int64_t kChallenge = 10;

constexpr std::int64_t kInstance = 256;
constexpr std::int64_t kLifecycle = 2395;
constexpr std::int64_t kImplementation = 2396;
constexpr std::int64_t kComponents = 2399;
constexpr std::int64_t kVerificationService = 2400;
constexpr std::int64_t kConfiguration = 2401;
constexpr std::int64_t kPlatformHash = 2402;

constexpr std::int64_t kPersonalisation = 44235;
constexpr std::int64_t kRealmHash = 44236;
constexpr std::int64_t kRealmKey = 44237;
constexpr std::int64_t kInitial = 44238;
constexpr std::int64_t kExtensible = 44239;
constexpr std::int64_t kRealmKeyHash = 44240;

constexpr std::size_t kComponentsMax = 64;
constexpr std::size_t kTextMax = 256;

constexpr std::array<std::pair<CcaHash, std::string_view>, 3> kHashes{
    {{CcaHash::kSha256, "sha-256"}, {CcaHash::kSha384, "sha-384"}, {CcaHash::kSha512, "sha-512"}}};

Error malformed(std::string_view what) {
  return Error(Code::kInvalid, "a CCA token's " + std::string(what) + " is missing or malformed");
}

bool is_digest_size(std::size_t size) { return size == 32 || size == 48 || size == 64; }

Result<ByteView> bytes_of(const CborItem* item, std::string_view what) {
  if (item == nullptr || !item->bytes()) return malformed(what);
  return *item->bytes();
}

template <std::size_t size>
Status fill(std::array<std::uint8_t, size>& out, const CborItem* item, std::string_view what) {
  CLOISTER_TRY(const ByteView bytes, bytes_of(item, what));
  if (bytes.size() != size) return malformed(what);
  std::ranges::copy(bytes, out.begin());
  return {};
}

Result<Bytes> digest_of(const CborItem* item, std::string_view what) {
  CLOISTER_TRY(const ByteView bytes, bytes_of(item, what));
  if (!is_digest_size(bytes.size())) return malformed(what);
  return to_bytes(bytes);
}

Result<std::optional<std::string>> text_of(const CborItem* item, std::string_view what) {
  if (item == nullptr) return std::optional<std::string>();
  if (!item->text() || item->text()->size() > kTextMax) return malformed(what);
  return std::optional(std::string(*item->text()));
}

Result<CcaHash> hash_of(const CborItem* item, std::string_view what) {
  const auto name = item == nullptr ? std::nullopt : item->text();
  for (const auto& [hash, known] : kHashes) {
    if (name == known) return hash;
  }
  return malformed(what);
}

Result<CcaComponent> read_component(const CborItem& item) {
  static constexpr std::int64_t kType = 1, kMeasurement = 2, kVersion = 4, kSigner = 5, kHash = 6;
  static constexpr std::string_view kWhat = "software component";
  if (item.map() == nullptr) return malformed(kWhat);
  CcaComponent component;
  CLOISTER_TRY(component.type, text_of(item.find(kType), kWhat));
  CLOISTER_TRY(component.version, text_of(item.find(kVersion), kWhat));
  CLOISTER_TRY(component.hash, text_of(item.find(kHash), kWhat));
  CLOISTER_TRY(component.measurement, digest_of(item.find(kMeasurement), kWhat));
  CLOISTER_TRY(component.signer, digest_of(item.find(kSigner), kWhat));
  return component;
}

Status read_components(CcaPlatform& platform, const CborItem* item) {
  static constexpr std::string_view kWhat = "list of software components";
  const CborItem::Array* list = item == nullptr ? nullptr : item->array();
  if (list == nullptr || list->empty() || list->size() > kComponentsMax) return malformed(kWhat);
  for (const CborItem& one : *list) {
    CLOISTER_TRY(CcaComponent component, read_component(one));
    platform.components.push_back(std::move(component));
  }
  platform.components_encoded = to_bytes(item->encoded());
  return {};
}

// Legacy: 04, x, y. With a profile: a COSE_Key. Either way on P-384, the one curve that the RMM signs with.
Result<crypto::PublicKey> realm_key(const CcaRealm& realm) {
  static constexpr std::size_t kCoordinate = 48;
  static constexpr std::string_view kWhat = "realm key";
  const ByteView bytes = realm.key_bytes;
  if (realm.profile) {
    auto key = crypto::parse_cose_key(bytes);
    if (!key.ok() || key->type() != crypto::KeyType::kEcP384) return malformed(kWhat);
    return key;
  }
  if (bytes.size() != 1 + 2 * kCoordinate || bytes[0] != 4) return malformed(kWhat);
  auto key = crypto::PublicKey::from_ec_point(crypto::KeyType::kEcP384, bytes.subspan(1, kCoordinate),
                                              bytes.last(kCoordinate));
  if (!key.ok()) return malformed(kWhat);
  return key;
}

Status read_measurements(CcaRealm& realm, const CborItem& claims) {
  CLOISTER_TRY(realm.hash, hash_of(claims.find(kRealmHash), "hash algorithm of the realm"));
  CLOISTER_TRY(realm.initial, digest_of(claims.find(kInitial), "initial measurement"));
  const CborItem* extensible = claims.find(kExtensible);
  const CborItem::Array* list = extensible == nullptr ? nullptr : extensible->array();
  if (list == nullptr || list->size() != realm.extensible.size()) return malformed("list of extensible measurements");
  for (std::size_t i = 0; i < list->size(); ++i) {
    CLOISTER_TRY(realm.extensible[i], digest_of(&(*list)[i], "extensible measurement"));
    // Not held against the algorithm's name: tokens in use name SHA-256 and carry 64 bytes.
    if (realm.extensible[i].size() != realm.initial.size()) return malformed("extensible measurement");
  }
  return {};
}

Result<CborItem> claims_of(ByteView bytes, std::string_view what) {
  auto claims = parse_cbor(bytes);
  if (!claims.ok())
    return Error(Code::kInvalid, "a CCA token's " + std::string(what) + ": " + claims.error().message());
  if (claims->map() == nullptr) return malformed(what);
  return claims;
}

Result<crypto::CoseSign1> message_of(const CborItem* item, std::string_view what) {
  CLOISTER_TRY(const ByteView bytes, bytes_of(item, what));
  auto message = crypto::CoseSign1::parse(bytes);
  if (!message.ok()) {
    return Error(Code::kInvalid, "a CCA token's " + std::string(what) + ": " + message.error().message());
  }
  return message;
}

}  // namespace

std::string_view cca_hash_name(CcaHash hash) {
  return std::ranges::find_if(kHashes, [hash](const auto& known) { return known.first == hash; })->second;
}

Bytes cca_digest(CcaHash hash, ByteView bytes) {
  switch (hash) {
    case CcaHash::kSha256: return to_bytes(crypto::sha256(bytes));
    case CcaHash::kSha384: return to_bytes(crypto::sha384(bytes));
    case CcaHash::kSha512: return to_bytes(crypto::sha512(bytes));
  }
  CLOISTER_CHECK(false);
  return {};
}

Result<CcaPlatform> parse_cca_platform(ByteView bytes) {
  CLOISTER_TRY(const CborItem claims, claims_of(bytes, "platform claims"));
  CcaPlatform platform;
  CLOISTER_TRY(auto profile, text_of(claims.find(kProfile), "platform profile"));
  if (!profile) return malformed("platform profile");
  platform.profile = std::move(*profile);
  CLOISTER_TRY(platform.challenge, digest_of(claims.find(kChallenge), "platform challenge"));
  CLOISTER_RETURN_IF_ERROR(fill(platform.implementation, claims.find(kImplementation), "implementation id"));
  CLOISTER_RETURN_IF_ERROR(fill(platform.instance, claims.find(kInstance), "instance id"));
  if (platform.instance[0] != 1) return malformed("instance id");
  CLOISTER_TRY(const ByteView configuration, bytes_of(claims.find(kConfiguration), "platform configuration"));
  platform.configuration = to_bytes(configuration);
  const CborItem* lifecycle = claims.find(kLifecycle);
  const auto state = lifecycle == nullptr ? std::nullopt : lifecycle->unsigned_integer();
  if (!state || *state > 0xFFFF) return malformed("lifecycle");
  platform.lifecycle = static_cast<std::uint16_t>(*state);
  CLOISTER_TRY(platform.hash, hash_of(claims.find(kPlatformHash), "hash algorithm of the platform"));
  CLOISTER_RETURN_IF_ERROR(read_components(platform, claims.find(kComponents)));
  CLOISTER_TRY(platform.verification_service, text_of(claims.find(kVerificationService), "verification service"));
  return platform;
}

Result<CcaRealm> parse_cca_realm(ByteView bytes) {
  CLOISTER_TRY(const CborItem claims, claims_of(bytes, "realm claims"));
  CcaRealm realm;
  CLOISTER_TRY(realm.profile, text_of(claims.find(kProfile), "realm profile"));
  CLOISTER_RETURN_IF_ERROR(fill(realm.challenge, claims.find(kChallenge), "realm challenge"));
  CLOISTER_RETURN_IF_ERROR(fill(realm.personalisation, claims.find(kPersonalisation), "personalisation value"));
  CLOISTER_RETURN_IF_ERROR(read_measurements(realm, claims));
  CLOISTER_TRY(const ByteView key, bytes_of(claims.find(kRealmKey), "realm key"));
  realm.key_bytes = to_bytes(key);
  CLOISTER_TRY(realm.key_hash, hash_of(claims.find(kRealmKeyHash), "hash algorithm of the realm's key"));
  CLOISTER_TRY(realm.key, realm_key(realm));
  return realm;
}

Result<CcaToken> parse_cca_token(ByteView bytes) {
  if (bytes.size() > kCcaTokenSizeMax) return Error(Code::kInvalid, "a CCA token is larger than 65536 bytes");
  const auto outer = parse_cbor(bytes);
  if (!outer.ok()) return Error(Code::kInvalid, "a CCA token: " + outer.error().message());
  if (outer->tag() != kTokenTag || outer->tagged()->map() == nullptr) return malformed("outline");
  CLOISTER_TRY(const crypto::CoseSign1 platform, message_of(outer->tagged()->find(kPlatformToken), "platform token"));
  CLOISTER_TRY(const crypto::CoseSign1 realm, message_of(outer->tagged()->find(kRealmToken), "realm token"));
  CLOISTER_TRY(CcaPlatform platform_claims, parse_cca_platform(platform.unverified_payload()));
  CLOISTER_TRY(CcaRealm realm_claims, parse_cca_realm(realm.unverified_payload()));
  return CcaToken{platform, realm, std::move(platform_claims), std::move(realm_claims)};
}

}  // namespace cloister::attest
