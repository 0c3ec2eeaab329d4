// What a server has done so far: plain numbers, to be shown in whatever format.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "net/refusal.h"

namespace cloister::net {

// Bucket i counts what took less than 2^i microseconds and no less than half of that; the last one everything longer.
inline constexpr std::size_t kLatencyBuckets = 26;

struct Counters {
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_active = 0;
  std::uint64_t handshakes_done = 0;
  std::uint64_t requests = 0;
  std::uint64_t bytes_in = 0;  // without TLS
  std::uint64_t bytes_out = 0;
  std::array<std::uint64_t, 6> responses_by_class{};  // [2]: 200 to 299; only those of the handler
  std::array<std::uint64_t, kRefusals> refused{};     // by Refusal
  std::array<std::uint64_t, kLatencyBuckets> latency{};
  std::uint64_t latency_us_sum = 0;

  std::uint64_t refused_for(Refusal why) const { return refused[static_cast<std::size_t>(why)]; }
};

// One thread's share: written by that thread, read by any.
class CounterShard {
 public:
  using Count = std::atomic<std::uint64_t>;
  // One writer only, so no locked instruction is needed.
  static void add(Count& count, std::uint64_t by = 1) {
    count.store(count.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  void refuse(Refusal why) { add(refused[static_cast<std::size_t>(why)]); }
  void answered(unsigned status, std::uint64_t microseconds);
  void add_to(Counters& sum) const;

  Count connections_accepted{0}, connections_ended{0}, handshakes_done{0}, requests{0}, bytes_in{0}, bytes_out{0};
  Count latency_us_sum{0};
  std::array<Count, 6> responses_by_class{};
  std::array<Count, kRefusals> refused{};
  std::array<Count, kLatencyBuckets> latency{};
};

}  // namespace cloister::net
