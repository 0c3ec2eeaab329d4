// Feeds decided requests to the anomaly detectors and tells what they find: in the audit log, the log, the metrics and,
// where one is configured, to a webhook.
#pragma once

#include <deque>

#include "audit/anomaly/shared_detector.h"
#include "cloisterd/log.h"
#include "cloisterd/metrics.h"
#include "cloisterd/ticker.h"
#include "keys/hierarchy.h"
#include "net/http_client.h"
#include "service/service.h"

namespace cloister::daemon {

struct AnomalyWatchParts {
  std::function<Result<keys::Store>()> open_store;
  // To the webhook; null: none.
  std::unique_ptr<net::HttpClient> webhook;
  std::string webhook_target;
  Path state;  // where what was learned survives a restart
  Log& log;
  Metrics& metrics;
  net::Clock clock;
  crypto::Random& random;
  std::string actor;
};

class AnomalyWatch {
 public:
  // Goes on with what was learned before; state that can't be read is said in the log, and learning begins anew.
  static Result<std::unique_ptr<AnomalyWatch>> start(AnomalyWatchParts parts);
  // Keeps what was learned.
  ~AnomalyWatch();

  // Any thread; a microsecond or two.
  void observe(const service::DecisionEvent& event);

 private:
  AnomalyWatch(AnomalyWatchParts parts, audit::anomaly::Detector detector)
      : parts_(std::move(parts)), detector_(std::move(detector)) {}
  Duration tell();
  Status tell_one(const audit::anomaly::Finding& finding);
  void post(const audit::anomaly::Finding& finding);
  void save();

  AnomalyWatchParts parts_;
  audit::anomaly::SharedDetector detector_;
  std::mutex mutex_;
  std::deque<audit::anomaly::Finding> waiting_;
  std::optional<keys::Store> store_;
  Time saved_;
  std::unique_ptr<Ticker> ticker_;
};

// What the daemon's detectors judge by.
audit::anomaly::Thresholds daemon_thresholds();

// The detectors' view of a decided request; nothing for one that is no use of a key. Views into `event`, and into
// `key_id`, which it fills.
std::optional<audit::anomaly::UsageEvent> usage_of(const service::DecisionEvent& event, std::string& key_id);

}  // namespace cloister::daemon
