#include "crypto/cose_sign1.h"

#include <gtest/gtest.h>

#include "base/cbor.h"
#include "tests/support/certificates.h"
#include "tests/support/cose_maker.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"

namespace cloister::crypto {
namespace {

using cloister::testing::CoseTag;
using cloister::testing::expect_refused;
using cloister::testing::key_of_seed;
using cloister::testing::make_cose_key;
using cloister::testing::make_cose_sign1;
using cloister::testing::unhex;
using cloister::testing::value_of;

const Bytes kPayload = to_bytes(as_bytes("what was measured"));

// RFC 9052 C.2.1.
constexpr std::string_view kRfcMessage =
    "d28443a10126a10442313154546869732069732074686520636f6e74656e742e58408eb33e4ca31d1c465ab05aac34cc6b23d58fef5c0831"
    "06c4d25a91aef0b0117e2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36";
constexpr std::string_view kRfcX = "bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff";
constexpr std::string_view kRfcY = "20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e";

// Made with the Python package cryptography.
constexpr std::string_view kEs512Message =
    "8444a1013823a0433532315884007716b5dfeef2f3ac869c4aee1c3f9759706554be52acbcf3d323a6d32f22c5fc3032de6474c65f30e328"
    "147aa4a596f5bd935efc65f51a41752b377479ae4f343201d3fa8c34dce6b29c22a6abab5d4cedbeb2fbcb73552ca3c13eb6011cfbfb4fec"
    "47486c04fd6814cb036b1a061ce145969baa05502fe7d8ed9bfbc50d608bcb2d73";
constexpr std::string_view kEs512X =
    "00bf10c3fe7b2592e58a2ad385e864960a4196dcf50f729845ca4eb16d65426d1b2043874318eb47dadf8dfac3e4adfbcb2ee83cec08878d"
    "919db254f4426e222585";
constexpr std::string_view kEs512Y =
    "010de825cdd737ca0890bb15d199cdc1b7c7ee538a43371cddf7de48d8f94dc1373cc60343058350aeb9bd30b11fc42df9fffe3e403887a6"
    "b85e137e25d0ff94769d";

TEST(CoseSign1, OthersMessages) {
  const Bytes rfc = unhex(kRfcMessage);
  const CoseSign1 es256 = value_of(CoseSign1::parse(rfc));
  EXPECT_EQ(es256.algorithm(), SignatureAlgorithm::kEcdsaSha256);
  const PublicKey p256 = value_of(PublicKey::from_ec_point(KeyType::kEcP256, unhex(kRfcX), unhex(kRfcY)));
  EXPECT_EQ(as_text(value_of(es256.verified_payload(p256))), "This is the content.");
  const Bytes large = unhex(kEs512Message);
  const CoseSign1 es512 = value_of(CoseSign1::parse(large));
  const PublicKey p521 = value_of(PublicKey::from_ec_point(KeyType::kEcP521, unhex(kEs512X), unhex(kEs512Y)));
  EXPECT_EQ(as_text(value_of(es512.verified_payload(p521))), "521");
  expect_refused(es512.verified_payload(p256), Code::kInvalid, "doesn't sign");
}

TEST(CoseSign1, WithAndWithoutTag) {
  const PrivateKey key = key_of_seed(1, KeyType::kEcP384);
  for (const CoseTag tag : {CoseTag::kYes, CoseTag::kNo}) {
    const Bytes bytes = make_cose_sign1(key, kPayload, {.tag = tag});
    const CoseSign1 cose = value_of(CoseSign1::parse(bytes));
    EXPECT_EQ(cose.algorithm(), SignatureAlgorithm::kEcdsaSha384);
    EXPECT_EQ(cose.key_type(), KeyType::kEcP384);
    EXPECT_TRUE(equal(cose.unverified_payload(), kPayload));
    EXPECT_TRUE(equal(value_of(cose.verified_payload(key.public_key())), kPayload));
  }
  Bytes other_tag = make_cose_sign1(key, kPayload);
  other_tag[0] = 0xD1;
  expect_refused(CoseSign1::parse(other_tag), Code::kInvalid, "outline");
}

TEST(CoseSign1, AnotherKeyOrCurve) {
  const Bytes bytes = make_cose_sign1(key_of_seed(1), kPayload);
  const CoseSign1 cose = value_of(CoseSign1::parse(bytes));
  expect_refused(cose.verified_payload(key_of_seed(2).public_key()), Code::kCorrupt, "signature");
  expect_refused(cose.verified_payload(key_of_seed(1, KeyType::kEcP384).public_key()), Code::kInvalid, "doesn't sign");
}

TEST(CoseSign1, EveryFlippedByte) {
  const PrivateKey key = key_of_seed(1);
  const Bytes good = make_cose_sign1(key, kPayload);
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bytes = good;
    bytes[i] ^= 1;
    const auto cose = CoseSign1::parse(bytes);
    EXPECT_FALSE(cose.ok() && cose->verified_payload(key.public_key()).ok()) << i;
  }
}

TEST(CoseSign1, SignatureOfAnotherLength) {
  const PrivateKey key = key_of_seed(1);
  Bytes bytes = make_cose_sign1(key, kPayload);
  bytes.pop_back();
  bytes[bytes.size() - 64] = 63;
  const CoseSign1 cose = value_of(CoseSign1::parse(bytes));
  expect_refused(cose.verified_payload(key.public_key()), Code::kCorrupt, "wrong length");
}

TEST(CoseSign1, RAndSOfZero) {
  const PrivateKey key = key_of_seed(1);
  Bytes bytes = make_cose_sign1(key, kPayload);
  std::fill(bytes.end() - 64, bytes.end(), std::uint8_t{0});
  const CoseSign1 cose = value_of(CoseSign1::parse(bytes));
  expect_refused(cose.verified_payload(key.public_key()), Code::kCorrupt, "signature");
}

TEST(CoseSign1, AlgorithmThatIsUnknownMissingOrNotSigned) {
  const PrivateKey key = key_of_seed(1);
  for (const char* headers : {"a10127", "a1013824", "a10100", "a1016545533235", "a0", "a2012601", "80", "00"}) {
    const Bytes bytes = make_cose_sign1(key, kPayload, {.protected_headers = unhex(headers)});
    expect_refused(CoseSign1::parse(bytes), Code::kInvalid, "COSE_Sign1");
  }
  const Bytes twice = make_cose_sign1(key, kPayload, {.unprotected_headers = unhex("a10126")});
  expect_refused(CoseSign1::parse(twice), Code::kInvalid, "unprotected");
}

TEST(CoseSign1, HeadersThatMustBeUnderstood) {
  const PrivateKey key = key_of_seed(1);
  const Bytes critical = make_cose_sign1(key, kPayload, {.protected_headers = unhex("a20126028101")});
  expect_refused(CoseSign1::parse(critical), Code::kInvalid, "must be understood");
  const Bytes outside = make_cose_sign1(key, kPayload, {.unprotected_headers = unhex("a1028101")});
  expect_refused(CoseSign1::parse(outside), Code::kInvalid, "unprotected");
}

TEST(CoseSign1, Outline) {
  for (const char* hex : {"a0", "83a0a040", "8543a10126a0404040", "84a0a04040", "8443a10126a0f640",
                          "8443a1012640"
                          "4040",
                          "8443a10126a04000", "d28443a10126a0404040"}) {
    const Bytes bytes = unhex(hex);
    EXPECT_FALSE(CoseSign1::parse(bytes).ok()) << hex;
  }
  expect_refused(CoseSign1::parse({}), Code::kCorrupt, "ends early");
}

TEST(CoseKey, RoundTrip) {
  for (const KeyType type : {KeyType::kEcP256, KeyType::kEcP384}) {
    const PublicKey key = key_of_seed(3, type).public_key();
    EXPECT_EQ(value_of(parse_cose_key(make_cose_key(key))), key);
  }
}

TEST(CoseKey, MalformedForeignOrPrivate) {
  const PublicKey key = key_of_seed(3).public_key();
  const Bytes x = to_bytes(key.raw().subspan(1, 32));
  const Bytes y = to_bytes(key.raw().last(32));
  const auto made = [&](std::int64_t type, std::int64_t curve, const Bytes& first, const Bytes& second) {
    return CborWriter()
        .map(4)
        .integer(1)
        .integer(type)
        .integer(-1)
        .integer(curve)
        .integer(-2)
        .bytes(first)
        .integer(-3)
        .bytes(second)
        .take();
  };
  EXPECT_TRUE(parse_cose_key(made(2, 1, x, y)).ok());
  expect_refused(parse_cose_key(made(1, 1, x, y)), Code::kUnsupported, "kind");
  for (const std::int64_t curve : {-1, 0, 4, 6}) {
    expect_refused(parse_cose_key(made(2, curve, x, y)), Code::kUnsupported, "kind");
  }
  EXPECT_FALSE(parse_cose_key(made(2, 2, x, y)).ok());
  EXPECT_FALSE(parse_cose_key(made(2, 1, x, x)).ok());  // not on the curve
  EXPECT_FALSE(parse_cose_key(made(2, 1, x, Bytes(31))).ok());
  Bytes with_private = made(2, 1, x, y);
  with_private[0] = 0xA5;
  with_private.insert(with_private.end(), {0x23, 0x41, 0x01});
  expect_refused(parse_cose_key(with_private), Code::kInvalid, "malformed");
  for (const char* hex : {"", "80", "a0", "a10102", "a4010220012141002200"}) {
    expect_refused(parse_cose_key(unhex(hex)), Code::kInvalid, "malformed");
  }
}

}  // namespace
}  // namespace cloister::crypto
