#include "crypto/passphrase.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/clock.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/hex.h"

namespace cloister::crypto {
namespace {

using cloister::testing::DeterministicRandom;
using cloister::testing::key_of;
using cloister::testing::key_of_byte;
using cloister::testing::ScriptedRandom;
using cloister::testing::secret_of;

constexpr Argon2Cost kCheap{64, 2, 2};

Bytes counting(std::uint8_t from, std::size_t size) {
  Bytes bytes(size);
  std::iota(bytes.begin(), bytes.end(), from);
  return bytes;
}

WrapContext example() {
  WrapContext context{"acme", "corpus", counting(0, 16), "dek", {}};
  context.commitment.fill(7);
  return context;
}

Result<PassphraseWrapper> make(std::string_view passphrase, Random& random) {
  return PassphraseWrapper::create(secret_of(passphrase), kCheap, random);
}

// Computed with Python's cryptography 48: Argon2id, then XAES-256-GCM.
TEST(Passphrase, KnownAnswer) {
  Bytes script = counting(0, 16);
  const Bytes nonce = counting(100, 24);
  script.insert(script.end(), nonce.begin(), nonce.end());
  ScriptedRandom random(script);
  auto wrapper = make("correct horse", random);
  const auto wrapped = wrapper->wrap(key_of(counting(200, 32)), example());
  ASSERT_TRUE(wrapped.ok());
  EXPECT_EQ(wrapped->type, WrapType::kPassphrase);
  EXPECT_EQ(wrapped->key_id, "passphrase");
  EXPECT_EQ(wrapped->key_version, 0U);
  EXPECT_EQ(to_hex(wrapped->parameters), "000102030405060708090a0b0c0d0e0f400000000200000002000000");
  EXPECT_EQ(
      to_hex(wrapped->ciphertext),
      "6465666768696a6b6c6d6e6f707172737475767778797a7b25d968ef3905245d62395bc87cbd9f815f1403cad9524de6e2d17ed142df"
      "ebe514fcd944176d4884094af0c13015d132");
  EXPECT_EQ(random.remaining(), 0U);
}

// Argon2id at this cost needs 256 MiB beside the keys in secure memory.
TEST(Passphrase, OpensAtTheCostOfRealUse) {
  DeterministicRandom random(7);
  auto wrapper = PassphraseWrapper::create(secret_of("correct horse"), Argon2Cost{}, random);
  const KeyMaterial key = key_of_byte(9);
  const auto wrapped = wrapper->wrap(key, example());
  ASSERT_TRUE(wrapped.ok()) << wrapped.error().message();
  const auto opened = wrapper->unwrap(*wrapped, example());
  ASSERT_TRUE(opened.ok()) << opened.error().message();
  EXPECT_TRUE(equal_constant_time(opened->secret().expose(), key.secret().expose()));
}

class WrappedByPassphrase : public ::testing::Test {
 protected:
  Code refusal(const WrappedKey& wrapped, const WrapContext& context) {
    const auto key = wrapper_.unwrap(wrapped, context);
    return key.ok() ? Code::kInternal : key.error().code();
  }
  WrappedKey with_cost(std::uint32_t memory_kib, std::uint32_t passes, std::uint32_t lanes) const {
    WrappedKey changed = wrapped_;
    store_le(changed.parameters.data() + 16, memory_kib);
    store_le(changed.parameters.data() + 20, passes);
    store_le(changed.parameters.data() + 24, lanes);
    return changed;
  }

  DeterministicRandom random_{1};
  PassphraseWrapper wrapper_ = make("correct horse", random_).value();
  WrappedKey wrapped_ = wrapper_.wrap(key_of_byte(3), example()).value();
};

TEST_F(WrappedByPassphrase, OpensWithTheSamePassphraseAndContext) {
  auto other = make("correct horse", random_);
  const auto key = other->unwrap(wrapped_, example());
  ASSERT_TRUE(key.ok());
  EXPECT_TRUE(equal_constant_time(key->secret().expose(), key_of_byte(3).secret().expose()));
}

TEST_F(WrappedByPassphrase, WrongPassphraseIsDeniedAndNotRepeated) {
  auto other = make("battery staple", random_);
  const auto key = other->unwrap(wrapped_, example());
  ASSERT_FALSE(key.ok());
  EXPECT_EQ(key.error().code(), Code::kDenied);
  EXPECT_EQ(key.error().message().find("battery"), std::string::npos);
}

TEST_F(WrappedByPassphrase, WrongContextIsDenied) {
  WrapContext tenant = example();
  tenant.tenant = "other";
  EXPECT_EQ(refusal(wrapped_, tenant), Code::kDenied);
  WrapContext object = example();
  object.object[0] ^= 1;
  EXPECT_EQ(refusal(wrapped_, object), Code::kDenied);
}

TEST_F(WrappedByPassphrase, ChangedSaltCostOrBytesAreDenied) {
  WrappedKey salt = wrapped_;
  salt.parameters[0] ^= 1;
  EXPECT_EQ(refusal(salt, example()), Code::kDenied);
  EXPECT_EQ(refusal(with_cost(64, 3, 2), example()), Code::kDenied);
  WrappedKey bytes = wrapped_;
  bytes.ciphertext[40] ^= 1;
  EXPECT_EQ(refusal(bytes, example()), Code::kDenied);
  bytes.ciphertext.pop_back();
  EXPECT_EQ(refusal(bytes, example()), Code::kCorrupt);
}

TEST_F(WrappedByPassphrase, AnotherKindOfWrapIsNotFound) {
  WrappedKey changed = wrapped_;
  changed.type = WrapType::kSoftwareKey;
  EXPECT_EQ(refusal(changed, example()), Code::kNotFound);
  changed = wrapped_;
  changed.key_id = "other";
  EXPECT_EQ(refusal(changed, example()), Code::kNotFound);
  changed = wrapped_;
  changed.key_version = 1;
  EXPECT_EQ(refusal(changed, example()), Code::kNotFound);
}

TEST_F(WrappedByPassphrase, MoreWorkThanAgreedIsUnsupportedBeforeAnyOfIt) {
  const double before = monotonic_seconds();
  EXPECT_EQ(refusal(with_cost(kArgon2CostMax.memory_kib + 1, 1, 1), example()), Code::kUnsupported);
  EXPECT_EQ(refusal(with_cost(64, kArgon2CostMax.passes + 1, 1), example()), Code::kUnsupported);
  EXPECT_EQ(refusal(with_cost(1024, 1, kArgon2CostMax.lanes + 1), example()), Code::kUnsupported);
  EXPECT_EQ(refusal(with_cost(~0U, ~0U, ~0U), example()), Code::kUnsupported);
  EXPECT_LT(monotonic_seconds() - before, 0.5);
}

TEST_F(WrappedByPassphrase, LessThanTheAlgorithmNeedsIsCorrupt) {
  EXPECT_EQ(refusal(with_cost(15, 1, 2), example()), Code::kCorrupt);
  EXPECT_EQ(refusal(with_cost(0, 1, 1), example()), Code::kCorrupt);
  EXPECT_EQ(refusal(with_cost(64, 0, 1), example()), Code::kCorrupt);
  EXPECT_EQ(refusal(with_cost(64, 1, 0), example()), Code::kCorrupt);
}

TEST_F(WrappedByPassphrase, ParametersOfAnotherLengthAreCorrupt) {
  for (std::size_t size = 0; size < 28; ++size) {
    WrappedKey changed = wrapped_;
    changed.parameters.resize(size);
    EXPECT_EQ(refusal(changed, example()), Code::kCorrupt) << size;
  }
  WrappedKey longer = wrapped_;
  longer.parameters.push_back(0);
  EXPECT_EQ(refusal(longer, example()), Code::kCorrupt);
}

TEST(Passphrase, EachWrapHasItsOwnSalt) {
  SystemRandom random;
  auto wrapper = make("correct horse", random);
  const auto first = wrapper->wrap(key_of_byte(1), example());
  const auto second = wrapper->wrap(key_of_byte(1), example());
  EXPECT_NE(first->parameters, second->parameters);
  EXPECT_NE(first->ciphertext, second->ciphertext);
}

TEST(Passphrase, RefusesToBeMadeShortOrUnreadable) {
  DeterministicRandom random(1);
  EXPECT_EQ(make("1234567", random).error().code(), Code::kInvalid);
  EXPECT_TRUE(make("12345678", random).ok());
  for (const Argon2Cost cost : {Argon2Cost{kArgon2CostMax.memory_kib + 1, 1, 1}, Argon2Cost{7, 1, 1},
                                Argon2Cost{64, 0, 1}, Argon2Cost{64, 1, 0}, Argon2Cost{64, 17, 1}}) {
    const auto made = PassphraseWrapper::create(secret_of("correct horse"), cost, random);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code(), Code::kInvalid);
  }
}

}  // namespace
}  // namespace cloister::crypto
