#include "service/openapi.h"

#include "service/verbs.h"

namespace cloister::service {

std::vector<Route> openapi_routes() {
  Route route{"GET", "/v1/openapi.json", Access::kAnyone, {}, Recording::kNone, Work::kInline, {}};
  route.parse = [](Call& call) -> Result<Parsed> {
    CLOISTER_RETURN_IF_ERROR(expect_bare(call));
    Parsed parsed;
    parsed.act = [](Call&, keys::Hierarchy*) -> Result<Reply> {
      Reply reply;
      reply.response = net::json_response(200, openapi_text());
      return reply;
    };
    return parsed;
  };
  return {std::move(route)};
}

}  // namespace cloister::service
