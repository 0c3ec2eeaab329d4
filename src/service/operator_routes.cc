#include "service/operator_routes.h"

#include "base/json.h"

namespace cloister::service {
namespace {

Route open_route(const std::string& path, std::function<Result<Reply>(const Call&)> act) {
  Route route;
  route.method = "GET";
  route.path = path;
  route.access = Access::kAnyone;
  route.recording = Recording::kNone;
  route.work = Work::kInline;
  route.parse = [act = std::move(act)](Call&) -> Result<Parsed> {
    return Parsed{{}, [act](Call& call, keys::Hierarchy*) { return act(call); }};
  };
  return route;
}

Reply text_reply(std::string_view type, std::string_view text) {
  Reply reply;
  reply.response.headers.add("content-type", std::string(type));
  reply.response.body = net::to_buffer(text);
  return reply;
}

Reply readiness_reply(const Readiness& readiness) {
  const JsonValue json(JsonValue::Object{{"ready", readiness.ready()},
                                         {"store", readiness.store},
                                         {"policy", readiness.policy},
                                         {"authority", readiness.authority},
                                         {"audit_log", readiness.log},
                                         {"draining", readiness.draining}});
  Reply reply;
  reply.response = net::json_response(readiness.ready() ? 200 : 503, json.serialize());
  return reply;
}

}  // namespace

std::vector<Route> operator_routes(OperatorView view) {
  return {
      open_route("/livez", [](const Call&) -> Result<Reply> { return text_reply("text/plain", "ok\n"); }),
      open_route("/readyz",
                 [readiness = view.readiness](const Call&) -> Result<Reply> { return readiness_reply(readiness()); }),
      open_route("/metrics", [metrics = view.metrics](const Call& call) -> Result<Reply> {
        const net::ConnectionInfo* connection = call.request.connection.get();
        if (connection == nullptr || !connection->unix_peer) {
          return Reply::of({ProblemCode::kUnauthenticated, "metrics are read on the Unix socket"});
        }
        return text_reply("text/plain; version=0.0.4", metrics());
      })};
}

}  // namespace cloister::service
