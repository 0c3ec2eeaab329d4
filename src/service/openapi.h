// The service's description of itself: docs/api/openapi.json, as it was when this program was built.
#pragma once

#include "service/route.h"

namespace cloister::service {

std::string_view openapi_text();
std::vector<Route> openapi_routes();

}  // namespace cloister::service
