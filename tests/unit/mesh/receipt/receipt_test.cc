// One half: what is signed is what is read, and nothing else is a receipt.
#include "base/base64.h"
#include "crypto/jws.h"
#include "tests/unit/mesh/receipt/fixture.h"

namespace cloister::mesh {
namespace {

std::string signed_over(const std::string& payload, const identity::Snapshot& own,
                        const std::string& type = "cloister-receipt+jws") {
  crypto::MemorySigner signer(own.key().duplicate());
  return value_of(crypto::sign_jws({crypto::JwsAlgorithm::kEs256, std::nullopt, type}, as_bytes(payload), signer));
}

std::string payload_of(const std::string& token) {
  return std::string(as_text(value_of(crypto::Jws::parse(token)).unverified_payload()));
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(ReceiptTest, ReadsWhatWasSigned) {
  const Ends ends;
  ConnectionFacts facts = ends.facts(ReceiptRole::kServer);
  facts.orderly = false;
  ReceiptPlace place;
  place.log.fill(9);
  place.sequence = 41;
  place.previous.fill(3);
  const Receipt receipt = value_of(parse_receipt(value_of(sign_receipt(facts, place, *ends.server))));
  EXPECT_EQ(receipt.own_id.uri(), "spiffe://example.org/store");
  EXPECT_EQ(receipt.facts.peer_id, "spiffe://example.org/trainer");
  EXPECT_EQ(receipt.facts.exporter, facts.exporter);
  EXPECT_EQ(receipt.facts.peer_leaf, facts.peer_leaf);
  EXPECT_EQ(receipt.facts.role, ReceiptRole::kServer);
  EXPECT_EQ(receipt.facts.ended, facts.ended);
  EXPECT_EQ(receipt.facts.sent, 20u);
  EXPECT_FALSE(receipt.facts.orderly);
  EXPECT_EQ(receipt.place.sequence, 41u);
  EXPECT_EQ(receipt.place.log, place.log);
  EXPECT_EQ(receipt.place.previous, place.previous);
  EXPECT_TRUE(verify_receipt(receipt, ends.realm.bundles()).ok());
}

TEST(ReceiptTest, KeysOnP384SignToo) {
  const Ends ends(crypto::KeyType::kEcP384);
  const Receipt receipt = ends.receipt(ends.facts(ReceiptRole::kClient));
  EXPECT_TRUE(verify_receipt(receipt, ends.realm.bundles()).ok());
}

TEST(ReceiptTest, AnotherKeyThanTheLeafs) {
  const Ends ends;
  const std::string token = value_of(sign_receipt(ends.facts(ReceiptRole::kClient), {}, *ends.client));
  const Receipt forged = value_of(parse_receipt(signed_over(payload_of(token), *ends.server)));
  expect_refused(verify_receipt(forged, ends.realm.bundles()), Code::kCorrupt, "signature");
}

TEST(ReceiptTest, AnAuthorityThatNobodyTrusts) {
  const Ends ends;
  const identity::Realm stranger("example.org", 99);
  const Receipt receipt = ends.receipt(ends.facts(ReceiptRole::kClient));
  expect_refused(verify_receipt(receipt, stranger.bundles()), Code::kDenied, "");
  expect_refused(verify_receipt(receipt, {}), Code::kDenied, "bundle");
}

TEST(ReceiptTest, AHandshakeOutsideTheCertificatesTime) {
  const Ends ends;
  ConnectionFacts facts = ends.facts(ReceiptRole::kClient);
  facts.begun = kNow + days(400);
  facts.ended = facts.begun;
  expect_refused(verify_receipt(ends.receipt(facts), ends.realm.bundles()), Code::kExpired, "");
}

// A long connection may end after its certificate: what counts is the handshake.
TEST(ReceiptTest, AConnectionMayOutliveItsCertificate) {
  const Ends ends;
  ConnectionFacts facts = ends.facts(ReceiptRole::kClient);
  facts.ended = kNow + days(400);
  EXPECT_TRUE(verify_receipt(ends.receipt(facts), ends.realm.bundles()).ok());
}

TEST(ReceiptTest, OneSpelling) {
  const Ends ends;
  const std::string payload = payload_of(value_of(sign_receipt(ends.facts(ReceiptRole::kClient), {}, *ends.client)));
  const std::pair<std::string, std::string> changes[] = {
      {"\"version\":1", "\"version\":2"},
      {"\"role\":\"client\"", "\"role\":\"both\""},
      {"\"orderly\":true", "\"orderly\":1"},
      {"\"sent\":10", "\"sent\":-1"},
      {"\"sent\":10", "\"sent\":10.0"},
      {"\"sent\":10", "\"sent\": 10"},
      {"\"sent\":10,", "\"sent\":10,\"more\":1,"},
      {"\"exporter\":\"07", "\"exporter\":\"7"},
      {"\"peer_id\":\"spiffe:", "\"peer_id\":\"SPIFFE:"},
      {"\"peer_id\":\"spiffe://example.org/", "\"peer_id\":\"https://example.org/"},
      {"\"cipher\":\"TLS_AES", "\"cipher\":\"TLS AES"},
      {"\"own_id\":\"spiffe://example.org/trainer", "\"own_id\":\"spiffe://example.org/store"},
      {"\"log\":\"", "\"log\":\"0"},
      {"/0\",\"previous\"", "/00\",\"previous\""},
      {"Z\",\"sent\"", "+00:00\",\"sent\""},
      {"\"svid\":[", "\"svid\":[\"AAAA\","},
  };
  for (const auto& [from, to] : changes) {
    expect_refused(parse_receipt(signed_over(replaced(payload, from, to), *ends.client)), Code::kInvalid, "no receipt");
  }
  expect_refused(parse_receipt(signed_over(payload, *ends.client, "JWT")), Code::kInvalid, "type");
  expect_refused(parse_receipt(signed_over("[]", *ends.client)), Code::kInvalid, "no receipt");
  expect_refused(parse_receipt(""), Code::kInvalid, "no receipt");
  EXPECT_TRUE(parse_receipt(signed_over(payload, *ends.client)).ok());
}

TEST(ReceiptTest, FactsThatCannotBeWrittenDown) {
  const Ends ends;
  ConnectionFacts facts = ends.facts(ReceiptRole::kClient);
  facts.peer_id = "trainer";
  expect_refused(sign_receipt(facts, {}, *ends.client), Code::kInvalid, "no receipt");
  facts = ends.facts(ReceiptRole::kClient);
  facts.remote = "a b";
  expect_refused(sign_receipt(facts, {}, *ends.client), Code::kInvalid, "no receipt");
}

}  // namespace
}  // namespace cloister::mesh
