#include "crypto/xaes.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/deterministic_random.h"
#include "tests/support/hex.h"

namespace cloister::crypto {
namespace {

using cloister::testing::DeterministicRandom;
using cloister::testing::key_of_byte;
using cloister::testing::secret_of;

constexpr std::string_view kNonce = "ABCDEFGHIJKLMNOPQRSTUVWX";

// c2sp.org/XAES-256-GCM: the key whose L has its top bit clear, and one whose L has it set.
TEST(Xaes, KnownAnswers) {
  const Secret plaintext = secret_of("XAES-256-GCM");
  EXPECT_EQ(to_hex(Xaes(key_of_byte(1).secret()).seal(as_bytes(kNonce), {}, plaintext)),
            "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271");
  EXPECT_EQ(to_hex(Xaes(key_of_byte(3).secret()).seal(as_bytes(kNonce), as_bytes("c2sp.org/XAES-256-GCM"), plaintext)),
            "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
}

TEST(Xaes, EmptyPlaintextIsSealed) {
  Xaes key(key_of_byte(1).secret());
  const Bytes sealed = key.seal(as_bytes(kNonce), as_bytes("x"), Secret());
  EXPECT_EQ(sealed.size(), 16U);
  EXPECT_TRUE(key.open(as_bytes(kNonce), as_bytes("x"), sealed).ok());
  EXPECT_EQ(key.open(as_bytes(kNonce), as_bytes("y"), sealed).error().code(), Code::kDenied);
}

TEST(LocalWrap, OpensInItsContextAlone) {
  DeterministicRandom random(1);
  Xaes kek(key_of_byte(9).secret());
  Xaes other(key_of_byte(8).secret());
  const KeyMaterial key = KeyMaterial::random(random);
  const Bytes wrapped = local_wrap(kek, random, as_bytes("context"), key);
  ASSERT_EQ(wrapped.size(), kLocalWrapSize);
  const auto opened = local_unwrap(kek, as_bytes("context"), wrapped);
  ASSERT_TRUE(opened.ok());
  EXPECT_TRUE(equal_constant_time(opened->secret().expose(), key.secret().expose()));
  EXPECT_EQ(local_unwrap(kek, as_bytes("contexu"), wrapped).error().code(), Code::kDenied);
  EXPECT_EQ(local_unwrap(kek, {}, wrapped).error().code(), Code::kDenied);
  EXPECT_EQ(local_unwrap(other, as_bytes("context"), wrapped).error().code(), Code::kDenied);
}

TEST(LocalWrap, RefusesEveryFlippedBitAndEveryOtherLength) {
  DeterministicRandom random(2);
  Xaes kek(key_of_byte(9).secret());
  const Bytes wrapped = local_wrap(kek, random, {}, key_of_byte(1));
  for (std::size_t bit = 0; bit < wrapped.size() * 8; ++bit) {
    Bytes changed = wrapped;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    ASSERT_FALSE(local_unwrap(kek, {}, changed).ok()) << bit;
  }
  for (std::size_t size = 0; size < wrapped.size(); ++size) {
    ASSERT_EQ(local_unwrap(kek, {}, ByteView(wrapped).first(size)).error().code(), Code::kCorrupt) << size;
  }
  Bytes longer = wrapped;
  longer.push_back(0);
  EXPECT_EQ(local_unwrap(kek, {}, longer).error().code(), Code::kCorrupt);
}

TEST(LocalWrap, NeverReusesANonce) {
  SystemRandom random;
  Xaes kek(key_of_byte(9).secret());
  std::set<Bytes> nonces;
  for (int i = 0; i < 1000; ++i) {
    const Bytes wrapped = local_wrap(kek, random, {}, key_of_byte(1));
    EXPECT_TRUE(nonces.insert(Bytes(wrapped.begin(), wrapped.begin() + kXaesNonceSize)).second);
  }
}

TEST(Xaes, MovesWithItsKey) {
  Xaes first(key_of_byte(1).secret());
  const Bytes sealed = first.seal(as_bytes(kNonce), {}, secret_of("abc"));
  Xaes second = std::move(first);
  EXPECT_TRUE(second.open(as_bytes(kNonce), {}, sealed).ok());
}

TEST(XaesDeathTest, StopsAtAMistakeOfOurs) {
  EXPECT_DEATH(Xaes(Secret(16)), "internal check failed");
  Xaes key(key_of_byte(1).secret());
  EXPECT_DEATH(key.seal(as_bytes("short nonce"), {}, Secret(1)), "internal check failed");
}

}  // namespace
}  // namespace cloister::crypto
