// Certificate timestamps: those of a foreign log, and what must be refused.
#include "probe/certificate/timestamps.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"
#include "tests/support/vectors.h"

namespace cloister::probe {
namespace {

using namespace cloister::testing;

class TimestampsTest : public ::testing::Test {
 protected:
  Bytes bytes(const char* name) { return value_of(from_base64(vectors_[name].get<std::string>())); }
  SeenCertificate certificate(const char* name) { return value_of(read_certificate(bytes(name))); }
  // As a list of one.
  SignedTimestamp timestamp(const char* name) {
    const Bytes one = unhex(vectors_[name].get<std::string>());
    const auto size = static_cast<std::uint8_t>(one.size());
    Bytes list{0, static_cast<std::uint8_t>(size + 2), 0, size};
    list.insert(list.end(), one.begin(), one.end());
    return value_of(parse_timestamps(list)).at(0);
  }

  const nlohmann::json vectors_ = load_json(Path(CLOISTER_SOURCE_DIR) / "tests/vectors/ct/timestamps.json");
  const crypto::PublicKey log_ = value_of(crypto::PublicKey::from_spki(bytes("log_key")));
};

TEST_F(TimestampsTest, OfACertificate) {
  EXPECT_TRUE(
      verify_timestamp(timestamp("certificate_timestamp_hex"), entry_of(certificate("certificate")), log_).ok());
}

TEST_F(TimestampsTest, Embedded) {
  const SeenCertificate leaf = certificate("embedded");
  const auto embedded = value_of(parse_timestamps(leaf.timestamps));
  ASSERT_EQ(embedded.size(), 1U);
  const LoggedEntry entry = value_of(precertificate_of(leaf, certificate("authority")));
  EXPECT_TRUE(verify_timestamp(embedded[0], entry, log_).ok());
  EXPECT_TRUE(verify_timestamp(timestamp("embedded_timestamp_hex"), entry, log_).ok());
}

TEST_F(TimestampsTest, EmbeddedForAnotherCertificate) {
  const SeenCertificate leaf = certificate("invalid_embedded");
  const auto embedded = value_of(parse_timestamps(leaf.timestamps));
  const LoggedEntry entry = value_of(precertificate_of(leaf, certificate("authority")));
  expect_refused(verify_timestamp(embedded.at(0), entry, log_), Code::kDenied, "isn't signed by its log");
}

TEST_F(TimestampsTest, AnotherIssuer) {
  const SeenCertificate leaf = certificate("embedded");
  const LoggedEntry entry = value_of(precertificate_of(leaf, leaf));
  expect_refused(verify_timestamp(timestamp("embedded_timestamp_hex"), entry, log_), Code::kDenied, "isn't signed");
}

TEST_F(TimestampsTest, AnotherTime) {
  SignedTimestamp late = timestamp("certificate_timestamp_hex");
  late.at.unix_ms += 1;
  expect_refused(verify_timestamp(late, entry_of(certificate("certificate")), log_), Code::kDenied, "isn't signed");
}

TEST_F(TimestampsTest, AnotherAlgorithm) {
  SignedTimestamp odd = timestamp("certificate_timestamp_hex");
  odd.hash = 2;  // SHA-1
  expect_refused(verify_timestamp(odd, entry_of(certificate("certificate")), log_), Code::kUnsupported, "SHA-256");
}

TEST_F(TimestampsTest, EveryTruncation) {
  const Bytes list = certificate("embedded").timestamps;
  for (std::size_t size = 0; size < list.size(); ++size) {
    EXPECT_FALSE(parse_timestamps(ByteView(list).first(size)).ok()) << size;
  }
  Bytes longer = list;
  longer.push_back(0);
  EXPECT_FALSE(parse_timestamps(longer).ok());
}

TEST_F(TimestampsTest, EmptyList) { EXPECT_FALSE(parse_timestamps(unhex("0000")).ok()); }

TEST_F(TimestampsTest, LaterVersionIsPassedOver) {
  EXPECT_TRUE(value_of(parse_timestamps(unhex("0004000201ff"))).empty());
}

TEST_F(TimestampsTest, TooMany) {
  Bytes list = unhex("00cf");
  for (int i = 0; i < 69; ++i) {
    for (const std::uint8_t byte : {0, 1, 1}) list.push_back(byte);
  }
  expect_refused(parse_timestamps(list), Code::kInvalid, "too many");
}

TEST_F(TimestampsTest, LeafIndexOfAStaticLog) {
  SignedTimestamp one;
  EXPECT_FALSE(one.leaf_index());
  one.extensions = unhex("0000050000000102");
  EXPECT_EQ(one.leaf_index(), 258U);
  one.extensions = unhex("000004000001");
  EXPECT_FALSE(one.leaf_index());
}

}  // namespace
}  // namespace cloister::probe
