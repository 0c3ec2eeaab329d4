// What happens to a relay's connections, as lines of its log.
#pragma once

#include <mutex>

#include "cloisterd/log.h"
#include "mesh/relay/events.h"
#include "net/ticks.h"

namespace cloister::relay {

// A flood of refusals costs some lines a second and no more: how many weren't written is said, and the counters have
// them all.
class EventLog final : public mesh::RelayEvents {
 public:
  explicit EventLog(daemon::Log& log) : log_(log) {}

  void refused(const mesh::RefusedConnection& connection) override;
  void ended(const mesh::EndedConnection& connection) override;

  static constexpr std::uint64_t kRefusalsPerSecond = 20;

 private:
  daemon::Log& log_;
  std::mutex mutex_;
  net::Ticks second_ = 0;
  std::uint64_t written_ = 0, withheld_ = 0;
};

}  // namespace cloister::relay
