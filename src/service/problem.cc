#include "service/problem.h"

#include <array>

#include "service/json_writer.h"

namespace cloister::service {
namespace {

constexpr std::array<ProblemKind, 24> kKinds{{
    {ProblemCode::kInvalidRequest, "invalid-request", 400, "The request is wrong"},
    {ProblemCode::kPurposeMissing, "purpose-missing", 400, "The request doesn't say what for"},
    {ProblemCode::kUnauthenticated, "unauthenticated", 401, "The caller isn't known"},
    {ProblemCode::kRefused, "refused", 403, "The policy refuses it"},
    {ProblemCode::kNoSuchRoute, "no-such-route", 404, "There is nothing at this path"},
    {ProblemCode::kNotFound, "not-found", 404, "It doesn't exist"},
    {ProblemCode::kMethodNotAllowed, "method-not-allowed", 405, "This path doesn't take that method"},
    {ProblemCode::kExists, "exists", 409, "It exists already"},
    {ProblemCode::kWrongState, "wrong-state", 409, "Its state doesn't allow it"},
    {ProblemCode::kChangedMeanwhile, "changed-meanwhile", 409, "It was changed meanwhile"},
    {ProblemCode::kExpired, "expired", 410, "It was valid once"},
    {ProblemCode::kUnsupportedMediaType, "unsupported-media-type", 415, "The body must be application/json"},
    {ProblemCode::kIdempotencyKeyReused, "idempotency-key-reused", 422, "The idempotency key is another request's"},
    {ProblemCode::kDamaged, "damaged", 422, "What is stored is damaged"},
    {ProblemCode::kQuotaExceeded, "quota-exceeded", 429, "The tenant's quota is used up"},
    {ProblemCode::kInternal, "internal", 500, "The service failed"},
    {ProblemCode::kUnsupported, "unsupported", 501, "This service can't do that"},
    {ProblemCode::kBusy, "busy", 503, "The service is busy"},
    {ProblemCode::kStoreUnavailable, "store-unavailable", 503, "The store can't be reached"},
    {ProblemCode::kAuditUnavailable, "audit-unavailable", 503, "The audit log can't be written"},
    {ProblemCode::kWrapDoesNotOpen, "wrap-does-not-open", 403, "The wrapped key doesn't open in this context"},
    {ProblemCode::kKeyVersionUnknown, "key-version-unknown", 404, "The dataset has no such key version"},
    {ProblemCode::kKeyVersionDisabled, "key-version-disabled", 409, "The key version is disabled"},
    {ProblemCode::kKeyVersionDestroyed, "key-version-destroyed", 410, "The key version is destroyed"},
}};

// keys::Hierarchy says so behind the reason when a refusal couldn't be recorded.
constexpr std::string_view kUnrecorded = " (and the audit couldn't be told";

constexpr Duration kTryAgain = seconds(1);

}  // namespace

std::span<const ProblemKind> problem_kinds() { return kKinds; }

const ProblemKind& kind_of(ProblemCode code) { return kKinds[static_cast<std::size_t>(code)]; }

Problem problem_of(const Error& error) {
  if (error.message().find(kUnrecorded) != std::string::npos) {
    return {ProblemCode::kAuditUnavailable, "nothing was done, since it couldn't be recorded", kTryAgain};
  }
  switch (error.code()) {
    case Code::kInvalid: return {ProblemCode::kInvalidRequest, error.message()};
    // Not 403: the policy had allowed it, and a state can be changed.
    case Code::kDenied: return {ProblemCode::kWrongState, error.message()};
    case Code::kNotFound: return {ProblemCode::kNotFound, error.message()};
    case Code::kExists: return {ProblemCode::kExists, error.message()};
    case Code::kExpired: return {ProblemCode::kExpired, error.message()};
    case Code::kCorrupt: return {ProblemCode::kDamaged, "what is stored of it can't be trusted: ask the operator"};
    case Code::kUnsupported: return {ProblemCode::kUnsupported, "a newer service wrote what is stored of it"};
    case Code::kUnavailable: return {ProblemCode::kStoreUnavailable, "the store is busy or out of reach", kTryAgain};
    case Code::kInternal: break;
  }
  return {ProblemCode::kInternal, "the operator's log says more"};
}

net::Response to_response(const Problem& problem, std::string_view request_id) {
  const ProblemKind& kind = kind_of(problem.code);
  net::Response response;
  response.status = kind.status;
  response.headers.add("content-type", "application/problem+json");
  if (problem.retry_after) {
    response.headers.add("retry-after", std::to_string((problem.retry_after->ms + 999) / 1000));
  }
  JsonWriter json(response.body);
  json.begin_object().member("type", "urn:cloister:problem:" + std::string(kind.name)).member("title", kind.title);
  json.member("status", std::uint64_t{kind.status}).member("code", kind.name);
  if (!problem.detail.empty()) json.member("detail", problem.detail);
  json.member("request_id", request_id).end_object();
  return response;
}

}  // namespace cloister::service
