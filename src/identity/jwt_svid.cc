#include "identity/jwt_svid.h"

#include <algorithm>
#include <cmath>

#include "crypto/jws.h"

namespace cloister::identity {
namespace {

constexpr JsonLimits kClaimLimits{crypto::kJwsSizeMax, 8, 4096};
constexpr double kSecondsMax = 253'402'300'799.0;  // the end of year 9999

Error no_svid(std::string_view why) { return Error(Code::kInvalid, "no JWT-SVID: " + std::string(why)); }

Status check_header(const crypto::JwsHeader& header) {
  if (header.type && *header.type != "JWT" && *header.type != "JOSE")
    return no_svid("its type is neither JWT nor JOSE");
  if (header.key_id && header.key_id->empty()) return no_svid("its key's name is empty");
  return {};
}

// NumericDate, RFC 7519 2: seconds, with a fraction or without.
Result<std::optional<Time>> parse_date(const JsonValue& claims, std::string_view name) {
  const JsonValue* member = claims.find(name);
  if (member == nullptr) return std::optional<Time>();
  const auto value = member->number();
  if (!value || *value < 0 || *value > kSecondsMax) return no_svid("its " + std::string(name) + " is no date");
  return std::optional(Time{static_cast<std::int64_t>(std::floor(*value * 1000))});
}

Result<std::vector<std::string>> parse_audience(const JsonValue& claims) {
  const JsonValue* member = claims.find("aud");
  if (member == nullptr) return no_svid("it has no audience");
  if (member->string() != nullptr) return std::vector{*member->string()};
  if (member->array() == nullptr || member->array()->empty()) return no_svid("it has no audience");
  std::vector<std::string> audience;
  for (const JsonValue& one : *member->array()) {
    if (one.string() == nullptr) return no_svid("its audience is malformed");
    audience.push_back(*one.string());
  }
  return audience;
}

struct Claims {
  JwtSvid svid;
  std::optional<Time> not_before;
};

Result<Claims> parse_claims(ByteView payload) {
  auto claims = parse_json(as_text(payload), kClaimLimits);
  if (!claims.ok() || claims->object() == nullptr) return no_svid("its claims are no JSON object");
  const JsonValue* subject = claims->find("sub");
  if (subject == nullptr || subject->string() == nullptr) return no_svid("it has no subject");
  auto id = SpiffeId::parse(*subject->string());
  if (!id.ok()) return no_svid(id.error().message());
  if (id->path().empty()) return no_svid("its subject is a trust domain, not a workload");
  CLOISTER_TRY(std::vector<std::string> audience, parse_audience(*claims));
  CLOISTER_TRY(const auto expires, parse_date(*claims, "exp"));
  if (!expires) return no_svid("it never expires");
  CLOISTER_TRY(const auto not_before, parse_date(*claims, "nbf"));
  return Claims{{std::move(id).value(), std::move(audience), *expires, std::move(claims).value()}, not_before};
}

// Of a token that names no key: there is one key that made it, and not so many to try that a token costs more than it
// may.
Status check_signature_of_any(const crypto::Jws& jws, const Bundle& bundle) {
  std::size_t tried = 0;
  std::size_t good = 0;
  for (const JwtAuthority& authority : bundle.jwt_authorities()) {
    const auto payload = jws.verified_payload(authority.key);
    if (!payload.ok() && payload.error().code() == Code::kInvalid) continue;
    if (++tried > kJwtKeysTriedMax) return Error(Code::kDenied, "it names no key, and there are too many to try");
    if (payload.ok()) ++good;
  }
  if (good == 0) return Error(Code::kDenied, "it names no key, and no key of its trust domain made its signature");
  if (good > 1) return Error(Code::kDenied, "it names no key, and more than one made its signature");
  return {};
}

Status check_signature(const crypto::Jws& jws, const SpiffeId& id, const BundleSet& bundles) {
  const Bundle* bundle = bundles.find(id.trust_domain());
  if (bundle == nullptr) return Error(Code::kDenied, "no bundle of its trust domain");
  if (!jws.header().key_id) return check_signature_of_any(jws, *bundle);
  const JwtAuthority* authority = bundle->find_jwt_authority(*jws.header().key_id);
  if (authority == nullptr) return Error(Code::kDenied, "its trust domain has no such key");
  const auto payload = jws.verified_payload(authority->key);
  if (!payload.ok()) return Error(Code::kDenied, payload.error().message());
  return {};
}

Status check_times(const Claims& claims, const JwtExpectation& expectation) {
  if (expectation.now >= claims.svid.expires + expectation.leeway) {
    return Error(Code::kExpired, "it expired at " + to_rfc3339(claims.svid.expires));
  }
  if (claims.not_before && expectation.now + expectation.leeway < *claims.not_before) {
    return Error(Code::kExpired, "it isn't valid before " + to_rfc3339(*claims.not_before));
  }
  return {};
}

}  // namespace

Result<JwtSvid> verify_jwt_svid(std::string_view token, const BundleSet& bundles, const JwtExpectation& expectation) {
  if (expectation.audience.empty() || expectation.leeway < Duration{0} || expectation.leeway > kJwtLeewayMax) {
    return Error(Code::kInvalid, "verify a JWT-SVID: an audience is due, and a leeway of at most a minute");
  }
  CLOISTER_TRY(const crypto::Jws jws, crypto::Jws::parse(token));
  CLOISTER_RETURN_IF_ERROR(check_header(jws.header()));
  CLOISTER_TRY(Claims claims, parse_claims(jws.unverified_payload()));
  const std::string doing = "verify a token of " + claims.svid.id.uri();
  CLOISTER_RETURN_IF_ERROR(check_signature(jws, claims.svid.id, bundles).with_context(doing));
  CLOISTER_RETURN_IF_ERROR(check_times(claims, expectation).with_context(doing));
  if (std::ranges::find(claims.svid.audience, expectation.audience) == claims.svid.audience.end()) {
    return Error(Code::kDenied, doing + ": it is meant for somebody else");
  }
  return std::move(claims.svid);
}

}  // namespace cloister::identity
