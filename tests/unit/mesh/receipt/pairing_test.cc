// Two halves make a proof only when they tell the same story.
#include "mesh/receipt/pairing.h"

#include "tests/unit/mesh/receipt/fixture.h"

namespace cloister::mesh {
namespace {

class PairingTest : public ::testing::Test {
 protected:
  PairedConnection pair(const ConnectionFacts& client, const ConnectionFacts& server) {
    auto connections = pair_receipts({ends_.receipt(server), ends_.receipt(client)}, ends_.realm.bundles());
    EXPECT_EQ(connections.size(), 1u);
    return connections.front();
  }

  Ends ends_;
  ConnectionFacts client_ = ends_.facts(ReceiptRole::kClient), server_ = ends_.facts(ReceiptRole::kServer);
};

TEST_F(PairingTest, BothEnds) {
  const PairedConnection connection = pair(client_, server_);
  EXPECT_EQ(connection.pairing, Pairing::kProven) << connection.why;
  ASSERT_EQ(connection.halves.size(), 2u);
  EXPECT_EQ(connection.halves[0].facts.role, ReceiptRole::kClient);
}

TEST_F(PairingTest, OneEndAlone) {
  const auto connections = pair_receipts({ends_.receipt(client_)}, ends_.realm.bundles());
  ASSERT_EQ(connections.size(), 1u);
  EXPECT_EQ(connections[0].pairing, Pairing::kOneSided);
  EXPECT_EQ(connections[0].why, "there is no receipt of spiffe://example.org/store");
}

// Somebody in the middle ends two TLS connections: their exporters differ.
TEST_F(PairingTest, TwoExportersNeverPair) {
  server_.exporter.fill(8);
  const auto connections = pair_receipts({ends_.receipt(client_), ends_.receipt(server_)}, ends_.realm.bundles());
  ASSERT_EQ(connections.size(), 2u);
  EXPECT_EQ(connections[0].pairing, Pairing::kOneSided);
  EXPECT_EQ(connections[1].pairing, Pairing::kOneSided);
}

TEST_F(PairingTest, HalvesThatDisagree) {
  const auto contradicts = [&](const ConnectionFacts& client, const ConnectionFacts& server) {
    const PairedConnection connection = pair(client, server);
    EXPECT_EQ(connection.pairing, Pairing::kContradictory);
    EXPECT_FALSE(connection.why.empty());
  };
  ConnectionFacts other = client_;
  other.peer_leaf.fill(1);
  contradicts(other, server_);
  other = server_;
  other.peer_id = "spiffe://example.org/somebody";
  contradicts(client_, other);
  other = server_;
  other.cipher = "TLS_AES_128_GCM_SHA256";
  contradicts(client_, other);
  other = server_;
  other.received = 11;
  contradicts(client_, other);
  other = server_;
  other.received = 9;
  contradicts(client_, other);
  other = server_;
  other.begun = kNow + minutes(30);
  other.ended = other.begun;
  contradicts(client_, other);
}

// Bytes may be under way when a connection is cut.
TEST_F(PairingTest, CutConnectionsMayLoseBytes) {
  client_.orderly = false;
  server_.received = 9;
  EXPECT_EQ(pair(client_, server_).pairing, Pairing::kProven);
}

TEST_F(PairingTest, TheSameHalfTwice) {
  const auto connections =
      pair_receipts({ends_.receipt(client_), ends_.receipt(client_), ends_.receipt(server_)}, ends_.realm.bundles());
  ASSERT_EQ(connections.size(), 1u);
  EXPECT_EQ(connections[0].pairing, Pairing::kContradictory);
}

TEST_F(PairingTest, AHalfThatDoesNotVerify) {
  const auto connections = pair_receipts({ends_.receipt(client_), ends_.receipt(server_)}, {});
  ASSERT_EQ(connections.size(), 1u);
  EXPECT_EQ(connections[0].pairing, Pairing::kContradictory);
}

}  // namespace
}  // namespace cloister::mesh
