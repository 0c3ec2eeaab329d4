#include "service/vault/vault_dialect.h"

#include <algorithm>
#include <array>

#include "service/vault/system_routes.h"
#include "service/vault/vault_answer.h"

namespace cloister::service {
namespace {

using policy::Operation;

constexpr std::string_view kVerifyPath = "/v1/transit/verify/";

std::vector<Route> routes_of(const VaultOptions& options) {
  std::vector<Route> all;
  for (std::vector<Route>& routes :
       std::array{transit_routes(options.keys), transit_key_routes(options.keys), transit_proof_routes(options.keys),
                  login_routes(options.logins), vault_system_routes(options.version)}) {
    std::ranges::move(routes, std::back_inserter(all));
  }
  return all;
}

// Writing is POST or PUT; a list is asked for by a verb of Vault's own, or by a query; health by its head alone, too.
std::string_view method_of(const net::Request& request) {
  if (request.method == "PUT") return "POST";
  if (request.method == "HEAD") return "GET";
  if (request.method == "GET" && request.query() == "list=true") return "LIST";
  return request.method;
}

// The tenant, and behind a slash its environment; slashes around them mean nothing. What else it may hold is the
// policy's to refuse, by name and on record.
void take_namespace(Call& call) {
  const std::string* header = call.request.headers.find("x-vault-namespace");
  if (header == nullptr) return;
  std::string_view name = *header;
  while (name.starts_with('/')) name.remove_prefix(1);
  while (name.ends_with('/')) name.remove_suffix(1);
  if (name.empty() || name == "root") return;
  const std::size_t slash = std::min(name.find('/'), name.size());
  call.path.add("tenant", name.substr(0, slash));
  call.path.add("environment", name.substr(std::min(slash + 1, name.size())));
}

bool uses_a_key(const Call& call) {
  if (call.route == nullptr || !call.route->operation) return false;
  const Operation operation = *call.route->operation;
  return operation == Operation::kWrap || operation == Operation::kUnwrap || operation == Operation::kRewrap ||
         operation == Operation::kGenerate;
}

}  // namespace

VaultDialect::VaultDialect(VaultOptions options)
    : options_(std::move(options)),
      router_(routes_of(options_)),
      mac_router_(transit_mac_verify_routes(options_.keys)) {}

const Route* VaultDialect::find(Call& call, std::optional<Problem>& instead) const {
  std::string_view path = call.request.path();
  if (path.ends_with('/')) path.remove_suffix(1);
  // Which right it takes stands in the body; parsing holds every item to it.
  const bool verifies_macs = path.starts_with(kVerifyPath) && as_text(call.request.body).find("\"hmac\"") != path.npos;
  Router::Match match = (verifies_macs ? mac_router_ : router_).find(method_of(call.request), path);
  call.path = match.parameters;
  take_namespace(call);
  if (match.route != nullptr) return match.route;
  if (match.allowed.empty()) {
    instead = Problem{ProblemCode::kNoSuchRoute, "no handler for this path"};
  } else {
    call.allowed_methods = std::move(match.allowed);
    instead = Problem{ProblemCode::kMethodNotAllowed, "unsupported operation: this path takes " + call.allowed_methods};
  }
  return nullptr;
}

std::optional<Problem> VaultDialect::verify(Call& call) const {
  if (is_login(*call.route)) return verify_login(options_.logins, call);
  if (call.route->access == Access::kAnyone) return std::nullopt;
  return verify_token(options_.logins, call);
}

net::Response VaultDialect::answer(const Problem& problem, const Call& call) const {
  net::Response response = vault_errors(problem);
  if (problem.code == ProblemCode::kNotFound && uses_a_key(call)) {
    response = vault_errors({ProblemCode::kInvalidRequest, "encryption key not found"});
  }
  if (!call.allowed_methods.empty()) response.headers.add("allow", call.allowed_methods);
  return response;
}

void VaultDialect::finish(net::Response& response, const Call& call) const {
  response.headers.add("request-id", call.request_id);
  response.headers.add("cache-control", "no-store");
}

}  // namespace cloister::service
