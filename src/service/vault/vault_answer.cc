#include "service/vault/vault_answer.h"

#include <algorithm>

namespace cloister::service {

unsigned vault_status_of(ProblemCode code) {
  switch (code) {
    case ProblemCode::kUnauthenticated:
    case ProblemCode::kRefused: return 403;
    case ProblemCode::kNoSuchRoute:
    case ProblemCode::kNotFound: return 404;
    case ProblemCode::kMethodNotAllowed: return 405;
    case ProblemCode::kChangedMeanwhile: return 412;
    case ProblemCode::kQuotaExceeded: return 429;
    case ProblemCode::kDamaged:
    case ProblemCode::kInternal: return 500;
    case ProblemCode::kBusy:
    case ProblemCode::kStoreUnavailable:
    case ProblemCode::kAuditUnavailable: return 503;
    default: return 400;
  }
}

net::Response vault_errors(const Problem& problem) {
  net::Response response;
  response.status = vault_status_of(problem.code);
  response.headers.add("content-type", "application/json");
  if (problem.retry_after) {
    response.headers.add("retry-after", std::to_string((problem.retry_after->ms + 999) / 1000));
  }
  JsonWriter json(response.body);
  json.begin_object().name("errors").begin_array();
  // The words that its clients look for, and then ours.
  if (response.status == 403) json.value("permission denied");
  if (!problem.detail.empty()) json.value(problem.detail);
  json.end_array().end_object();
  return response;
}

net::Response vault_auth(std::string_view request_id, std::string_view token_text, const VaultToken& token, Time now) {
  net::Response response;
  response.headers.add("content-type", "application/json");
  const std::int64_t left = std::max<std::int64_t>((token.expires - now).ms / 1000, 0);
  JsonWriter json(response.body);
  json.begin_object().member("request_id", request_id).member("lease_id", "").member("renewable", false);
  json.member("lease_duration", std::uint64_t{0}).name("data").null().name("wrap_info").null();
  json.name("warnings").null().name("auth").begin_object();
  json.member("client_token", token_text).member("accessor", token.accessor);
  json.name("policies").begin_array().end_array().name("token_policies").begin_array().end_array();
  json.name("metadata").begin_object().member("spiffe_id", token.caller);
  json.member("role", policy::purpose_name(token.purpose)).end_object();
  json.member("lease_duration", static_cast<std::uint64_t>(left)).member("renewable", token.expires < token.ends);
  json.member("entity_id", "").member("token_type", "service").member("orphan", true);
  json.end_object().end_object();
  return response;
}

}  // namespace cloister::service
