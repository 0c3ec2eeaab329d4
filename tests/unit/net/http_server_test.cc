// A real server on real sockets: what a request knows of its peer, and every way to be turned away.
#include "net/http_server.h"

#include <sys/stat.h>

#include <fstream>

#include "tests/unit/net/service.h"

namespace cloister::net {
namespace {

class Server : public Service {};

// What a handler saw of the connection.
struct Sighting {
  std::mutex mutex;
  std::shared_ptr<const ConnectionInfo> info;
  std::shared_ptr<const ConnectionInfo> last() {
    const std::scoped_lock lock(mutex);
    return info;
  }
};

FunctionHandler::Function watch(Sighting& sighting) {
  return [&sighting](Request& request, Deferral&) {
    const std::scoped_lock lock(sighting.mutex);
    sighting.info = request.connection;
    return std::optional(json_response(200, "{}"));
  };
}

TEST_F(Server, MutualTlsTellsWhoCalls) {
  Sighting sighting;
  start(watch(sighting));
  listen_tls();
  const auto exchange = tls_client()->send(get("/"), kPatience);
  ASSERT_TRUE(exchange.ok()) << exchange.error().message();
  const auto info = sighting.last();
  ASSERT_TRUE(info && info->peer);
  EXPECT_EQ(info->peer->id, "spiffe://acme.test/client");
  EXPECT_EQ(info->tls_group, "X25519MLKEM768");
  EXPECT_EQ(info->protocol, Protocol::kHttp1);
  EXPECT_TRUE(info->remote.starts_with("127.0.0.1:"));
  ASSERT_TRUE(info->channel_binding && exchange->connection->channel_binding);
  EXPECT_EQ(*info->channel_binding, *exchange->connection->channel_binding);
  EXPECT_EQ(exchange->connection->peer->id, "spiffe://acme.test/server");
  EXPECT_FALSE(info->unix_peer);
}

TEST_F(Server, ConnectionOfItsOwnKeepsItsBinding) {
  Sighting sighting;
  start(watch(sighting));
  listen_tls();
  const auto client = tls_client();
  const auto connection = client->open(kPatience);
  ASSERT_TRUE(connection.ok()) << connection.error().message();
  const ConnectionInfo& ours = (*connection)->info();
  ASSERT_TRUE(ours.channel_binding && ours.own_key && ours.peer_key);
  EXPECT_NE(*ours.own_key, *ours.peer_key);
  for (int i = 0; i < 2; ++i) {
    const auto response = (*connection)->send(get("/"), kPatience);
    ASSERT_TRUE(response.ok()) << response.error().message();
    const auto info = sighting.last();
    EXPECT_EQ(info->channel_binding, ours.channel_binding);
    EXPECT_EQ(info->peer_key, ours.own_key);
    EXPECT_FALSE(info->own_key);
  }
  ASSERT_TRUE(client->send(get("/"), kPatience).ok());
  EXPECT_NE(sighting.last()->channel_binding, ours.channel_binding);
}

TEST_F(Server, ConnectionOfItsOwnIsNeverReplaced) {
  start();
  listen_tls();
  const auto client = tls_client();
  const auto connection = client->open(kPatience);
  ASSERT_TRUE(connection.ok()) << connection.error().message();
  ASSERT_TRUE((*connection)->send(get("/"), kPatience).ok());
  server_.reset();
  ASSERT_FALSE((*connection)->send(get("/"), kPatience).ok());
  const auto again = (*connection)->send(get("/"), kPatience);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), Code::kUnavailable);
}

TEST_F(Server, UnixSocketTellsWhoCalls) {
  Sighting sighting;
  start(watch(sighting));
  listen_unix();
  const auto exchange = unix_client()->send(get("/"), kPatience);
  ASSERT_TRUE(exchange.ok()) << exchange.error().message();
  const auto info = sighting.last();
  ASSERT_TRUE(info && info->unix_peer);
  EXPECT_EQ(info->unix_peer->pid, ::getpid());
  EXPECT_EQ(info->unix_peer->uid, ::getuid());
  EXPECT_EQ(info->unix_peer->gid, ::getgid());
  EXPECT_FALSE(info->peer);
  EXPECT_FALSE(info->channel_binding);
  if (!info->unix_peer->pidfd) GTEST_SKIP() << "this kernel hands out no pidfd of a peer";
  std::ifstream about("/proc/self/fdinfo/" + std::to_string(info->unix_peer->pidfd->descriptor()));
  const std::string text((std::istreambuf_iterator<char>(about)), {});
  EXPECT_NE(text.find("Pid:\t" + std::to_string(::getpid()) + "\n"), std::string::npos) << text;
}

TEST_F(Server, UnixUserNotAdmitted) {
  start();
  listen_unix(UnixUsers::only({::getuid() + 1}));
  EXPECT_EQ(read_all(raw_unix()), "");
  EXPECT_TRUE(eventually([this] { return refused(Refusal::kUnixUser) == 1; }));
  EXPECT_FALSE(UnixUsers::only({}).admits(0));
  EXPECT_TRUE(UnixUsers::everybody().admits(12345));
}

TEST_F(Server, UnixSocketInTheFileSystem) {
  start();
  listen_unix();
  struct stat found{};
  ASSERT_EQ(::stat(socket_path().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0600U);
  EXPECT_EQ(server_->listen(UnixListener{socket_path(), UnixUsers::everybody()}).error().code(), Code::kExists);
  std::ofstream(folder_ / "file") << "x";
  EXPECT_EQ(server_->listen(UnixListener{folder_ / "file", UnixUsers::everybody()}).error().code(), Code::kExists);
  const Path too_long = folder_ / std::string(120, 'a');
  EXPECT_EQ(server_->listen(UnixListener{too_long, UnixUsers::everybody()}).error().code(), Code::kInvalid);
  EXPECT_TRUE(server_->drain(kPatience).ok());
  EXPECT_NE(::stat(socket_path().c_str(), &found), 0);  // taken away
  // One that somebody left behind is replaced.
  {
    const Socket stale(::socket(AF_UNIX, SOCK_STREAM, 0));
    const auto address = unix_address(socket_path()).value();
    ASSERT_EQ(::bind(stale.descriptor(), address.get(), address.size), 0);
  }
  start();
  listen_unix();
  EXPECT_TRUE(unix_client()->send(get("/"), kPatience).ok());
}

TEST_F(Server, AnswersLater) {
  std::vector<std::thread> workers;
  start([&workers](Request& request, Deferral& later) {
    workers.emplace_back([body = std::move(request.body), answer = std::make_shared<Answer>(later.take())]() mutable {
      Response response;
      response.body = std::move(body);
      answer->send(std::move(response));
    });
    return std::optional<Response>();
  });
  listen_tls();
  auto client = tls_client();
  for (int i = 0; i < 20; ++i) {
    const auto exchange = client->send(post("/", std::to_string(i)), kPatience);
    ASSERT_TRUE(exchange.ok()) << exchange.error().message();
    EXPECT_EQ(as_text(exchange->response.body), std::to_string(i));
  }
  EXPECT_EQ(server_->counters().connections_accepted, 1U);
  server_.reset();
  for (auto& worker : workers) worker.join();
}

TEST_F(Server, ForgottenAnswers) {
  start([](Request& request, Deferral& later) {
    if (request.path() == "/dropped") const Answer dropped = later.take();
    return std::optional<Response>();
  });
  listen_unix();
  auto client = unix_client();
  EXPECT_EQ(client->send(get("/dropped"), kPatience)->response.status, 500U);
  EXPECT_EQ(client->send(get("/nothing"), kPatience)->response.status, 500U);
}

TEST_F(Server, AnswerOutlivesTheServer) {
  std::mutex mutex;
  std::vector<Answer> kept;
  start([&](Request&, Deferral& later) {
    const std::scoped_lock lock(mutex);
    kept.push_back(later.take());
    return std::optional<Response>();
  });
  listen_unix();
  const Socket client = raw_unix();
  send_text(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto count = [&] {
    const std::scoped_lock lock(mutex);
    return kept.size();
  };
  ASSERT_TRUE(eventually([&] { return count() == 1; }));
  server_.reset();
  kept[0].send(json_response(200, "late"));
  EXPECT_EQ(read_all(client), "");
}

TEST_F(Server, NoClientCertificate) {
  start();
  listen_tls();
  const testing::TlsAuthority mallory("mallory.test");
  const auto exchange = client_with(testing::mutual_tls(authority_, mallory.issue()))->send(get("/"), kPatience);
  ASSERT_FALSE(exchange.ok());
  EXPECT_EQ(exchange.error().code(), Code::kDenied);
  EXPECT_TRUE(eventually([this] { return refused(Refusal::kPeer) == 1; }));
  const auto events = refusals();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].why, Refusal::kPeer);
  EXPECT_TRUE(events[0].remote.starts_with("127.0.0.1:"));
  EXPECT_NE(events[0].detail.find("verify the peer"), std::string::npos);
}

TEST_F(Server, PlainHttpOnATlsPort) {
  start();
  listen_tls();
  const Socket client = raw_tcp();
  send_text(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(read_all(client).find("HTTP/1.1"), std::string::npos);
  EXPECT_TRUE(eventually([this] { return refused(Refusal::kTls) == 1; }));
}

TEST_F(Server, CertificatesAreSwappedUnderConnections) {
  start();
  listen_tls();
  auto before = tls_client();
  ASSERT_TRUE(before->send(get("/1"), kPatience).ok());
  credentials_->replace(authority_.issue({.id = "spiffe://acme.test/renewed"}).credentials());
  EXPECT_TRUE(before->send(get("/2"), kPatience).ok());  // the same connection, still the old name
  EXPECT_EQ(server_->counters().connections_accepted, 1U);
  const auto late = tls_client()->send(get("/3"), kPatience);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code(), Code::kDenied);
  EXPECT_TRUE(
      tls_client({.id = "spiffe://acme.test/client"}, "spiffe://acme.test/renewed")->send(get("/4"), kPatience).ok());
}

TEST_F(Server, ProofThatRunsOut) {
  start();
  listen_tls();
  const Time soon{testing::kTestTime.unix_ms + 1000};
  auto tls = testing::mutual_tls(authority_, authority_.issue({.id = "spiffe://acme.test/brief", .not_after = soon}));
  auto client = client_with(std::move(tls));
  ASSERT_TRUE(client->send(get("/"), kPatience).ok());
  EXPECT_TRUE(eventually([this] { return server_->counters().connections_active == 0; }));
  EXPECT_EQ(refused(Refusal::kPeerExpired), 1U);
  EXPECT_EQ(refusals()[0].peer_id, "spiffe://acme.test/brief");
}

TEST_F(Server, TooManyConnections) {
  limits_.connections = 2;
  start();
  listen_unix();
  const Socket first = raw_unix();
  {
    const Socket second = raw_unix();
    EXPECT_EQ(read_all(raw_unix()), "");
    EXPECT_EQ(refused(Refusal::kTooManyConnections), 1U);
  }
  EXPECT_TRUE(eventually([this] { return server_->counters().connections_active == 1; }));
  EXPECT_TRUE(unix_client()->send(get("/"), kPatience).ok());
}

TEST_F(Server, TooManyFromOneAddress) {
  limits_.connections_per_address = 1;
  start();
  listen_unix();
  listen_tls();
  const Socket first = raw_unix();
  EXPECT_EQ(read_all(raw_unix()), "");
  EXPECT_EQ(refused(Refusal::kTooManyFromAddress), 1U);
  EXPECT_TRUE(tls_client()->send(get("/"), kPatience).ok());  // from another
}

TEST_F(Server, TooManyFromOnePeer) {
  limits_.connections_per_peer = 1;
  start();
  listen_tls();
  auto first = tls_client();
  ASSERT_TRUE(first->send(get("/"), kPatience).ok());
  EXPECT_FALSE(tls_client()->send(get("/"), kPatience).ok());
  EXPECT_EQ(refused(Refusal::kTooManyFromPeer), 1U);
  EXPECT_TRUE(tls_client({.id = "spiffe://acme.test/another"})->send(get("/"), kPatience).ok());
}

TEST_F(Server, TooManyHandshakes) {
  limits_.handshakes = 1;
  start();
  listen_tls();
  {
    const Socket silent = raw_tcp();
    EXPECT_EQ(read_all(raw_tcp()), "");
    EXPECT_EQ(refused(Refusal::kTooManyHandshakes), 1U);
  }
  EXPECT_TRUE(eventually([this] { return tls_client()->send(get("/"), kPatience).ok(); }));
}

TEST_F(Server, SilentClients) {
  limits_.handshake_time = Duration{300};
  limits_.idle_time = Duration{300};
  start();
  listen_tls();
  listen_unix();
  EXPECT_EQ(read_all(raw_tcp()), "");
  EXPECT_EQ(refused(Refusal::kHandshakeTime), 1U);
  EXPECT_EQ(read_all(raw_unix()), "");
  const Socket half = raw_unix();
  send_text(half, "PR");  // could still become either protocol
  EXPECT_EQ(read_all(half), "");
}

TEST_F(Server, SlowClients) {
  limits_.header_time = Duration{300};
  limits_.body_time = Duration{300};
  start();
  listen_unix();
  const Socket headers = raw_unix();
  const Socket body = raw_unix();
  send_text(headers, "GET / HTTP/1.1\r\nHost:");
  send_text(body, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc");
  EXPECT_TRUE(read_all(headers).starts_with("HTTP/1.1 408 "));
  EXPECT_TRUE(read_all(body).starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(refused(Refusal::kHeaderTime), 1U);
  EXPECT_EQ(refused(Refusal::kBodyTime), 1U);
}

TEST_F(Server, ClientThatDoesNotRead) {
  limits_.write_time = Duration{300};
  start([](Request&, Deferral&) {
    Response response;
    response.body = Buffer(8 << 20, 'a');
    return std::optional(response);
  });
  listen_unix();
  const Socket client = raw_unix();
  send_text(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(eventually([this] { return refused(Refusal::kWriteTime) == 1; }));
  EXPECT_TRUE(eventually([this] { return server_->counters().connections_active == 0; }));
}

TEST_F(Server, LargeAnswersArriveWhole) {
  start([](Request&, Deferral&) {
    Response response;
    response.body = Buffer(5 << 20, 'a');
    return std::optional(response);
  });
  listen_tls();
  listen_unix();
  EXPECT_EQ(tls_client()->send(get("/"), kPatience)->response.body.size(), std::size_t{5} << 20);
  EXPECT_EQ(unix_client()->send(get("/"), kPatience)->response.body.size(), std::size_t{5} << 20);
}

TEST_F(Server, RefusedUploadSeesItsAnswer) {
  limits_.body_bytes = 1000;
  start();
  listen_tls();
  auto client = tls_client();
  const auto exchange = client->send(post("/", std::string(3 << 20, 'a')), kPatience);
  ASSERT_TRUE(exchange.ok()) << exchange.error().message();
  EXPECT_EQ(exchange->response.status, 413U);
  EXPECT_EQ(client->send(post("/", "small"), kPatience)->response.status, 200U);
}

TEST_F(Server, DrainFinishesWhatWasBegun) {
  std::mutex mutex;
  std::vector<Answer> kept;
  start([&](Request&, Deferral& later) {
    const std::scoped_lock lock(mutex);
    kept.push_back(later.take());
    return std::optional<Response>();
  });
  listen_tls();
  const Socket silent = raw_tcp();
  std::thread caller([this] {
    const auto exchange = tls_client()->send(get("/"), kPatience);
    ASSERT_TRUE(exchange.ok()) << exchange.error().message();
    EXPECT_EQ(as_text(exchange->response.body), "done");
  });
  ASSERT_TRUE(eventually([&] {
    const std::scoped_lock lock(mutex);
    return kept.size() == 1;
  }));
  std::thread answerer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    kept[0].send(json_response(200, "done"));
  });
  EXPECT_TRUE(server_->drain(kPatience).ok());
  EXPECT_EQ(server_->counters().connections_active, 0U);
  caller.join();
  answerer.join();
  EXPECT_FALSE(tls_client()->send(get("/"), kPatience).ok());
  EXPECT_EQ(server_->listen(UnixListener{socket_path(), UnixUsers::everybody()}).error().code(), Code::kUnavailable);
}

TEST_F(Server, DrainEndsAtItsDeadline) {
  std::vector<Answer> kept;
  start([&kept](Request&, Deferral& later) {
    kept.push_back(later.take());
    return std::optional<Response>();
  });
  listen_unix();
  const Socket client = raw_unix();
  send_text(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(eventually([this] { return server_->counters().requests == 1; }));
  const Status drained = server_->drain(Duration{100});
  ASSERT_FALSE(drained.ok());
  EXPECT_EQ(drained.error().code(), Code::kUnavailable);
  EXPECT_EQ(read_all(client), "");
  EXPECT_EQ(server_->counters().connections_active, 0U);
}

TEST_F(Server, ReloadIsForNewConnections) {
  start();
  listen_unix();
  auto before = unix_client();
  ASSERT_TRUE(before->send(post("/", "12345"), kPatience).ok());
  Limits smaller = limits_;
  smaller.body_bytes = 3;
  const auto handler =
      std::make_shared<FunctionHandler>([](Request&, Deferral&) { return std::optional(problem(404)); });
  ASSERT_TRUE(server_->reload(smaller, handler).ok());
  EXPECT_EQ(before->send(post("/", "12345"), kPatience)->response.status, 200U);
  auto after = unix_client();
  EXPECT_EQ(after->send(post("/", "12345"), kPatience)->response.status, 413U);
  EXPECT_EQ(after->send(post("/", "123"), kPatience)->response.status, 404U);
  smaller.streams = 0;
  EXPECT_EQ(server_->reload(smaller, handler).error().code(), Code::kInvalid);
  EXPECT_EQ(server_->reload(limits_, nullptr).error().code(), Code::kInvalid);
}

TEST_F(Server, ManyClientsOverManyThreads) {
  constexpr int kClients = 4, kRequests = 100;
  start(echo, 3);
  listen_tls();
  std::vector<std::thread> clients;
  std::atomic<int> right{0};
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([this, i, &right] {
      auto client = tls_client({.id = "spiffe://acme.test/client-" + std::to_string(i)});
      for (int request = 0; request < kRequests; ++request) {
        const std::string body = std::to_string(i) + ":" + std::to_string(request);
        const auto exchange = client->send(post("/", body), kPatience);
        if (exchange.ok() && as_text(exchange->response.body) == body) ++right;
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(right, kClients * kRequests);
  const Counters counters = server_->counters();
  EXPECT_EQ(counters.requests, static_cast<std::uint64_t>(kClients * kRequests));
  EXPECT_EQ(counters.responses_by_class[2], counters.requests);
  EXPECT_EQ(counters.connections_accepted, static_cast<std::uint64_t>(kClients));
  EXPECT_EQ(counters.handshakes_done, static_cast<std::uint64_t>(kClients));
  std::uint64_t in_histogram = 0;
  for (const std::uint64_t bucket : counters.latency) in_histogram += bucket;
  EXPECT_EQ(in_histogram, counters.requests);
  EXPECT_GT(counters.bytes_in, counters.requests);
}

TEST_F(Server, ServerOnlyTlsByItsOwnType) {
  Sighting sighting;
  start(watch(sighting));
  const auto tls = ServerOnlyTls::create(credentials_).value();
  const auto port = server_->listen({"127.0.0.1", 0}, tls);
  ASSERT_TRUE(port.ok());
  port_ = port.value();
  EXPECT_TRUE(tls_client()->send(get("/"), kPatience).ok());
  EXPECT_FALSE(sighting.last()->peer);
  EXPECT_TRUE(sighting.last()->channel_binding);
}

TEST_F(Server, WhatItDoesNotListenOn) {
  start();
  listen_tls();
  const auto tls = testing::mutual_tls(authority_, authority_.issue());
  EXPECT_EQ(server_->listen({"127.0.0.1", port_}, tls).error().code(), Code::kUnavailable);
  EXPECT_EQ(server_->listen({"localhost", 0}, tls).error().code(), Code::kInvalid);
  EXPECT_EQ(server_->listen({"127.0.0.1", 0}, std::shared_ptr<const MutualTls>()).error().code(), Code::kInvalid);
  EXPECT_EQ(server_->listen({"127.0.0.1", 0}, std::shared_ptr<const ServerOnlyTls>()).error().code(), Code::kInvalid);
  EXPECT_EQ(server_->listen(UnixListener{folder_ / "absent/socket", UnixUsers::everybody()}).error().code(),
            Code::kNotFound);
}

TEST(ServerOptionsMissing, AreRefused) {
  const auto handler = std::make_shared<FunctionHandler>(echo);
  const Clock clock = [] { return testing::kTestTime; };
  EXPECT_EQ(HttpServer::create({.limits = {}, .clock = clock, .on_refusal = {}}, nullptr).error().code(),
            Code::kInvalid);
  EXPECT_EQ(HttpServer::create({.limits = {}, .clock = {}, .on_refusal = {}}, handler).error().code(), Code::kInvalid);
  Limits limits;
  limits.idle_time = Duration{0};
  EXPECT_EQ(HttpServer::create({.limits = limits, .clock = clock, .on_refusal = {}}, handler).error().code(),
            Code::kInvalid);
}

}  // namespace
}  // namespace cloister::net
