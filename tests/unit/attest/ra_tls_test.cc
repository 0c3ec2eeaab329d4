#include "attest/ra_tls.h"

#include <gtest/gtest.h>

#include "attest/verifier.h"
#include "base/cbor.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"
#include "tests/support/simulated_intel.h"

namespace cloister::attest {
namespace {

using namespace cloister::testing;

constexpr std::string_view kInteroperable = "678105050409";
constexpr std::string_view kGramine = "06092a864886f84d8a3906";

Bytes claims_of(const crypto::PublicKey& key, std::uint64_t algorithm = 1, bool nonce = false) {
  CborWriter hashed;
  hashed.array(2).unsigned_integer(algorithm).bytes(crypto::sha256(key.spki()));
  CborWriter claims;
  claims.map(nonce ? 2 : 1);
  if (nonce) claims.text("nonce").bytes(Bytes(8, 7));
  claims.text("pubkey-hash").bytes(hashed.take());
  return claims.take();
}

Bytes tagged(ByteView quote, ByteView claims) {
  Bytes bytes = unhex("d9ea60");
  CborWriter parts;
  parts.array(2).bytes(quote).bytes(claims);
  const Bytes rest = parts.take();
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  return bytes;
}

// A certificate of the key of seed 1000, with that in an extension.
crypto::Certificate carrying(std::string_view oid, ByteView value) {
  TestAuthority authority(1);
  return authority.issue({.more = raw_extension(oid, crypto::Critical::kNo, value)});
}

const crypto::PublicKey& own_key() {
  static const crypto::PublicKey key = key_of_seed(1000).public_key();
  return key;
}

TEST(RaTls, QuoteAndWhatItMustCarry) {
  SimulatedIntel platform(Kind::kSgx, 3);
  const Bytes claims = claims_of(own_key());
  const auto digest = crypto::sha256(claims);
  std::fill_n(platform.body.begin() + enclave_body::kReportData, 64, std::uint8_t{0});
  std::copy(digest.begin(), digest.end(), platform.body.begin() + enclave_body::kReportData);
  const auto read = value_of(read_ra_tls(carrying(kInteroperable, tagged(platform.quote(), claims))));
  EXPECT_EQ(read.evidence, platform.evidence());
  EXPECT_FALSE(read.nonce);
  const Collateral collateral = platform.collateral();
  const Anchors anchors = platform.anchors();
  Question question = platform.question(collateral, anchors);
  question.report_data = read.report_data;
  EXPECT_TRUE(verify(read.evidence, question).sound());
}

TEST(RaTls, Nonce) {
  SimulatedIntel platform(Kind::kTdx, 4);
  const Bytes value = tagged(platform.quote(), claims_of(own_key(), 1, true));
  EXPECT_EQ(value_of(read_ra_tls(carrying(kInteroperable, value))).nonce, Bytes(8, 7));
}

TEST(RaTls, ClaimsOfAnotherKey) {
  SimulatedIntel platform(Kind::kSgx, 3);
  const Bytes value = tagged(platform.quote(), claims_of(key_of_seed(1001).public_key()));
  expect_refused(read_ra_tls(carrying(kInteroperable, value)), Code::kDenied, "another key");
}

TEST(RaTls, GraminesOwn) {
  SimulatedIntel platform(Kind::kSgx, 3);
  const auto read = value_of(read_ra_tls(carrying(kGramine, platform.quote())));
  EXPECT_EQ(read.evidence, platform.evidence());
  EXPECT_EQ(read.report_data, to_bytes(crypto::sha256(own_key().spki())));
}

TEST(RaTls, MalformedOrOfAnotherKind) {
  SimulatedIntel platform(Kind::kSgx, 3);
  const Bytes quote = platform.quote();
  const Bytes good = tagged(quote, claims_of(own_key()));
  const Bytes without_tag(good.begin() + 3, good.end());
  Bytes longer = good;
  longer.push_back(0);
  for (const Bytes& value : {Bytes(), without_tag, longer, tagged(quote, Bytes{0xA0}), tagged(quote, Bytes{0x80}),
                             tagged(quote, claims_of(own_key(), 7))}) {
    expect_refused(read_ra_tls(carrying(kInteroperable, value)), Code::kInvalid, "malformed");
  }
  expect_refused(read_ra_tls(carrying(kInteroperable, tagged(Bytes(64, 1), claims_of(own_key())))), Code::kUnsupported,
                 "isn't a quote");
  expect_refused(read_ra_tls(carrying(kGramine, Bytes(64, 1))), Code::kUnsupported, "isn't a quote");
  TestAuthority authority(1);
  expect_refused(read_ra_tls(authority.issue()), Code::kNotFound, "carries no evidence");
}

TEST(RaTls, CertificatesAreRecognised) {
  SimulatedIntel platform(Kind::kSgx, 3);
  const std::string pem = carrying(kGramine, platform.quote()).to_pem();
  EXPECT_EQ(value_of(recognise(as_bytes(pem))).primary, platform.evidence());
  TestAuthority authority(1);
  EXPECT_FALSE(recognise(as_bytes(authority.issue().to_pem())).ok());
}

}  // namespace
}  // namespace cloister::attest
