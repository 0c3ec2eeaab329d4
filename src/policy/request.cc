#include "policy/request.h"

namespace cloister::policy {
namespace {

Error invalid(std::string message) { return Error(Code::kInvalid, std::move(message)); }

Status check_target(const Request& request) {
  const std::string operation(operation_name(request.operation));
  const Scope scope = scope_of(request.operation);
  if (scope == Scope::kService) {
    if (request.tenant.empty() && request.environment.empty() && request.dataset.empty()) return {};
    return invalid(operation + " acts on the service: the request must not name a tenant or a dataset");
  }
  if (request.tenant.empty()) return invalid("the request names no tenant for " + operation);
  if (!is_name(request.tenant)) return invalid("the request's tenant isn't a name");
  if (!request.environment.empty() && !is_name(request.environment)) {
    return invalid("the request's environment isn't a name");
  }
  if (scope == Scope::kTenant) {
    if (request.dataset.empty()) return {};
    return invalid(operation + " acts on a tenant: the request must not name a dataset");
  }
  if (request.dataset.empty()) return invalid("the request names no dataset for " + operation);
  if (!is_name(request.dataset)) return invalid("the request's dataset isn't a name");
  return {};
}

}  // namespace

Result<CallerId> check_request(const Request& request) {
  if (request.caller.empty()) return invalid("the request names no caller");
  CLOISTER_TRY(const CallerId caller, CallerId::parse(request.caller).with_context("the caller isn't a SPIFFE id"));
  CLOISTER_RETURN_IF_ERROR(check_target(request));
  if (!request.purpose) return invalid("the request names no purpose");
  if (request.keys == 0) return invalid("the request asks for no key");
  return caller;
}

std::string target_of(const Request& request) {
  std::string target(request.tenant);
  for (const std::string_view part : {request.environment, request.dataset}) {
    if (!part.empty()) target.append("/").append(part);
  }
  return target;
}

}  // namespace cloister::policy
