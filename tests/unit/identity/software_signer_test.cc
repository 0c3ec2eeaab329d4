#include "identity/software_signer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/local_key.h"
#include "tests/unit/identity/fixture.h"

namespace cloister::identity {
namespace {

using namespace testing;

class SoftwareSignerTest : public ::testing::Test {
 protected:
  SoftwareSignerTest() : made_(value_of(SoftwareSigner::create(context_, root_, random_))) {}

  DeterministicRandom random_{1};
  LocalKey root_{9, random_};
  SignerContext context_{"acme", domain_of()};
  SoftwareSigner::Made made_;
};

TEST_F(SoftwareSignerTest, SignsAfterItWasOpenedAgain) {
  SoftwareSigner again = value_of(SoftwareSigner::open(made_.stored, context_, root_));
  const Bytes signature = value_of(again.sign(as_bytes("message")));
  EXPECT_EQ(signature, value_of(made_.signer.sign(as_bytes("message"))));
  EXPECT_TRUE(
      made_.signer.public_key().verify(crypto::SignatureAlgorithm::kEcdsaSha256, as_bytes("message"), signature).ok());
}

TEST_F(SoftwareSignerTest, StoredFormHoldsNoKey) {
  const Bytes bytes = serialize_signers({made_.stored, made_.stored});
  const crypto::PrivateKey key = value_of(crypto::PrivateKey::from_scalar(
      crypto::KeyType::kEcP256,
      crypto::Secret::copy_of(
          value_of(root_.unwrap(made_.stored.key, {"acme", "example.org", made_.stored.id, "authority",
                                                   crypto::sha256(made_.stored.public_key.spki())}))
              .secret()
              .expose())));
  EXPECT_EQ(key.public_key(), made_.signer.public_key());
  EXPECT_TRUE(std::ranges::search(bytes, key.scalar().expose()).empty());
}

TEST_F(SoftwareSignerTest, MovedToAnotherPlace) {
  const auto open = [&](const WrappedSigner& stored, const SignerContext& context) {
    return SoftwareSigner::open(stored, context, root_);
  };
  expect_refused(open(made_.stored, {"umbrella", domain_of()}), Code::kDenied, "signing key of");
  expect_refused(open(made_.stored, {"acme", domain_of("example.com")}), Code::kDenied, "signing key of");
  WrappedSigner changed = made_.stored;
  changed.id[0] ^= 1;
  expect_refused(open(changed, context_), Code::kDenied, "signing key of");
}

TEST_F(SoftwareSignerTest, BesideAnotherPublicKey) {
  WrappedSigner swapped = made_.stored;
  swapped.public_key = key_of_seed(5).public_key();
  expect_refused(SoftwareSigner::open(swapped, context_, root_), Code::kDenied, "signing key of");
}

TEST_F(SoftwareSignerTest, WrappedByTheRootButAnotherKey) {
  // By somebody who holds the root, in the right context, around the wrong scalar.
  const crypto::PrivateKey other = key_of_seed(5);
  const auto material = value_of(crypto::KeyMaterial::from_secret(crypto::Secret::copy_of(other.scalar().expose())));
  WrappedSigner swapped = made_.stored;
  swapped.key = value_of(root_.wrap(
      material, {"acme", "example.org", swapped.id, "authority", crypto::sha256(swapped.public_key.spki())}));
  expect_refused(SoftwareSigner::open(swapped, context_, root_), Code::kCorrupt, "isn't the one");
}

TEST_F(SoftwareSignerTest, AnotherRootOrNoneInReach) {
  LocalKey other(10, random_);
  expect_refused(SoftwareSigner::open(made_.stored, context_, other), Code::kNotFound, "signing key of");
  FailingKey away(Error(Code::kUnavailable, "the token is away"));
  expect_refused(SoftwareSigner::open(made_.stored, context_, away), Code::kUnavailable, "away");
  expect_refused(SoftwareSigner::create(context_, away, random_), Code::kUnavailable, "away");
}

TEST_F(SoftwareSignerTest, BytesThatAreNone) {
  const WrappedSigner second = value_of(SoftwareSigner::create(context_, root_, random_)).stored;
  const Bytes good = serialize_signers({made_.stored, second});
  const WrappedSigners read = value_of(parse_signers(good));
  EXPECT_EQ(serialize_signers(read), good);
  EXPECT_EQ(read.jwt.public_key, second.public_key);
  EXPECT_TRUE(SoftwareSigner::open(read.jwt, context_, root_).ok());
  for (std::size_t size = 0; size < good.size(); ++size) {
    ASSERT_EQ(parse_signers(ByteView(good).first(size)).error().code(), Code::kCorrupt) << size;
  }
  Bytes longer = good;
  longer.push_back(0);
  expect_refused(parse_signers(longer), Code::kCorrupt, "follow");
  Bytes magic = good;
  magic[0] ^= 1;
  expect_refused(parse_signers(magic), Code::kCorrupt, "aren't");
  Bytes type = good;
  type[8 + 16 + 2 + 91] = 13;
  expect_refused(parse_signers(type), Code::kCorrupt, "type");
  Bytes key = good;
  key[8 + 16 + 2 + 90] ^= 1;
  expect_refused(parse_signers(key), Code::kCorrupt, "P-256");
}

}  // namespace
}  // namespace cloister::identity
