#include "cloisterd/bundle_endpoint.h"

namespace cloister::daemon {

std::optional<net::Response> BundleHandler::handle(net::Request& request, net::Deferral&) {
  if (request.path() != path_) return net::problem(404);
  if (request.method != "GET" && request.method != "HEAD") {
    net::Response refusal = net::problem(405);
    refusal.headers.add("allow", "GET, HEAD");
    return refusal;
  }
  return net::json_response(200, identity::format_bundle(issuer_.current()->bundle()));
}

}  // namespace cloister::daemon
