#include "crypto/aead.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/hex.h"

namespace cloister::crypto {
namespace {

using cloister::testing::key_of;
using cloister::testing::key_of_byte;
using cloister::testing::unhex;

class EachAlgorithm : public ::testing::TestWithParam<AeadAlgorithm> {
 protected:
  Aead cipher_{GetParam(), key_of_byte(1).secret()};
  Nonce nonce_{1, 2, 3};
  Tag tag_{};
};

TEST_P(EachAlgorithm, OpensWhatItSealed) {
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 255U, 4096U, 100'000U}) {
    const Bytes plaintext(size, 0x61);
    Bytes sealed(size);
    Bytes opened(size);
    cipher_.seal(nonce_, as_bytes("aad"), plaintext, sealed, tag_);
    if (size > 8) {
      EXPECT_NE(sealed, plaintext);
    }
    ASSERT_TRUE(cipher_.open(nonce_, as_bytes("aad"), sealed, tag_, opened).ok()) << size;
    EXPECT_EQ(opened, plaintext);
  }
}

TEST_P(EachAlgorithm, WorksInPlace) {
  const Bytes plaintext(5000, 0x61);
  Bytes apart(5000);
  cipher_.seal(nonce_, {}, plaintext, apart, tag_);
  Bytes buffer = plaintext;
  Tag tag{};
  cipher_.seal(nonce_, {}, buffer, buffer, tag);
  EXPECT_EQ(buffer, apart);
  EXPECT_EQ(tag, tag_);
  ASSERT_TRUE(cipher_.open(nonce_, {}, buffer, tag, buffer).ok());
  EXPECT_EQ(buffer, plaintext);
}

TEST_P(EachAlgorithm, RefusesEveryChangeAndZeroesTheOutput) {
  const Bytes plaintext(100, 0x61);
  Bytes sealed(100);
  cipher_.seal(nonce_, as_bytes("aad"), plaintext, sealed, tag_);
  const auto refuses = [](Aead& cipher, const Nonce& nonce, ByteView aad, ByteView ciphertext, ByteView tag) {
    Bytes out(ciphertext.size(), 0xEE);
    const Status status = cipher.open(nonce, aad, ciphertext, tag, out);
    return !status.ok() && status.error().code() == Code::kCorrupt && all_zero(out);
  };
  for (std::size_t bit = 0; bit < sealed.size() * 8; bit += 7) {
    Bytes changed = sealed;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_TRUE(refuses(cipher_, nonce_, as_bytes("aad"), changed, tag_)) << bit;
  }
  for (std::size_t bit = 0; bit < kTagSize * 8; ++bit) {
    Tag changed = tag_;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_TRUE(refuses(cipher_, nonce_, as_bytes("aad"), sealed, changed)) << bit;
  }
  Nonce other_nonce = nonce_;
  other_nonce[11] ^= 1;
  EXPECT_TRUE(refuses(cipher_, other_nonce, as_bytes("aad"), sealed, tag_));
  EXPECT_TRUE(refuses(cipher_, nonce_, as_bytes("aae"), sealed, tag_));
  EXPECT_TRUE(refuses(cipher_, nonce_, {}, sealed, tag_));
  EXPECT_TRUE(refuses(cipher_, nonce_, as_bytes("aad"), ByteView(sealed).first(99), tag_));
  Aead other_key(GetParam(), key_of_byte(2).secret());
  EXPECT_TRUE(refuses(other_key, nonce_, as_bytes("aad"), sealed, tag_));
  Bytes out(100);
  EXPECT_TRUE(cipher_.open(nonce_, as_bytes("aad"), sealed, tag_, out).ok()) << "a refusal leaves the key usable";
}

TEST_P(EachAlgorithm, SealingAndOpeningMayAlternate) {
  for (std::uint8_t i = 0; i < 20; ++i) {
    Nonce nonce{i};
    Bytes buffer(50, i);
    cipher_.seal(nonce, {}, buffer, buffer, tag_);
    ASSERT_TRUE(cipher_.open(nonce, {}, buffer, tag_, buffer).ok());
    EXPECT_EQ(buffer, Bytes(50, i));
  }
}

TEST_P(EachAlgorithm, MovesWithItsKey) {
  Bytes sealed(3);
  cipher_.seal(nonce_, {}, as_bytes("abc"), sealed, tag_);
  Aead moved = std::move(cipher_);
  EXPECT_TRUE(moved.open(nonce_, {}, sealed, tag_, sealed).ok());
}

INSTANTIATE_TEST_SUITE_P(Aead, EachAlgorithm,
                         ::testing::Values(AeadAlgorithm::kAes256Gcm, AeadAlgorithm::kChaCha20Poly1305));

// McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16.
TEST(Aead, AesGcmKnownAnswer) {
  const Bytes key = unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const Bytes plaintext = unhex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
      "ba637b39");
  const Bytes aad = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  Nonce nonce;
  std::ranges::copy(unhex("cafebabefacedbaddecaf888"), nonce.begin());
  Bytes sealed(plaintext.size());
  Tag tag;
  Aead(AeadAlgorithm::kAes256Gcm, key_of(key).secret()).seal(nonce, aad, plaintext, sealed, tag);
  EXPECT_EQ(
      to_hex(sealed),
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7"
      "a0abcc9f662");
  EXPECT_EQ(to_hex(tag), "76fc6ece0f4e1768cddf8853bb2d551b");
}

// RFC 8439 2.8.2.
TEST(Aead, ChaChaKnownAnswer) {
  Bytes key(32);
  for (std::uint8_t i = 0; i < 32; ++i) key[i] = static_cast<std::uint8_t>(0x80 + i);
  Nonce nonce;
  std::ranges::copy(unhex("070000004041424344454647"), nonce.begin());
  const std::string_view plaintext =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be "
      "it.";
  Bytes sealed(plaintext.size());
  Tag tag;
  Aead(AeadAlgorithm::kChaCha20Poly1305, key_of(key).secret())
      .seal(nonce, unhex("50515253c0c1c2c3c4c5c6c7"), as_bytes(plaintext), sealed, tag);
  EXPECT_EQ(to_hex(ByteView(sealed).first(16)), "d31a8d34648e60db7b86afbc53ef7ec2");
  EXPECT_EQ(to_hex(tag), "1ae10b594f09e26a7e902ecbd0600691");
}

TEST(AeadDeathTest, StopsAtAMistakeOfOurs) {
  EXPECT_DEATH(Aead(AeadAlgorithm::kAes256Gcm, Secret(16)), "internal check failed");
  EXPECT_DEATH(Aead(AeadAlgorithm::kAes128Gcm, Secret(32)), "internal check failed");
  Aead cipher(AeadAlgorithm::kAes256Gcm, Secret(32));
  Bytes three(3);
  Bytes four(4);
  Tag tag;
  EXPECT_DEATH(cipher.seal({}, {}, three, four, tag), "internal check failed");
  EXPECT_DEATH(ignore_result(cipher.open({}, {}, three, ByteView(tag).first(12), three)), "internal check failed");
}

}  // namespace
}  // namespace cloister::crypto
