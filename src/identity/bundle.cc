#include "identity/bundle.h"

#include <algorithm>
#include <limits>

#include "base/base64.h"
#include "base/json.h"
#include "base/reader.h"
#include "crypto/jwk.h"
#include "identity/x509_svid.h"

namespace cloister::identity {
namespace {

constexpr std::string_view kX509Use = "x509-svid";
constexpr std::string_view kJwtUse = "jwt-svid";
constexpr std::size_t kKeyIdMax = 512;
constexpr std::uint64_t kRefreshHintMax = 366ULL * 86'400;
constexpr JsonLimits kLimits{kBundleSizeMax, 8, 65536};

bool signs_tokens(crypto::KeyType type) { return type != crypto::KeyType::kEd25519; }

Status check_jwt_authorities(const std::vector<JwtAuthority>& authorities) {
  if (authorities.size() > crypto::kAnchorsMax) return Error(Code::kInvalid, "a bundle has too many token keys");
  std::vector<std::string_view> ids;
  for (const JwtAuthority& authority : authorities) {
    const std::string& id = authority.key_id;
    if (id.empty() || id.size() > kKeyIdMax || !is_plain_utf8(id)) {
      return Error(Code::kInvalid, "a bundle has a token key whose id is empty, too long or not plain text");
    }
    if (!signs_tokens(authority.key.type())) return Error(Code::kInvalid, "token key " + id + " isn't RSA or EC");
    ids.push_back(id);
  }
  std::ranges::sort(ids);
  const auto twice = std::ranges::adjacent_find(ids);
  if (twice == ids.end()) return {};
  return Error(Code::kInvalid, "token key " + std::string(*twice) + " is there twice");
}

std::string_view text_of(const JsonValue& object, std::string_view name) {
  const JsonValue* member = object.find(name);
  return member == nullptr || member->string() == nullptr ? std::string_view() : std::string_view(*member->string());
}

// The entry's certificate; nothing when the entry is to be passed over.
Result<std::optional<crypto::Certificate>> parse_x509_entry(const JsonValue& entry, const crypto::PublicKey& key) {
  const JsonValue* chain = entry.find("x5c");
  if (chain == nullptr || (chain->array() != nullptr && chain->array()->empty())) {
    return std::optional<crypto::Certificate>();
  }
  if (chain->array() == nullptr || chain->array()->front().string() == nullptr) {
    return Error(Code::kInvalid, "a key's x5c is malformed");
  }
  CLOISTER_TRY(const Bytes der, from_base64(*chain->array()->front().string()));
  CLOISTER_TRY(crypto::Certificate certificate, crypto::Certificate::parse(der));
  CLOISTER_TRY(const crypto::PublicKey certified, certificate.public_key());
  if (!(certified == key)) return Error(Code::kInvalid, "a key isn't that of its certificate");
  return std::optional(std::move(certificate));
}

Status add_entry(const JsonValue& entry, BundleContents& contents) {
  if (entry.object() == nullptr) return Error(Code::kInvalid, "a key isn't an object");
  const std::string_view use = text_of(entry, "use");
  if (use != kX509Use && use != kJwtUse) return {};
  auto key = crypto::parse_jwk(entry);
  if (!key.ok()) return key.error().code() == Code::kUnsupported ? Status() : Status(key.error());
  if (use == kX509Use) {
    CLOISTER_TRY(auto certificate, parse_x509_entry(entry, *key));
    if (certificate) contents.x509_authorities.push_back(std::move(*certificate));
    return {};
  }
  const std::string_view key_id = text_of(entry, "kid");
  if (key_id.empty() || !signs_tokens(key->type())) return {};
  contents.jwt_authorities.push_back({std::string(key_id), std::move(key).value()});
  return {};
}

Result<std::optional<std::uint64_t>> parse_count(const JsonValue& document, std::string_view name, std::uint64_t max) {
  const JsonValue* member = document.find(name);
  if (member == nullptr) return std::optional<std::uint64_t>();
  const auto value = member->unsigned_integer();
  if (!value || *value > max) return Error(Code::kInvalid, std::string(name) + " isn't an integer in its bounds");
  return value;
}

Result<BundleContents> parse_contents(std::string_view text) {
  CLOISTER_TRY(const JsonValue document, parse_json(text, kLimits));
  const JsonValue* keys = document.find("keys");
  if (keys == nullptr || keys->array() == nullptr) return Error(Code::kInvalid, "there is no list of keys");
  BundleContents contents;
  CLOISTER_TRY(contents.sequence, parse_count(document, "spiffe_sequence", std::numeric_limits<std::uint64_t>::max()));
  CLOISTER_TRY(const auto hint, parse_count(document, "spiffe_refresh_hint", kRefreshHintMax));
  if (hint) contents.refresh_hint = seconds(static_cast<std::int64_t>(*hint));
  for (std::size_t i = 0; i < keys->array()->size(); ++i) {
    CLOISTER_RETURN_IF_ERROR(add_entry((*keys->array())[i], contents).with_context("key " + std::to_string(i + 1)));
  }
  return contents;
}

JsonValue entry_of(const crypto::PublicKey& key, std::string_view use, JsonValue::Member more) {
  JsonValue::Object entry = crypto::to_jwk(key);
  entry.emplace_back("use", std::string(use));
  entry.push_back(std::move(more));
  return JsonValue(std::move(entry));
}

}  // namespace

Result<Bundle> Bundle::create(TrustDomain trust_domain, BundleContents contents, Conformance conformance) {
  std::vector<crypto::Certificate> kept;
  for (const crypto::Certificate& certificate : contents.x509_authorities) {
    CLOISTER_RETURN_IF_ERROR(check_signing_certificate(certificate, conformance));
    CLOISTER_TRY(const crypto::PublicKey key, certificate.public_key());
    ignore_result(key);
    if (std::ranges::find(kept, certificate) == kept.end()) kept.push_back(certificate);
    if (kept.size() > crypto::kAnchorsMax) return Error(Code::kInvalid, "a bundle has too many authorities");
  }
  contents.x509_authorities = std::move(kept);
  CLOISTER_RETURN_IF_ERROR(check_jwt_authorities(contents.jwt_authorities));
  if (contents.refresh_hint) contents.refresh_hint = seconds(contents.refresh_hint->ms / 1000);
  return Bundle(std::move(trust_domain), std::move(contents));
}

const JwtAuthority* Bundle::find_jwt_authority(std::string_view key_id) const {
  const auto found = std::ranges::find(contents_.jwt_authorities, key_id, &JwtAuthority::key_id);
  return found == contents_.jwt_authorities.end() ? nullptr : &*found;
}

Result<Bundle> parse_bundle(const TrustDomain& trust_domain, std::string_view text, Conformance conformance) {
  const std::string doing = "read the bundle of " + trust_domain.name();
  auto contents = parse_contents(text);
  if (!contents.ok()) return contents.error().with_context(doing);
  return Bundle::create(trust_domain, std::move(contents).value(), conformance).with_context(doing);
}

std::string format_bundle(const Bundle& bundle) {
  JsonValue::Array keys;
  for (const crypto::Certificate& certificate : bundle.x509_authorities()) {
    const std::string text = to_base64(certificate.der());
    keys.push_back(entry_of(*certificate.facts().public_key, kX509Use, {"x5c", JsonValue::Array{JsonValue(text)}}));
  }
  for (const JwtAuthority& authority : bundle.jwt_authorities()) {
    keys.push_back(entry_of(authority.key, kJwtUse, {"kid", authority.key_id}));
  }
  JsonValue::Object document{{"keys", std::move(keys)}};
  if (bundle.sequence()) document.emplace_back("spiffe_sequence", *bundle.sequence());
  if (bundle.refresh_hint()) {
    document.emplace_back("spiffe_refresh_hint", static_cast<std::uint64_t>(bundle.refresh_hint()->ms / 1000));
  }
  return JsonValue(std::move(document)).serialize();
}

}  // namespace cloister::identity
