#include "worker/patience.h"

#include <algorithm>

namespace cloister::worker {

Result<Duration> Patience::left() const {
  if (given_up_) return Error(Code::kUnavailable, "the worker is about to end");
  const Duration left = Time{end_ms_} - clock_();
  if (left <= Duration{}) return Error(Code::kUnavailable, "no time for it is left before the lease ends");
  return std::min(step_, left);
}

}  // namespace cloister::worker
