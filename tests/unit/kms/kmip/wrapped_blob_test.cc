#include "kms/kmip/wrapped_blob.h"

#include "tests/support/deterministic_random.h"
#include "tests/support/expect.h"

namespace cloister::kms::kmip {
namespace {

using testing::expect_refused;
using testing::value_of;

const ContextMap kContext{{"tenant", "acme"}};
crypto::Secret secret(std::size_t size) { return crypto::Secret::copy_of(Bytes(size, 7)); }

TEST(KmipBlob, AsTheFormatSays) {
  const Encrypted gcm{Bytes(12, 1), Bytes(16, 2), Bytes(3, 3)};
  EXPECT_EQ(to_hex(serialize_blob(Cipher::kGcm, gcm)),
            "010c"
            "010101010101010101010101"
            "02020202020202020202020202020202"
            "030303");
  EXPECT_EQ(to_hex(serialize_blob(Cipher::kKeyWrap, {{}, {}, Bytes(3, 3)})), "02030303");
}

TEST(KmipBlob, ReadsWhatItWrites) {
  const Encrypted gcm{Bytes(16, 1), Bytes(16, 2), Bytes(64, 3)};
  const Blob blob = value_of(parse_blob(serialize_blob(Cipher::kGcm, gcm)));
  EXPECT_EQ(blob.cipher, Cipher::kGcm);
  EXPECT_EQ(blob.encrypted.nonce, gcm.nonce);
  EXPECT_EQ(blob.encrypted.tag, gcm.tag);
  EXPECT_EQ(blob.encrypted.ciphertext, gcm.ciphertext);
}

TEST(KmipBlob, NonceOfAnotherSize) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{11}, std::size_t{17}, std::size_t{255}}) {
    const Bytes blob = serialize_blob(Cipher::kGcm, {Bytes(size, 1), Bytes(16, 2), Bytes(64, 3)});
    expect_refused(parse_blob(blob), Code::kDenied, "isn't one");
  }
}

TEST(KmipBlob, EmptyUnknownOrTooLong) {
  expect_refused(parse_blob({}), Code::kDenied, "isn't one");
  expect_refused(parse_blob(Bytes{0, 1}), Code::kDenied, "isn't one");
  expect_refused(parse_blob(Bytes{3, 1}), Code::kDenied, "isn't one");
  expect_refused(parse_blob(Bytes{2}), Code::kDenied, "isn't one");
  expect_refused(parse_blob(serialize_blob(Cipher::kKeyWrap, {{}, {}, Bytes(193, 1)})), Code::kDenied, "isn't one");
}

TEST(KmipBound, OpensInItsContextOnly) {
  testing::DeterministicRandom random(7);
  for (const std::size_t size : {1U, 32U, 64U, 127U, 128U}) {
    const crypto::Secret bound = bind_inside(secret(size), kContext, random);
    EXPECT_EQ(bound.size() % 8, 0U);
    EXPECT_TRUE(crypto::equal_constant_time(value_of(open_bound(bound, kContext)).expose(), secret(size).expose()));
    expect_refused(open_bound(bound, {{"tenant", "other"}}), Code::kDenied, "context");
    expect_refused(open_bound(bound, {}), Code::kDenied, "context");
  }
}

TEST(KmipBound, NeverTheSameTwice) {
  testing::DeterministicRandom random(7);
  EXPECT_FALSE(crypto::equal_constant_time(bind_inside(secret(32), kContext, random).expose(),
                                           bind_inside(secret(32), kContext, random).expose()));
}

TEST(KmipBound, EveryByteChangedButTheRandomOnes) {
  testing::DeterministicRandom random(7);
  crypto::Secret bound = bind_inside(secret(33), kContext, random);
  for (std::size_t i = 0; i < bound.size(); ++i) {
    const bool plaintext_or_random = i >= 2 && i < 2 + 16 + 33;
    bound.expose_mutable()[i] ^= 1;
    EXPECT_EQ(open_bound(bound, kContext).ok(), plaintext_or_random) << i;
    bound.expose_mutable()[i] ^= 1;
  }
  expect_refused(open_bound(crypto::Secret(8), kContext), Code::kDenied, "context");
}

}  // namespace
}  // namespace cloister::kms::kmip
