#include "net/counters.h"

#include <algorithm>
#include <bit>

namespace cloister::net {
namespace {

template <std::size_t kSize>
void add_all(std::array<std::uint64_t, kSize>& sum, const std::array<CounterShard::Count, kSize>& counts) {
  for (std::size_t i = 0; i < kSize; ++i) sum[i] += counts[i].load(std::memory_order_relaxed);
}

}  // namespace

void CounterShard::answered(unsigned status, std::uint64_t microseconds) {
  add(responses_by_class[std::min<unsigned>(status / 100, 5)]);
  add(latency[std::min<std::size_t>(std::bit_width(microseconds), kLatencyBuckets - 1)]);
  add(latency_us_sum, microseconds);
}

void CounterShard::add_to(Counters& sum) const {
  const auto read = [](const Count& count) { return count.load(std::memory_order_relaxed); };
  const std::uint64_t ended = read(connections_ended);  // first: a connection never ends before it began
  sum.connections_accepted += read(connections_accepted);
  sum.connections_active += read(connections_accepted) - ended;
  sum.handshakes_done += read(handshakes_done);
  sum.requests += read(requests);
  sum.bytes_in += read(bytes_in);
  sum.bytes_out += read(bytes_out);
  sum.latency_us_sum += read(latency_us_sum);
  add_all(sum.responses_by_class, responses_by_class);
  add_all(sum.refused, refused);
  add_all(sum.latency, latency);
}

}  // namespace cloister::net
