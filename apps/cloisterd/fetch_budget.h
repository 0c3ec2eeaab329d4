// How many pieces of collateral each may make the service ask vendors for: evidence names chips and certificates as it
// likes, and vendors shut out whoever asks too much.
#pragma once

#include <map>
#include <string>

#include "base/clock.h"

namespace cloister::daemon {

// One thread at a time.
class FetchBudget {
 public:
  static constexpr std::size_t kPerMinute = 32;     // of a caller that is known
  static constexpr std::size_t kCallersMax = 1024;  // within a minute; there is nothing for more

  // `guests_per_minute`: of all together that nobody knows.
  explicit FetchBudget(std::size_t guests_per_minute) : guests_per_minute_(guests_per_minute) {}

  // How many of them may be asked for now; they are spent. `caller` is empty for a guest.
  std::size_t take(const std::string& caller, std::size_t pieces, Time now);

 private:
  const std::size_t guests_per_minute_;
  Time since_{};
  std::map<std::string, std::size_t> spent_;
};

}  // namespace cloister::daemon
