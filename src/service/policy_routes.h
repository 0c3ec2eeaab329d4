// The policy in force and what it would decide; randomness.
#pragma once

#include "crypto/random.h"
#include "service/route.h"

namespace cloister::service {

// `random` outlives the routes.
std::vector<Route> policy_routes(crypto::Random& random);

}  // namespace cloister::service
