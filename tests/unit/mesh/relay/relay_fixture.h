// Relays in this process, workloads behind them, and clients in front of them: all on loopback, at a time that stands
// still.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <functional>
#include <thread>

#include "mesh/relay/relay.h"
#include "mesh/relay/sockets.h"
#include "net/address.h"
#include "net/spiffe_credentials.h"
#include "net/spiffe_verifier.h"
#include "net/tls_session.h"
#include "tests/unit/identity/fixture.h"

namespace cloister::mesh {

using testing::expect_refused;
using testing::value_of;

inline constexpr std::string_view kServer = "spiffe://example.org/inference";
inline constexpr std::string_view kClient = "spiffe://example.org/gateway";

inline net::SocketAddress loopback(std::uint16_t port) { return value_of(net::numeric_address({"127.0.0.1", port})); }

// Blocking, with a limit that only a broken test reaches.
inline net::Socket connect_to(const net::SocketAddress& address) {
  net::Socket socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{20, 0};
  ::setsockopt(socket.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket.descriptor(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  EXPECT_EQ(::connect(socket.descriptor(), address.get(), address.size), 0) << address.to_string();
  return socket;
}

inline bool send_all(const net::Socket& socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::send(socket.descriptor(), text.data(), text.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// Up to `size` bytes, or up to the end; nothing when the connection was reset.
inline std::optional<std::string> receive(const net::Socket& socket, std::size_t size = SIZE_MAX) {
  std::string all;
  std::string some(64 << 10, '\0');
  while (all.size() < size) {
    const ssize_t count = ::recv(socket.descriptor(), some.data(), std::min(some.size(), size - all.size()), 0);
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    all.append(some, 0, static_cast<std::size_t>(count));
  }
  return all;
}

// Waits for what another thread brings about.
inline bool eventually(const std::function<bool()>& is_so) {
  for (int i = 0; i < 2000; ++i) {
    if (is_so()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

// A server of a workload: each connection gets a thread and the test's function.
class Workload {
 public:
  using Serve = std::function<void(const net::Socket& client)>;
  explicit Workload(Serve serve) : serve_(std::move(serve)) {
    ListenerSettings settings;
    settings.listen.tcp = {"127.0.0.1", 0};
    socket_ = std::move(value_of(listen_for_threads(settings, 1)).front());
    port_ = bound_port(socket_);
    thread_ = std::thread([this] { run(); });
  }
  ~Workload() {
    stopping_ = true;
    thread_.join();
    for (std::thread& one : clients_) one.join();
  }

  std::uint16_t port() const { return port_; }
  std::size_t connections() const { return connections_; }

 private:
  void run() {
    while (!stopping_) {
      pollfd one{socket_.descriptor(), POLLIN, 0};
      if (::poll(&one, 1, 20) != 1) continue;
      auto client = std::make_shared<net::Socket>(::accept4(socket_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!*client) continue;
      ++connections_;
      clients_.emplace_back([this, client] { serve_(*client); });
    }
  }

  const Serve serve_;
  net::Socket socket_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> connections_{0};
  std::vector<std::thread> clients_;
  std::thread thread_;
};

inline void echo(const net::Socket& client) {
  std::string some(64 << 10, '\0');
  for (;;) {
    const ssize_t count = ::recv(client.descriptor(), some.data(), some.size(), 0);
    if (count <= 0 || !send_all(client, std::string_view(some).substr(0, static_cast<std::size_t>(count)))) return;
  }
}

class RecordedEvents final : public RelayEvents {
 public:
  void refused(const RefusedConnection& connection) override {
    const std::scoped_lock lock(mutex_);
    refused_.push_back(connection);
  }
  void ended(const EndedConnection& connection) override {
    const std::scoped_lock lock(mutex_);
    ended_.push_back(connection);
  }
  std::vector<RefusedConnection> refused() const {
    const std::scoped_lock lock(mutex_);
    return refused_;
  }
  std::vector<EndedConnection> ended() const {
    const std::scoped_lock lock(mutex_);
    return ended_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<RefusedConnection> refused_;
  std::vector<EndedConnection> ended_;
};

struct RecordedReceipts final : ReceiptSink {
  struct One {
    ConnectionFacts facts;
    std::shared_ptr<const identity::Snapshot> own;
  };
  void record(ConnectionFacts facts, std::shared_ptr<const identity::Snapshot> own) override {
    const std::scoped_lock lock(mutex);
    all.push_back({std::move(facts), std::move(own)});
  }
  std::size_t size() {
    const std::scoped_lock lock(mutex);
    return all.size();
  }
  std::mutex mutex;
  std::vector<One> all;
};

inline std::shared_ptr<const identity::Snapshot> snapshot_of(identity::Realm& realm, std::string_view uri,
                                                             Time now = testing::kNow) {
  return value_of(identity::Snapshot::create(realm.issue(uri, now), testing::key_of_seed(1000), realm.bundles(), now));
}

// A TLS client of ours without a relay around it.
struct TlsClient {
  using Outcome = net::TlsSession::Outcome;
  TlsClient(std::shared_ptr<const identity::Source> source, std::uint16_t port,
            std::vector<std::string> protocols = {}) {
    tls = value_of(net::MutualTls::create_for_streams(
        value_of(net::SpiffeCredentials::follow(source)),
        std::make_shared<net::SpiffeVerifier>(source, identity::Conformance::kStrict, identity::DenyList()),
        [] { return testing::kNow; }, {std::move(protocols)}));
    socket = value_of(begin_connect(loopback(port), 0));
    session = value_of(tls->connect_to_admitted(socket.descriptor(), ""));
  }
  Outcome shake() {
    for (int turn = 0; turn < 100; ++turn) {
      const Outcome outcome = session->handshake();
      if (outcome != Outcome::kWantRead && outcome != Outcome::kWantWrite) return outcome;
      pollfd one{socket.descriptor(), static_cast<short>(outcome == Outcome::kWantRead ? POLLIN : POLLOUT), 0};
      ::poll(&one, 1, 10'000);
    }
    return Outcome::kFailed;
  }
  void write(std::string_view text) { EXPECT_EQ(session->send(as_bytes(text), scratch), Outcome::kDone); }

  std::shared_ptr<const net::MutualTls> tls;
  net::Socket socket;
  std::unique_ptr<net::TlsSession> session;
  Bytes scratch;
};

// A relay with one listener.
struct OneRelay {
  OneRelay(identity::Realm& realm, std::string_view id)
      : source(std::make_shared<identity::Source>(snapshot_of(realm, id))) {
    config.threads = 2;
  }
  ~OneRelay() { relay.reset(); }

  ListenerSettings& add(ListenerSettings::Direction direction, std::uint16_t target, std::string_view peer) {
    ListenerSettings listener;
    listener.name = "only";
    listener.direction = direction;
    listener.listen.tcp = {"127.0.0.1", 0};
    listener.targets.push_back({{"127.0.0.1", target}, {}});
    const std::string pattern(peer);
    if (!peer.empty()) listener.peers = value_of(AllowList::parse(std::span(&pattern, 1)));
    config.listeners.push_back(std::move(listener));
    return config.listeners.back();
  }
  void start() {
    relay = value_of(Relay::start(config, source, {[] { return testing::kNow; }, &events, receipts}));
  }
  std::uint16_t port() const { return value_of(relay->port_of("only")); }
  std::uint64_t refused(RelayRefusal why) const { return relay->counters().refused_for(why); }
  std::uint64_t ended(RelayEnd why) const { return relay->counters().ended_by(why); }

  std::shared_ptr<identity::Source> source;
  RelayConfig config;
  RecordedEvents events;
  ReceiptSink* receipts = nullptr;
  std::unique_ptr<Relay> relay;
};

// client -> outbound -> mutual TLS -> inbound -> workload.
struct RelayPair {
  explicit RelayPair(Workload::Serve serve, const identity::AuthorityRules& rules = {})
      : realm("example.org", 10, rules), workload(std::move(serve)), inbound(realm, kServer), outbound(realm, kClient) {
    inbound.add(ListenerSettings::Direction::kInbound, workload.port(), kClient);
    outbound.add(ListenerSettings::Direction::kOutbound, 0, kServer);
  }
  ListenerSettings& in() { return inbound.config.listeners.front(); }
  ListenerSettings& out() { return outbound.config.listeners.front(); }
  void start() {
    inbound.start();
    out().targets.front().tcp.port = inbound.port();
    outbound.start();
  }
  net::Socket connect() const { return connect_to(loopback(outbound.port())); }

  identity::Realm realm;
  Workload workload;
  OneRelay inbound, outbound;
};

}  // namespace cloister::mesh
