#include "cloisterd/gate.h"

#include "service/problem.h"

namespace cloister::daemon {

std::optional<net::Response> Gate::handle(net::Request& request, net::Deferral& later) {
  const auto list = verifier_->deny_list();
  const net::ConnectionInfo* connection = request.connection.get();
  const bool asks = connection != nullptr && connection->peer && !list->ids().empty();
  if (!asks) return inner_->handle(request, later);
  const auto id = identity::SpiffeId::parse(connection->peer->id);
  if (id.ok() && list->check(*id, clock_()).ok()) return inner_->handle(request, later);
  return service::to_response({service::ProblemCode::kUnauthenticated, "this identity is denied"}, "");
}

}  // namespace cloister::daemon
