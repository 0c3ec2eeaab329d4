// One thread of a relay: an epoll loop, the connections it carries, and the buffers they share.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "mesh/receipt/receipt_log.h"
#include "mesh/relay/counters.h"
#include "mesh/relay/quota.h"
#include "mesh/relay/service.h"
#include "net/socket.h"
#include "net/ticks.h"

namespace cloister::mesh {

class Link;

// What all threads of a relay share. Outlives them.
struct RelayState {
  net::Clock clock;
  RelayEvents* events = nullptr;
  ReceiptSink* receipts = nullptr;  // null: none are written
  std::uint32_t mark = 0;
  Quota connections, handshakes;
  NamedQuota addresses, peers;
};

class Loop {
 public:
  // kInternal where the system has no thread or descriptor for it.
  static Result<std::unique_ptr<Loop>> start(RelayState& state);
  // Cuts its connections and waits for the thread.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // From any thread: done by this one, in the order of the calls.
  void post(std::function<void()> work);
  // Listens there too, or goes on with the new service where it listens at that name already.
  void serve(std::shared_ptr<const Service> service, net::Socket socket);
  // Stops listening at what isn't among `names`. What waits to be accepted is still taken.
  void keep_only(std::vector<std::string> names);
  void cut(RelayEnd why);
  const RelayCounterShard& counters() const { return counters_; }

  // From this thread.
  RelayState& state() { return state_; }
  RelayCounterShard& count() { return counters_; }
  net::Ticks now() const { return now_; }
  // Events of that socket come to the link, edge-triggered. False where the kernel refuses.
  enum class Side : std::uint8_t { kTls, kPlain };
  bool watch(Link& link, Side side, int socket);
  // Calls the link again after everybody else had their turn.
  void again(Link& link);
  // Ends the link's life, once the events at hand are worked off.
  void release(Link& link);
  std::uint8_t* buffer() { return buffer_.get(); }
  Bytes& scratch() { return scratch_; }

  static constexpr std::size_t kBufferSize = 64 << 10;

 private:
  struct Listening {
    std::shared_ptr<const Service> service;
    net::Socket socket;
    bool paused = false;
  };

  explicit Loop(RelayState& state);
  Status open();
  void run();
  void wait();
  void work_off_posted();
  void adopt(std::shared_ptr<const Service> service, net::Socket socket);
  void change(const std::shared_ptr<const Service>& service);
  bool watch_listener(Listening& listening);
  void accept_some(Listening& listening, int at_most);
  void admit(const std::shared_ptr<const Service>& service, net::Socket socket, const net::SocketAddress& remote);
  void sweep();

  RelayState& state_;
  net::Socket epoll_, wake_;
  RelayCounterShard counters_;
  std::unique_ptr<std::uint8_t[]> buffer_;
  Bytes scratch_;
  net::Ticks now_ = 0, next_sweep_ = 0;
  std::vector<std::unique_ptr<Listening>> listeners_;
  std::vector<std::unique_ptr<Listening>> closed_listeners_;  // until the events at hand are worked off
  std::vector<std::unique_ptr<Link>> links_;                  // each knows its place
  std::vector<std::unique_ptr<Link>> released_;
  std::vector<Link*> again_;
  bool stopping_ = false;

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  std::thread thread_;
};

}  // namespace cloister::mesh
