#include "service/aws/signature.h"

#include <algorithm>

#include "crypto/hkdf.h"

namespace cloister::service::aws {
namespace {

constexpr std::string_view kService = "kms";
// What changes a request's meaning must be signed, whatever else is.
constexpr std::string_view kMustBeSigned[] = {"host", "x-amz-date", "x-amz-target"};

Problem refuse(Call& call, std::string_view fault, std::string_view detail) {
  call.fault = fault;
  return {ProblemCode::kUnauthenticated, std::string(detail)};
}

bool is_signed(const net::SigV4Authorization& authorization, std::string_view header) {
  return std::ranges::binary_search(authorization.signed_headers, header, std::less<>());
}

std::optional<Problem> check_scope(Call& call, const net::SigV4Authorization& authorization, std::string_view region,
                                   std::string_view amz_date) {
  if (authorization.scope.service != kService) {
    return refuse(call, "InvalidSignatureException", "Credential should be scoped to correct service: 'kms'.");
  }
  if (authorization.scope.region != region) {
    return refuse(call, "InvalidSignatureException", "Credential should be scoped to a valid region.");
  }
  const auto time = net::parse_sigv4_time(amz_date);
  if (!time.ok()) return refuse(call, "IncompleteSignatureException", "x-amz-date isn't a time");
  if (!amz_date.starts_with(authorization.scope.date)) {
    return refuse(call, "InvalidSignatureException", "Date in Credential scope does not match YYYYMMDD from ISO-8601");
  }
  if (*time + kSkewMax < call.now) {
    return refuse(call, "InvalidSignatureException",
                  "Signature expired: " + std::string(amz_date) + " is earlier than five minutes ago");
  }
  if (call.now + kSkewMax < *time) {
    return refuse(call, "InvalidSignatureException",
                  "Signature not yet current: " + std::string(amz_date) + " is later than in five minutes");
  }
  return std::nullopt;
}

// Kept with the change until no clock accepts the signature any more.
keys::RequestKey request_key(const net::SigV4Authorization& authorization, Time now) {
  crypto::Info parts("CLSR1 aws signature");
  parts.field(as_bytes(authorization.access_key_id)).field(authorization.signature);
  const crypto::Sha256Digest digest = crypto::sha256(parts.view());
  return {digest, digest, now + kSkewMax + kSkewMax};
}

void accept(Call& call, const AccessKey& key) {
  call.caller = key.caller.uri();
  call.authentication = "sigv4";
  call.purpose = key.purpose;
}

}  // namespace

std::optional<Problem> verify_signature(Call& call, std::string_view region, const AccessKeys& keys, bool changes) {
  const net::Headers& headers = call.request.headers;
  const std::string* header = headers.find("authorization");
  const std::string* amz_date = headers.find("x-amz-date");
  if (header == nullptr || amz_date == nullptr) {
    return refuse(call, "MissingAuthenticationTokenException", "Missing Authentication Token");
  }
  const auto authorization = net::parse_sigv4_authorization(*header);
  if (!authorization.ok()) {
    return refuse(call, "IncompleteSignatureException", "the Authorization header isn't that of a SigV4 signature");
  }
  call.credential = authorization->access_key_id;
  if (headers.find("x-amz-security-token") != nullptr) {
    return refuse(call, "UnrecognizedClientException", "The security token included in the request is invalid.");
  }
  for (const std::string_view name : kMustBeSigned) {
    if (!is_signed(*authorization, name)) {
      return refuse(call, "IncompleteSignatureException", "'" + std::string(name) + "' must be a 'SignedHeader'");
    }
  }
  const auto entry = keys.find(authorization->access_key_id);
  if (entry == nullptr || (entry->key.expires && *entry->key.expires <= call.now)) {
    return refuse(call, "UnrecognizedClientException", "The security token included in the request is invalid.");
  }
  // From here on the record is in the tree of the tenant whose key was claimed.
  call.scope = entry->key.tenant;
  call.target = {call.scope.tenant, call.scope.environment, "", 1};
  if (auto problem = check_scope(call, *authorization, region, *amz_date)) return problem;
  const crypto::Secret signing_key = net::sigv4_signing_key(entry->secret, authorization->scope);
  const Status verified = net::verify_sigv4(call.request, *authorization, *amz_date,
                                            net::sigv4_payload_hash(call.request.body), signing_key);
  if (!verified.ok()) {
    return refuse(call, "InvalidSignatureException",
                  "The request signature we calculated does not match the signature you provided.");
  }
  accept(call, entry->key);
  if (changes) call.request_key = request_key(*authorization, call.now);
  return std::nullopt;
}

}  // namespace cloister::service::aws
