// What the daemon counts, and how Prometheus reads it (text exposition format 0.0.4).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "net/counters.h"
#include "policy/words.h"
#include "service/service.h"

namespace cloister::daemon {

// Any thread.
class Metrics {
 public:
  void decided(const service::DecisionEvent& event);

  std::atomic<std::uint64_t> rotations{0}, rotation_failures{0}, destructions{0}, anomalies{0}, webhook_failures{0},
      store_errors{0}, reloads{0}, reload_failures{0};
  std::atomic<std::uint64_t> workload_svids{0}, workload_tokens{0}, workload_refused{0}, federation_failures{0},
      collateral_fetched{0}, collateral_failures{0}, collateral_not_asked{0};

  // What others count and the present state of things, at the moment of the question.
  struct Now {
    net::Counters net;
    service::ServiceCounters service;
    bool ready = false;
    std::uint64_t bundle_sequence = 0;
    std::int64_t svid_not_after = 0;  // unix seconds
    std::uint64_t denied_ids = 0;
    std::uint64_t entries = 0;
    std::uint64_t federated_bundles = 0;
  };
  std::string text(const Now& now) const;

 private:
  static constexpr std::size_t kOutcomes = 3;
  // One more for what isn't the policy's to decide.
  std::array<std::array<std::atomic<std::uint64_t>, kOutcomes>, policy::kOperationCount + 1> decisions_{};
  std::atomic<std::uint64_t> keys_{0};
};

}  // namespace cloister::daemon
