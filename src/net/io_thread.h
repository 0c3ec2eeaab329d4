// One thread of a server: an event loop, the connections it serves, and the buffers they share. Boost.Asio waits for
// sockets and time. Used by the server's own sources.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "net/counters.h"
#include "net/server_state.h"

namespace cloister::net {

class Connection;

// Where other threads leave work for an I/O thread. Outlives it: work that comes too late is dropped.
class Mailbox {
 public:
  explicit Mailbox(boost::asio::io_context& io) : io_(&io) {}
  // False for work that comes too late.
  bool post(std::function<void()> work);
  void close();

 private:
  std::mutex mutex_;
  boost::asio::io_context* io_;
};

class IoThread {
 public:
  // Throws nothing; what Boost throws while setting up becomes kUnavailable.
  static Result<std::unique_ptr<IoThread>> start(ServerState& server);
  // Cuts its connections and waits for the thread.
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  // From any thread.
  const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }
  std::size_t load() const { return load_.load(std::memory_order_relaxed); }
  CounterShard& counters() { return counters_; }
  void drain();
  void cut();

  // From this thread.
  boost::asio::io_context& io() { return io_; }
  ServerState& server() { return server_; }
  void adopt(std::shared_ptr<Connection> connection);
  void release(const Connection& connection);
  // "Tue, 24 Nov 2026 13:23:09 GMT", at most a second old.
  std::string_view date();
  MutableByteView input() { return *input_; }
  Buffer& spare_output() { return spare_output_; }

 private:
  explicit IoThread(ServerState& server);
  void sweep();

  static constexpr std::size_t kInputSize = 32 << 10;

  ServerState& server_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<Mailbox> mailbox_;
  std::unordered_map<const Connection*, std::shared_ptr<Connection>> connections_;
  std::atomic<std::size_t> load_{0};
  CounterShard counters_;
  std::unique_ptr<std::array<std::uint8_t, kInputSize>> input_;
  Buffer spare_output_;
  std::string date_;
  Ticks date_until_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace cloister::net
