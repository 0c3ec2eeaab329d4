#include "cloisterd/fetch_budget.h"

#include <algorithm>

namespace cloister::daemon {

std::size_t FetchBudget::take(const std::string& caller, std::size_t pieces, Time now) {
  // A clock that goes back gives nothing.
  if (now - since_ >= minutes(1)) {
    since_ = now;
    spent_.clear();
  }
  const bool is_new = !spent_.contains(caller);
  if (is_new && spent_.size() >= kCallersMax) return 0;
  std::size_t& spent = spent_[caller];
  const std::size_t all = caller.empty() ? guests_per_minute_ : kPerMinute;
  const std::size_t taken = std::min(pieces, all - std::min(all, spent));
  spent += taken;
  return taken;
}

}  // namespace cloister::daemon
