#include "mesh/relay/relay.h"

#include "net/tls_session.h"
#include "tests/unit/mesh/relay/relay_fixture.h"

namespace cloister::mesh {
namespace {

std::string noise(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& c : text) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return text;
}

TEST(Relay, CarriesBytesBothWays) {
  RelayPair pair(echo);
  pair.start();
  const net::Socket client = pair.connect();
  const std::string sent = noise(5 << 20);
  std::thread writer([&] {
    EXPECT_TRUE(send_all(client, sent));
    ::shutdown(client.descriptor(), SHUT_WR);
  });
  const auto received = receive(client);
  writer.join();
  EXPECT_TRUE(received == sent);
  EXPECT_TRUE(eventually([&] { return pair.inbound.ended(RelayEnd::kFinished) == 1; }));
  EXPECT_TRUE(eventually([&] { return pair.outbound.ended(RelayEnd::kFinished) == 1; }));
  const EndedConnection ended = pair.inbound.events.ended().at(0);
  EXPECT_EQ(ended.peer_id, kClient);
  EXPECT_EQ(ended.received, sent.size());
  EXPECT_EQ(ended.sent, sent.size());
  EXPECT_EQ(ended.group, "X25519MLKEM768");
  EXPECT_EQ(pair.inbound.relay->counters().active, 0U);
}

TEST(Relay, ClientThatOnlySaysItIsDone) {
  RelayPair pair([](const net::Socket& client) {
    const auto question = receive(client);
    EXPECT_EQ(question, "question");
    EXPECT_TRUE(send_all(client, "answer"));
  });
  pair.start();
  const net::Socket client = pair.connect();
  EXPECT_TRUE(send_all(client, "question"));
  ::shutdown(client.descriptor(), SHUT_WR);
  EXPECT_EQ(receive(client), "answer");
}

TEST(Relay, WorkloadThatFinishesFirst) {
  std::optional<std::string> late;
  RelayPair pair([&](const net::Socket& client) {
    EXPECT_TRUE(send_all(client, "hello"));
    ::shutdown(client.descriptor(), SHUT_WR);
    late = receive(client);
  });
  pair.start();
  {
    const net::Socket client = pair.connect();
    EXPECT_EQ(receive(client), "hello");
    EXPECT_TRUE(send_all(client, "still here"));
  }
  EXPECT_TRUE(eventually([&] { return pair.inbound.ended(RelayEnd::kFinished) == 1; }));
  EXPECT_EQ(late, "still here");
}

TEST(Relay, PlaintextWhereTlsBelongs) {
  RelayPair pair(echo);
  pair.start();
  for (const std::string_view text : {"GET / HTTP/1.1\r\n\r\n", "\x15\x03\x01", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}) {
    const net::Socket client = connect_to(loopback(pair.inbound.port()));
    send_all(client, text);
    EXPECT_TRUE(receive(client).value_or("").empty());
  }
  EXPECT_EQ(pair.inbound.refused(RelayRefusal::kPlaintext), 3U);
  EXPECT_EQ(pair.workload.connections(), 0U);
}

TEST(Relay, GarbageThatBeginsLikeTls) {
  RelayPair pair(echo);
  pair.start();
  const net::Socket client = connect_to(loopback(pair.inbound.port()));
  send_all(client, std::string("\x16\x03\x01\x00\x05hello", 10));
  (void)receive(client);
  EXPECT_TRUE(eventually([&] { return pair.inbound.refused(RelayRefusal::kTls) == 1; }));
  EXPECT_EQ(pair.workload.connections(), 0U);
}

TEST(Relay, PeerThatIsNotAllowed) {
  RelayPair pair(echo);
  const std::string other = "spiffe://example.org/other";
  pair.in().peers = value_of(AllowList::parse(std::span(&other, 1)));
  pair.start();
  const net::Socket client = pair.connect();
  send_all(client, "let me in");
  EXPECT_TRUE(receive(client).value_or("").empty());
  EXPECT_TRUE(eventually([&] { return pair.inbound.refused(RelayRefusal::kIdentity) == 1; }));
  EXPECT_TRUE(eventually([&] { return pair.outbound.refused(RelayRefusal::kByPeer) == 1; }));
  EXPECT_EQ(pair.workload.connections(), 0U);
  EXPECT_NE(pair.inbound.events.refused().at(0).detail.find("isn't allowed here"), std::string::npos);
}

TEST(Relay, AllowsNobodyUnlessItIsWritten) {
  RelayPair pair(echo);
  pair.in().peers = AllowList();
  pair.start();
  EXPECT_TRUE(receive(pair.connect()).value_or("").empty());
  EXPECT_EQ(pair.workload.connections(), 0U);
}

TEST(Relay, ServerThatIsNotExpected) {
  RelayPair pair(echo);
  const std::string other = "spiffe://example.org/other";
  pair.out().peers = value_of(AllowList::parse(std::span(&other, 1)));
  pair.start();
  const net::Socket client = pair.connect();
  EXPECT_FALSE(receive(client).has_value());  // reset: no proper end
  EXPECT_EQ(pair.outbound.refused(RelayRefusal::kIdentity), 1U);
  EXPECT_EQ(pair.workload.connections(), 0U);
}

TEST(Relay, PeerOfAForeignTrustDomain) {
  RelayPair pair(echo);
  identity::Realm foreign("example.com", 20);
  pair.outbound.source->replace(
      value_of(identity::Snapshot::create(foreign.issue("spiffe://example.com/gateway"), testing::key_of_seed(1000),
                                          foreign.bundles().with(pair.realm.rotation.bundle()), testing::kNow)));
  pair.start();
  (void)receive(pair.connect());
  EXPECT_TRUE(eventually([&] { return pair.inbound.refused(RelayRefusal::kIdentity) == 1; }));
}

TEST(Relay, KeyExchangeThatIsNotQuantumSafe) {
  RelayPair pair(echo);
  pair.in().key_exchange = net::StreamOptions::KeyExchange::kHybridRequired;
  pair.out().key_exchange = net::StreamOptions::KeyExchange::kClassical;
  pair.start();
  EXPECT_TRUE(receive(pair.connect()).value_or("").empty());
  EXPECT_TRUE(eventually([&] { return pair.inbound.refused(RelayRefusal::kTls) == 1; }));
  EXPECT_EQ(pair.workload.connections(), 0U);
}

TEST(Relay, WorkloadThatIsAway) {
  RelayPair pair(echo);
  std::uint16_t nobody = 0;
  {
    const Workload gone(echo);
    nobody = gone.port();
  }
  pair.in().targets.front().tcp.port = nobody;
  pair.start();
  const net::Socket client = pair.connect();
  EXPECT_FALSE(receive(client).has_value());
  EXPECT_EQ(pair.inbound.refused(RelayRefusal::kTarget), 1U);
}

TEST(Relay, TheNextTargetWhereOneIsAway) {
  RelayPair pair(echo);
  pair.in().targets.insert(pair.in().targets.begin(), value_of(parse_relay_address("127.0.0.1:1")));
  pair.start();
  const net::Socket client = pair.connect();
  EXPECT_TRUE(send_all(client, "x"));
  EXPECT_EQ(receive(client, 1), "x");
}

TEST(Relay, ResetIsNoProperEnd) {
  std::optional<std::string> seen = "not yet";
  RelayPair pair([&](const net::Socket& client) { seen = receive(client); });
  pair.start();
  {
    const net::Socket client = pair.connect();
    EXPECT_TRUE(send_all(client, "half a mess"));
    EXPECT_TRUE(eventually([&] { return pair.inbound.relay->counters().received == 11; }));
    const linger at_once{1, 0};
    ::setsockopt(client.descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  EXPECT_TRUE(eventually([&] { return pair.inbound.ended(RelayEnd::kBroken) == 1; }));
  EXPECT_TRUE(eventually([&] { return !seen.has_value(); }));
  EXPECT_EQ(pair.outbound.ended(RelayEnd::kReset), 1U);
}

// What a thief on the way could do: cut the connection, and have it look complete.
TEST(Relay, TlsCutWithoutAGoodbye) {
  std::optional<std::string> seen = "not yet";
  RelayPair pair([&](const net::Socket& client) { seen = receive(client); });
  pair.start();
  {
    TlsClient client(pair.outbound.source, pair.inbound.port());
    ASSERT_EQ(client.shake(), TlsClient::Outcome::kDone);
    client.write("half a mess");
    EXPECT_TRUE(eventually([&] { return pair.inbound.relay->counters().received == 11; }));
  }
  EXPECT_TRUE(eventually([&] { return pair.inbound.ended(RelayEnd::kBroken) == 1; }));
  EXPECT_TRUE(eventually([&] { return !seen.has_value(); }));
}

TEST(Relay, ProtocolsThatAreNotSpokenHere) {
  RelayPair pair(echo);
  pair.in().protocols = {"h2", "http/1.1"};
  pair.start();
  TlsClient ours(pair.outbound.source, pair.inbound.port(), {"http/1.1"}),
      others(pair.outbound.source, pair.inbound.port(), {"mqtt"});
  ASSERT_EQ(ours.shake(), TlsClient::Outcome::kDone);
  EXPECT_EQ(ours.session->protocol(), "http/1.1");
  EXPECT_EQ(others.shake(), TlsClient::Outcome::kFailed);
}

TEST(Relay, CertificatesAreReplacedUnderTraffic) {
  RelayPair pair(echo);
  pair.start();
  const net::Socket old = pair.connect();
  EXPECT_TRUE(send_all(old, "a"));
  EXPECT_EQ(receive(old, 1), "a");
  pair.inbound.source->replace(snapshot_of(pair.realm, kServer));
  pair.outbound.source->replace(snapshot_of(pair.realm, kClient));
  EXPECT_TRUE(send_all(old, "b"));
  EXPECT_EQ(receive(old, 1), "b");
  const net::Socket fresh = pair.connect();
  EXPECT_TRUE(send_all(fresh, "c"));
  EXPECT_EQ(receive(fresh, 1), "c");
  EXPECT_EQ(pair.inbound.relay->counters().active, 2U);
}

// A workload that doesn't read holds its client back, and costs the relays no memory.
TEST(Relay, WorkloadThatDoesNotRead) {
  std::atomic<bool> reads{false};
  std::atomic<std::size_t> total{0};
  RelayPair pair([&](const net::Socket& client) {
    while (!reads) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    total = receive(client).value_or("").size();
  });
  pair.start();
  std::size_t sent = 0;
  {
    const net::Socket client = pair.connect();
    const std::string some(64 << 10, 'x');
    for (int waits = 0; waits < 20 && sent < (256u << 20);) {
      const ssize_t count = ::send(client.descriptor(), some.data(), some.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count > 0) sent += static_cast<std::size_t>(count);
      if (count > 0) waits = 0;
      if (count < 0) ++waits, std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_LT(sent, 128u << 20);
    reads = true;
  }
  EXPECT_TRUE(eventually([&] { return total == sent; })) << total << " of " << sent;
}

}  // namespace
}  // namespace cloister::mesh
