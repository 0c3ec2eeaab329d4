#include "net/io_thread.h"

#include <boost/asio/post.hpp>
#include <exception>

#include "net/connection.h"
#include "net/http_date.h"

namespace cloister::net {
namespace {

constexpr auto kSweepInterval = std::chrono::milliseconds(250);

}  // namespace

bool Mailbox::post(std::function<void()> work) {
  const std::scoped_lock lock(mutex_);
  if (io_ == nullptr) return false;
  boost::asio::post(*io_, std::move(work));
  return true;
}

void Mailbox::close() {
  const std::scoped_lock lock(mutex_);
  io_ = nullptr;
}

IoThread::IoThread(ServerState& server)
    : server_(server),
      io_(1),
      work_(boost::asio::make_work_guard(io_)),
      timer_(io_),
      mailbox_(std::make_shared<Mailbox>(io_)),
      input_(std::make_unique<std::array<std::uint8_t, kInputSize>>()) {}

Result<std::unique_ptr<IoThread>> IoThread::start(ServerState& server) {
  try {
    std::unique_ptr<IoThread> thread(new IoThread(server));
    thread->sweep();
    thread->thread_ = std::thread([io = &thread->io_] { io->run(); });
    return thread;
  } catch (const std::exception& failure) {
    return Error(Code::kUnavailable, std::string("start an I/O thread: ") + failure.what());
  }
}

IoThread::~IoThread() {
  cut();
  mailbox_->post([this] {
    stopping_ = true;  // the timer's handler may be on its way already, where cancel() doesn't reach it
    timer_.cancel();
    work_.reset();
  });
  mailbox_->close();
  if (thread_.joinable()) thread_.join();
}

void IoThread::adopt(std::shared_ptr<Connection> connection) {
  connections_.emplace(connection.get(), connection);
  load_.store(connections_.size(), std::memory_order_relaxed);
  connection->begin();
}

void IoThread::release(const Connection& connection) {
  connections_.erase(&connection);
  load_.store(connections_.size(), std::memory_order_relaxed);
}

void IoThread::drain() {
  mailbox_->post([this] {
    const auto connections = connections_;  // those that end leave the original
    for (const auto& [key, connection] : connections) connection->drain();
  });
}

void IoThread::cut() {
  mailbox_->post([this] {
    const auto connections = connections_;
    for (const auto& [key, connection] : connections) connection->cut();
  });
}

std::string_view IoThread::date() {
  const Ticks now = ticks_now();
  if (now >= date_until_) {
    date_ = to_http_date(server_.now());
    date_until_ = now + 1000;
  }
  return date_;
}

void IoThread::sweep() {
  timer_.expires_after(kSweepInterval);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || stopping_) return;
    const Ticks now = ticks_now();
    std::vector<std::shared_ptr<Connection>> due;
    for (const auto& [key, connection] : connections_) {
      if (connection->deadline() <= now) due.push_back(connection);
    }
    for (const auto& connection : due) connection->expire();
    sweep();
  });
}

}  // namespace cloister::net
