// A relay: carries connections between workloads and mutual TLS, with both ends proven and allowed by name. Plaintext
// that comes where TLS belongs is refused, never passed on. docs/relay.md.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "mesh/receipt/receipt_log.h"
#include "mesh/relay/config.h"
#include "mesh/relay/counters.h"
#include "mesh/relay/events.h"
#include "net/tls.h"

namespace cloister::mesh {

class Loop;
struct RelayState;
struct Service;

// What a relay is given; all of it outlives the relay.
struct RelayParts {
  net::Clock clock;
  RelayEvents* events = nullptr;
  ReceiptSink* receipts = nullptr;  // null: none are written
};

// One thread at a time, besides what says otherwise.
class Relay {
 public:
  // Listens when this returns. `source` is where the identity of the moment is found, and may be replaced in it at any
  // time: connections that stand go on, new ones use the new one. kUnavailable when an address is taken.
  static Result<std::unique_ptr<Relay>> start(const RelayConfig& config, std::shared_ptr<const identity::Source> source,
                                              RelayParts parts);
  // Cuts what still stands.
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Everything but the number of threads and the mark. Listeners that are in both go on without a gap, and so do their
  // connections, unless their peer isn't allowed any more. Connections of listeners that aren't there any more stand
  // until they end. Refused, it changes nothing.
  Status reload(const RelayConfig& config, std::shared_ptr<const identity::Source> source);

  // Stops listening, and waits until the last connection is over or patience has an end: kUnavailable then, with how
  // many were cut.
  Status drain(Duration patience);

  // Any thread.
  RelayCounters counters() const;
  // Where a listener listens: kNotFound for a name there isn't.
  Result<std::uint16_t> port_of(const std::string& name) const;

 private:
  Relay();
  void refresh_names();
  void run_refresher();

  std::unique_ptr<RelayState> state_;
  std::vector<std::unique_ptr<Loop>> loops_;
  struct Open {
    std::shared_ptr<const Service> service;
    std::uint16_t port = 0;
  };
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Open> open_;
  bool stopping_ = false;
  std::thread refresher_;
};

}  // namespace cloister::mesh
