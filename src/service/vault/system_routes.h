// What clients of Vault ask the server about itself: /v1/sys/health, seal-status, internal/ui/mounts.
#pragma once

#include "service/route.h"

namespace cloister::service {

std::vector<Route> vault_system_routes(const std::string& version);

}  // namespace cloister::service
