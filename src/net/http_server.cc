#include "net/http_server.h"

#include <sys/stat.h>

#include <algorithm>
#include <future>
#include <thread>

#include "net/listener.h"
#include "net/server_state.h"

namespace cloister::net {
namespace {

constexpr unsigned kThreadsMax = 256;
constexpr Duration kCutTime{5'000};

// Does something on that thread and waits for it. Not from an I/O thread.
void run_on(IoThread& thread, const std::function<void()>& work) {
  std::promise<void> done;
  thread.mailbox()->post([&work, &done] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

// A socket's name in the file system, removed when it is still ours.
struct SocketName {
  Path path;
  dev_t device = 0;
  ino_t inode = 0;

  static SocketName of(const Path& path) {
    struct stat found{};
    if (::lstat(path.c_str(), &found) != 0) return {path};
    return {path, found.st_dev, found.st_ino};
  }
  void remove() const {
    struct stat found{};
    if (::lstat(path.c_str(), &found) == 0 && found.st_dev == device && found.st_ino == inode) {
      ::unlink(path.c_str());
    }
  }
};

}  // namespace

bool UnixUsers::admits(uid_t user) const { return all_ || std::ranges::find(users_, user) != users_.end(); }

struct HttpServer::Impl {
  ServerState state;
  std::vector<std::unique_ptr<IoThread>> threads;
  std::mutex mutex;
  std::vector<std::shared_ptr<Listener>> listeners;
  std::vector<SocketName> names;

  explicit Impl(ServerOptions& options, std::shared_ptr<Handler> handler)
      : state(std::move(options.clock), std::move(options.on_refusal),
              std::make_shared<const ServerSettings>(options.limits, std::move(handler))) {}
  ~Impl() {
    stop_listening();
    for (const auto& thread : threads) thread->cut();
    ignore_result(state.wait_until_empty(kCutTime));
  }

  Status listen(Listening listening) {
    if (state.draining()) return Error(Code::kUnavailable, "listen: the server is draining");
    std::vector<IoThread*> targets;
    for (const auto& thread : threads) targets.push_back(thread.get());
    auto listener = std::make_shared<Listener>(*threads[0], std::move(targets), std::move(listening));
    run_on(*threads[0], [&listener] { listener->begin(); });
    const std::scoped_lock lock(mutex);
    listeners.push_back(std::move(listener));
    return {};
  }

  void stop_listening() {
    state.start_draining();
    const std::scoped_lock lock(mutex);
    for (const SocketName& name : names) name.remove();
    names.clear();
    if (listeners.empty()) return;
    run_on(*threads[0], [this] {
      for (const auto& listener : listeners) listener->close();
      listeners.clear();
    });
  }
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::create(ServerOptions options, std::shared_ptr<Handler> handler) {
  CLOISTER_RETURN_IF_ERROR(options.limits.check());
  if (!handler || !options.clock) return Error(Code::kInvalid, "a server needs a handler and a clock");
  const unsigned wanted = options.threads == 0 ? std::max(1U, std::thread::hardware_concurrency()) : options.threads;
  if (wanted > kThreadsMax) return Error(Code::kInvalid, "a server has at most 256 I/O threads");
  auto impl = std::make_unique<Impl>(options, std::move(handler));
  for (unsigned i = 0; i < wanted; ++i) {
    CLOISTER_TRY(auto thread, IoThread::start(impl->state));
    impl->threads.push_back(std::move(thread));
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

Result<std::uint16_t> HttpServer::listen(const TcpAddress& address, std::shared_ptr<const MutualTls> tls) {
  if (!tls) return Error(Code::kInvalid, "listen on " + address.to_string() + ": without TLS");
  std::uint16_t port = 0;
  CLOISTER_TRY(Socket socket, listen_on_tcp(address, port));
  auto start = [tls = std::move(tls)](int accepted) { return tls->accept(accepted); };
  CLOISTER_RETURN_IF_ERROR(impl_->listen({std::move(socket), std::move(start), std::nullopt}));
  return port;
}

Result<std::uint16_t> HttpServer::listen(const TcpAddress& address, std::shared_ptr<const ServerOnlyTls> tls) {
  if (!tls) return Error(Code::kInvalid, "listen on " + address.to_string() + ": without TLS");
  std::uint16_t port = 0;
  CLOISTER_TRY(Socket socket, listen_on_tcp(address, port));
  auto start = [tls = std::move(tls)](int accepted) { return tls->accept(accepted); };
  CLOISTER_RETURN_IF_ERROR(impl_->listen({std::move(socket), std::move(start), std::nullopt}));
  return port;
}

Status HttpServer::listen(const UnixListener& listener) {
  CLOISTER_TRY(Socket socket, listen_on_unix(listener));
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->names.push_back(SocketName::of(listener.path));
  }
  return impl_->listen({std::move(socket), nullptr, listener.users});
}

Status HttpServer::reload(const Limits& limits, std::shared_ptr<Handler> handler) {
  CLOISTER_RETURN_IF_ERROR(limits.check());
  if (!handler) return Error(Code::kInvalid, "reload: without a handler");
  impl_->state.replace(std::make_shared<const ServerSettings>(limits, std::move(handler)));
  return {};
}

Status HttpServer::drain(Duration patience) {
  impl_->stop_listening();
  for (const auto& thread : impl_->threads) thread->drain();
  if (impl_->state.wait_until_empty(patience)) return {};
  const std::uint32_t left = impl_->state.connections();
  for (const auto& thread : impl_->threads) thread->cut();
  ignore_result(impl_->state.wait_until_empty(kCutTime));
  return Error(Code::kUnavailable, "drain: " + std::to_string(left) + " connections were cut");
}

Counters HttpServer::counters() const {
  Counters sum;
  for (const auto& thread : impl_->threads) thread->counters().add_to(sum);
  return sum;
}

}  // namespace cloister::net
