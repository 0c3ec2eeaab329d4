#include "service/native_dialect.h"

namespace cloister::service {
namespace {

constexpr std::string_view kPurposeHeader = "cloister-purpose";

bool is_json(const net::Request& request) {
  const std::string* type = request.headers.find("content-type");
  if (type == nullptr) return false;
  const std::string_view media = std::string_view(*type).substr(0, type->find(';'));
  return media == "application/json" || media == "application/json ";
}

std::optional<Problem> check_head(Call& call, const Route& route) {
  if (!call.request.body.empty() && !is_json(call.request)) {
    return Problem{ProblemCode::kUnsupportedMediaType, "send content-type: application/json"};
  }
  if (const std::string* word = call.request.headers.find(kPurposeHeader)) {
    const auto purpose = policy::parse_purpose(*word);
    if (!purpose.ok()) return Problem{ProblemCode::kInvalidRequest, "the header cloister-purpose holds no known word"};
    call.purpose = *purpose;
  } else if (route.access == Access::kPolicy) {
    return Problem{ProblemCode::kPurposeMissing, "send the header cloister-purpose, train for example"};
  }
  return std::nullopt;
}

}  // namespace

const Route* NativeDialect::find(Call& call, std::optional<Problem>& instead) const {
  Router::Match match = router_.find(call.request.method, call.request.path());
  call.path = match.parameters;
  if (match.route != nullptr) {
    instead = check_head(call, *match.route);
  } else if (match.allowed.empty()) {
    instead = Problem{ProblemCode::kNoSuchRoute, "GET /v1/openapi.json describes what there is"};
  } else {
    call.allowed_methods = std::move(match.allowed);
    instead = Problem{ProblemCode::kMethodNotAllowed, "this path takes " + call.allowed_methods};
  }
  return match.route;
}

std::optional<Problem> NativeDialect::verify(Call& call) const {
  const net::ConnectionInfo* connection = call.request.connection.get();
  if (connection != nullptr && connection->peer) {
    call.caller = connection->peer->id;
    call.authentication = "mtls";
  } else if (connection != nullptr && connection->unix_peer) {
    call.authentication = "uid";
    const auto known = call.snapshot->unix_callers.find(connection->unix_peer->uid);
    if (known != call.snapshot->unix_callers.end()) call.caller = known->second;
  }
  return std::nullopt;
}

net::Response NativeDialect::answer(const Problem& problem, const Call& call) const {
  net::Response response = to_response(problem, call.request_id);
  if (!call.allowed_methods.empty()) response.headers.add("allow", call.allowed_methods);
  return response;
}

void NativeDialect::finish(net::Response& response, const Call& call) const {
  response.headers.add("request-id", call.request_id);
}

}  // namespace cloister::service
