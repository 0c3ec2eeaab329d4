// Whoever looks. A collector opens what it inspects for reading only, is bounded in time and memory, and turns
// everything it can't look at into a fact that says so: it has no other way to fail.
#pragma once

#include <string_view>

#include "base/progress.h"
#include "posture/estate.h"
#include "posture/fact.h"

namespace cloister::posture {

struct CollectContext {
  const Estate* estate = nullptr;
  Time now;
  Progress* progress = nullptr;  // work ends soon after a stop is asked for, and says so by a fact
  unsigned threads = 1;
};

class Collector {
 public:
  virtual ~Collector() = default;
  virtual std::string_view name() const = 0;  // "local-storage/1", as Fact::collector has it
  virtual void collect(const CollectContext& context, FactSink& sink) = 0;
};

}  // namespace cloister::posture
