// Datasets and the versions of their keys: made, shown, rotated, disabled, destroyed.
#pragma once

#include "service/route.h"

namespace cloister::service {

std::vector<Route> dataset_routes();

}  // namespace cloister::service
