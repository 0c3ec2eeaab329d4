// What a relay doesn't take: too many, too slow, too long; and how it is changed and ended while it works.
#include "mesh/relay/proxy_header.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/mesh/relay/relay_fixture.h"

namespace cloister::mesh {
namespace {

bool echoes(const net::Socket& client) { return send_all(client, "x") && receive(client, 1) == "x"; }

TEST(RelayLimits, TooManyConnections) {
  RelayPair pair(echo);
  pair.outbound.config.limits.connections = 2;
  pair.start();
  const net::Socket first = pair.connect(), second = pair.connect();
  EXPECT_TRUE(echoes(first) && echoes(second));
  EXPECT_FALSE(echoes(pair.connect()));
  EXPECT_EQ(pair.outbound.refused(RelayRefusal::kConnections), 1U);
}

TEST(RelayLimits, TooManyOfOnePeer) {
  RelayPair pair(echo);
  pair.inbound.config.limits.connections_per_peer = 1;
  pair.start();
  const net::Socket first = pair.connect();
  EXPECT_TRUE(echoes(first));
  EXPECT_FALSE(echoes(pair.connect()));
  EXPECT_EQ(pair.inbound.refused(RelayRefusal::kPeer), 1U);
}

TEST(RelayLimits, APlaceIsGivenBack) {
  RelayPair pair(echo);
  pair.inbound.config.limits.connections_per_peer = 1;
  pair.start();
  EXPECT_TRUE(echoes(pair.connect()));
  EXPECT_TRUE(eventually([&] { return pair.inbound.relay->counters().active == 0; }));
  EXPECT_TRUE(echoes(pair.connect()));
}

TEST(RelayLimits, TooManyOfOneAddress) {
  RelayPair pair(echo);
  pair.inbound.config.limits.connections_per_address = 1;
  pair.start();
  const net::Socket first = pair.connect();
  EXPECT_TRUE(echoes(first));
  EXPECT_FALSE(echoes(pair.connect()));
  EXPECT_EQ(pair.inbound.refused(RelayRefusal::kAddress), 1U);
}

TEST(RelayLimits, HandshakesThatDoNotEnd) {
  RelayPair pair(echo);
  pair.inbound.config.limits.handshakes = 3;
  pair.inbound.config.limits.handshake_time = Duration{300};
  pair.start();
  std::vector<net::Socket> silent;
  for (int i = 0; i < 5; ++i) silent.push_back(connect_to(loopback(pair.inbound.port())));
  EXPECT_TRUE(eventually([&] { return pair.inbound.refused(RelayRefusal::kHandshakes) == 2; }));
  EXPECT_TRUE(eventually([&] { return pair.inbound.refused(RelayRefusal::kTime) == 3; }));
  EXPECT_TRUE(echoes(pair.connect()));
}

TEST(RelayLimits, IdleForTooLong) {
  RelayPair pair(echo);
  pair.inbound.config.limits.idle_time = Duration{300};
  pair.start();
  const net::Socket client = pair.connect();
  EXPECT_TRUE(echoes(client));
  EXPECT_TRUE(receive(client).value_or("").empty());
  EXPECT_EQ(pair.inbound.ended(RelayEnd::kIdle), 1U);
}

TEST(RelayLimits, HalfOpenForTooLong) {
  RelayPair pair([](const net::Socket& client) {
    (void)receive(client);  // up to the client's end, and then nothing
    (void)receive(client);
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  });
  pair.inbound.config.limits.half_open_time = Duration{300};
  pair.start();
  const net::Socket client = pair.connect();
  ::shutdown(client.descriptor(), SHUT_WR);
  EXPECT_TRUE(eventually([&] { return pair.inbound.ended(RelayEnd::kIdle) == 1; }));
}

TEST(RelayLimits, ConnectionThatStandsForTooLong) {
  RelayPair pair(echo);
  pair.outbound.config.limits.connection_time = Duration{500};
  pair.start();
  const net::Socket client = pair.connect();
  while (echoes(client)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(pair.outbound.ended(RelayEnd::kTime), 1U);
}

TEST(RelayLimits, ConnectionEndsWithThePeersProof) {
  identity::AuthorityRules rules;
  rules.x509_svid_lifetime = seconds(1);
  RelayPair pair(echo, rules);
  pair.in().end_with_proof = true;
  pair.start();
  const net::Socket client = pair.connect();
  EXPECT_TRUE(echoes(client));
  EXPECT_TRUE(eventually([&] { return pair.inbound.ended(RelayEnd::kTime) == 1; }));
}

TEST(RelayChange, PeerThatIsNotAllowedAnyMore) {
  RelayPair pair(echo);
  pair.start();
  const net::Socket client = pair.connect();
  EXPECT_TRUE(echoes(client));
  RelayConfig next = pair.inbound.config;
  const std::string other = "spiffe://example.org/other";
  next.listeners.front().peers = value_of(AllowList::parse(std::span(&other, 1)));
  const std::uint16_t port = pair.inbound.port();
  ASSERT_TRUE(pair.inbound.relay->reload(next, pair.inbound.source).ok());
  EXPECT_EQ(pair.inbound.port(), port);
  EXPECT_TRUE(eventually([&] { return pair.inbound.ended(RelayEnd::kDisallowed) == 1; }));
  EXPECT_FALSE(echoes(pair.connect()));
}

TEST(RelayChange, OthersGoOn) {
  RelayPair pair(echo);
  pair.start();
  const net::Socket client = pair.connect();
  EXPECT_TRUE(echoes(client));
  RelayConfig next = pair.inbound.config;
  next.limits.idle_time = seconds(7);
  ListenerSettings more = next.listeners.front();
  more.name = "more";
  next.listeners.push_back(more);
  ASSERT_TRUE(pair.inbound.relay->reload(next, pair.inbound.source).ok());
  EXPECT_TRUE(echoes(client));
  EXPECT_TRUE(echoes(pair.connect()));
  EXPECT_NE(value_of(pair.inbound.relay->port_of("more")), pair.inbound.port());
}

TEST(RelayChange, AddressThatCantBeHad) {
  RelayPair pair(echo);
  pair.start();
  RelayConfig next = pair.inbound.config;
  ListenerSettings more = next.listeners.front();
  more.name = "more";
  more.listen.tcp.host = "192.0.2.1";  // none of this machine's
  next.listeners.push_back(more);
  next.listeners.front().peers = AllowList();
  expect_refused(pair.inbound.relay->reload(next, pair.inbound.source), Code::kUnavailable, "192.0.2.1");
  EXPECT_TRUE(echoes(pair.connect()));  // as it was
}

TEST(RelayChange, DrainLetsConnectionsFinish) {
  RelayPair pair(echo);
  pair.start();
  auto client = std::make_unique<net::Socket>(pair.connect());
  EXPECT_TRUE(echoes(*client));
  const std::uint16_t port = pair.outbound.port();
  std::thread later([&] {
    EXPECT_TRUE(eventually([&] {
      const net::Socket probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const net::SocketAddress address = loopback(port);
      return ::connect(probe.descriptor(), address.get(), address.size) != 0;
    }));
    EXPECT_TRUE(echoes(*client));
    client.reset();
  });
  EXPECT_TRUE(pair.outbound.relay->drain(seconds(20)).ok());
  later.join();
  EXPECT_EQ(pair.outbound.ended(RelayEnd::kFinished), 1U);
}

TEST(RelayChange, DrainWithoutPatience) {
  RelayPair pair(echo);
  pair.start();
  const net::Socket client = pair.connect();
  EXPECT_TRUE(echoes(client));
  expect_refused(pair.outbound.relay->drain(Duration{100}), Code::kUnavailable, "1 connections were cut");
  EXPECT_TRUE(receive(client).value_or("").empty());
}

TEST(RelaySockets, UnixOnBothSidesAndTheClientsName) {
  const testing::TempDir folder;
  RelayPair pair(echo);
  pair.out().listen = value_of(parse_relay_address("unix:" + (folder / "out.sock").string()));
  pair.in().proxy_header = true;
  pair.start();
  const net::Socket client = connect_to(value_of(net::unix_address(folder / "out.sock")));
  EXPECT_TRUE(send_all(client, "x"));
  const auto header = receive(client, 16);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->substr(0, 12), std::string("\r\n\r\n\0\r\nQUIT\n", 12));
  const std::size_t size = static_cast<std::size_t>(static_cast<std::uint8_t>(header->at(14))) << 8 |
                           static_cast<std::uint8_t>(header->at(15));
  const auto rest = receive(client, size);
  EXPECT_NE(rest.value_or("").find("spiffe://example.org/gateway"), std::string::npos);
  EXPECT_EQ(receive(client, 1), "x");
}

TEST(RelayReceipts, BothEndsSayTheSame) {
  RecordedReceipts server, client;
  RelayPair pair(echo);
  pair.inbound.receipts = &server;
  pair.outbound.receipts = &client;
  pair.start();
  {
    const net::Socket socket = pair.connect();
    EXPECT_TRUE(echoes(socket));
    pair.inbound.source->replace(snapshot_of(pair.realm, kServer));  // the one that was shown signs
    ::shutdown(socket.descriptor(), SHUT_WR);
    EXPECT_EQ(receive(socket), "");
  }
  ASSERT_TRUE(eventually([&] { return server.size() == 1 && client.size() == 1; }));
  const ConnectionFacts &in = server.all[0].facts, &out = client.all[0].facts;
  EXPECT_EQ(in.role, ReceiptRole::kServer);
  EXPECT_EQ(in.exporter, out.exporter);
  EXPECT_NE(in.exporter, net::ChannelBinding{});
  EXPECT_EQ(in.peer_id, kClient);
  EXPECT_EQ(out.peer_id, kServer);
  EXPECT_EQ(out.peer_leaf, server.all[0].own->svid().leaf().fingerprint());
  EXPECT_EQ(in.sent, out.received);
  EXPECT_EQ(out.sent, 1U);
  EXPECT_EQ(in.local, out.remote);
  EXPECT_TRUE(in.orderly && out.orderly);
}

TEST(RelayReceipts, NoneForWhomNobodyLetIn) {
  RecordedReceipts server, client;
  RelayPair pair(echo);
  pair.inbound.receipts = &server;
  pair.outbound.receipts = &client;
  pair.in().peers = AllowList();
  pair.start();
  (void)receive(pair.connect());
  EXPECT_TRUE(eventually([&] { return pair.outbound.relay->counters().active == 0; }));
  EXPECT_EQ(server.size() + client.size(), 0U);
}

}  // namespace
}  // namespace cloister::mesh
