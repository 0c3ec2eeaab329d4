// Data keys: made, wrapped, unwrapped and rewrapped under a dataset's keyring, many in one request.
#pragma once

#include "service/unlocked_keyrings.h"

namespace cloister::service {

// POST …/datasets/{dataset}/generate, wrap, unwrap and rewrap. More than `inline_keys` in one request are a worker's.
std::vector<Route> data_key_routes(std::shared_ptr<UnlockedKeyrings> keyrings, std::size_t inline_keys);

}  // namespace cloister::service
