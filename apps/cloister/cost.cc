#include "cost.h"

namespace cloister::cli {

CostMeter::CostMeter(const keys::Store& store)
    : store_(&store), bytes_before_(store.bytes_written()), started_(monotonic_seconds()) {}

keys::Cost CostMeter::stop(std::uint64_t objects_touched, std::uint64_t bytes_beside_the_store) const {
  keys::Cost cost;
  cost.objects_touched = objects_touched;
  cost.bytes_written = store_->bytes_written() - bytes_before_ + bytes_beside_the_store;
  cost.seconds = monotonic_seconds() - started_;
  return cost;
}

Outcome cost_outcome(std::string line, const keys::Cost& cost) {
  Outcome outcome;
  outcome.terse = true;
  outcome.text = std::move(line) + "\n" + cost_line(cost.objects_touched, cost.bytes_written, cost.seconds);
  outcome.json = {{"cost", cost_json(cost.objects_touched, cost.bytes_written, cost.seconds)}};
  return outcome;
}

}  // namespace cloister::cli
