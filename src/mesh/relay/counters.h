// What a relay has done so far, and how Prometheus reads it (text exposition format 0.0.4).
#pragma once

#include <array>
#include <atomic>
#include <string>

#include "mesh/relay/events.h"

namespace cloister::mesh {

struct RelayCounters {
  std::uint64_t accepted = 0, active = 0, handshakes = 0, sent = 0, received = 0;
  std::array<std::uint64_t, kRelayRefusals> refused{};
  std::array<std::uint64_t, kRelayEnds> ended{};

  std::uint64_t refused_for(RelayRefusal why) const { return refused[static_cast<std::size_t>(why)]; }
  std::uint64_t ended_by(RelayEnd why) const { return ended[static_cast<std::size_t>(why)]; }
};

// One thread's share: written by that thread, read by any.
class RelayCounterShard {
 public:
  using Count = std::atomic<std::uint64_t>;
  // One writer only, so no locked instruction is needed.
  static void add(Count& count, std::uint64_t by = 1) {
    count.store(count.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  void add_to(RelayCounters& sum) const;

  Count accepted{0}, over{0}, handshakes{0}, sent{0}, received{0};
  std::array<Count, kRelayRefusals> refused{};
  std::array<Count, kRelayEnds> ended{};
};

// Besides the counters: when the relay's own certificate ends, as unix seconds, and how the receipts fare.
struct RelayGauges {
  std::int64_t svid_not_after = 0;
  std::uint64_t identity_changes = 0, identity_failures = 0, reloads = 0, reload_failures = 0;
  std::uint64_t receipts_written = 0, receipts_lost = 0;
};
std::string prometheus_text(const RelayCounters& counters, const RelayGauges& gauges);

}  // namespace cloister::mesh
