// What a change of keys cost, as every verb that makes one reports it.
#pragma once

#include "keys/hierarchy.h"
#include "output.h"

namespace cloister::cli {

// For changes that count nothing themselves: from its making to stop().
class CostMeter {
 public:
  explicit CostMeter(const keys::Store& store);
  keys::Cost stop(std::uint64_t objects_touched, std::uint64_t bytes_beside_the_store = 0) const;

 private:
  const keys::Store* store_;
  std::uint64_t bytes_before_;
  double started_;
};

// `line` and the cost below it; "cost" in JSON.
Outcome cost_outcome(std::string line, const keys::Cost& cost);

}  // namespace cloister::cli
