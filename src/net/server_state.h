// What the parts of one running server share. Used by http_server.cc, io_thread.cc, connection.cc and listener.cc.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "net/handler.h"
#include "net/http_server.h"
#include "net/session.h"

namespace cloister::net {

// How many connections each address, user or peer has. Any thread.
class PeerCount {
 public:
  bool take(const std::string& key, std::uint32_t most);
  void give_back(const std::string& key);

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::uint32_t> counts_;
};

// Replaced whole on reload; connections keep what they began with.
struct ServerSettings {
  ServerSettings(const Limits& new_limits, std::shared_ptr<Handler> new_handler)
      : limits(new_limits), handler(std::move(new_handler)), bodies(new_limits.body_bytes_in_flight) {}
  const Limits limits;
  const std::shared_ptr<Handler> handler;
  mutable BodyBudget bodies;
};

// Outlives every connection.
class ServerState {
 public:
  ServerState(Clock clock, RefusalObserver on_refusal, std::shared_ptr<const ServerSettings> settings)
      : clock_(std::move(clock)), on_refusal_(std::move(on_refusal)), settings_(std::move(settings)) {}

  Time now() const { return clock_(); }
  void report(const RefusalEvent& event) const {
    if (on_refusal_) on_refusal_(event);
  }
  std::shared_ptr<const ServerSettings> settings() const;
  void replace(std::shared_ptr<const ServerSettings> settings);

  void start_draining() { draining_ = true; }
  bool draining() const { return draining_; }
  std::uint32_t connections() const { return connections_; }
  // False when some are left when the time is over.
  bool wait_until_empty(Duration patience);

 private:
  friend class Admission;
  const Clock clock_;
  const RefusalObserver on_refusal_;
  PeerCount by_address_;
  PeerCount by_peer_;
  std::atomic<std::uint32_t> connections_{0};
  std::atomic<std::uint32_t> handshakes_{0};
  std::atomic<bool> draining_{false};
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  std::shared_ptr<const ServerSettings> settings_;
};

// A connection's place among the others: counted from here on, given back when destroyed.
class Admission {
 public:
  enum class Handshake { kNone, kAhead };
  // The refusal when there is no place. `address_key`: an address, or a user of this machine.
  static std::optional<Refusal> admit(ServerState& server, const Limits& limits, std::string address_key,
                                      Handshake handshake, std::unique_ptr<Admission>& out);
  ~Admission();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // Its handshake is over.
  void shaken();
  // False when that peer has too many.
  bool add_peer(const std::string& id, std::uint32_t most);

 private:
  explicit Admission(ServerState& server) : server_(server) {}
  ServerState& server_;
  std::string address_key_;
  std::string peer_id_;
  bool handshake_ = false;
};

}  // namespace cloister::net
