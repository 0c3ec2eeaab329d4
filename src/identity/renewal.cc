#include "identity/renewal.h"

#include <algorithm>

namespace cloister::identity {
namespace {

constexpr Duration kShortestWait{100};
constexpr Duration kLongestWait = seconds(30);

// 0 to 65535 of 65536 parts of `whole`.
Duration random_part(Duration whole, crypto::Random& random) {
  const auto raw = crypto::random_array<2>(random);
  return Duration{whole.ms * (raw[0] << 8 | raw[1]) / 65536};
}

}  // namespace

Time renewal_time(Time received, Time not_after, crypto::Random& random) {
  const Duration left = not_after - received;
  if (left <= Duration{0}) return received;
  return received + Duration{left.ms / 10 * 4} + random_part(Duration{left.ms / 10}, random);
}

Duration retry_delay(unsigned attempt, Time now, Time not_after, crypto::Random& random) {
  const Duration full = std::min(seconds(std::int64_t{std::min(attempt, 1000U)} + 1), kLongestWait);
  Duration wait{full.ms - random_part(Duration{full.ms / 5}, random).ms};
  const Duration left = not_after - now;
  if (left > Duration{0}) wait = std::min(wait, Duration{left.ms / 10});
  return std::max(wait, kShortestWait);
}

}  // namespace cloister::identity
