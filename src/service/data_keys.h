// Data keys: made, wrapped, unwrapped and rewrapped under a dataset's keyring, many in one request.
#pragma once

#include <memory>

#include "crypto/random.h"
#include "service/keyring_cache.h"
#include "service/route.h"

namespace cloister::service {

struct DataKeyOptions {
  std::size_t cached_keyrings = 1024;
  std::size_t inline_keys = 64;  // more than that in one request are a worker's
};

// Its routes share a cache of unlocked keyrings.
class DataKeys {
 public:
  // `random` outlives every route made of it.
  DataKeys(DataKeyOptions options, crypto::Random& random);

  // POST …/datasets/{dataset}/generate, wrap, unwrap and rewrap.
  std::vector<Route> routes() const;
  std::size_t cached() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace cloister::service
