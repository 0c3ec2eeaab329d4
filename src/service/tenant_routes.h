// Tenants and their KEKs: made, shown, rotated, disabled, destroyed.
#pragma once

#include "service/route.h"

namespace cloister::service {

std::vector<Route> tenant_routes();
std::vector<Route> kek_routes();

}  // namespace cloister::service
