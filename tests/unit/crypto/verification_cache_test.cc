#include "crypto/verification_cache.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/revocation_lists.h"

namespace cloister::crypto {
namespace {

using namespace cloister::testing;

struct One {
  int number = 0;
};
struct Other {};

Sha256Digest digest_of(std::uint8_t number) { return sha256(Bytes{number}); }

TEST(VerificationCache, FindsByTypeAndDigestAlone) {
  VerificationCache cache;
  cache.keep(digest_of(1), std::make_shared<const One>(One{7}), 0);
  ASSERT_NE(cache.find<One>(digest_of(1)), nullptr);
  EXPECT_EQ(cache.find<One>(digest_of(1))->number, 7);
  EXPECT_EQ(cache.find<One>(digest_of(2)), nullptr);
  EXPECT_EQ(cache.find<Other>(digest_of(1)), nullptr);
}

TEST(VerificationCache, FirstResultStays) {
  VerificationCache cache;
  cache.keep(digest_of(1), std::make_shared<const One>(One{1}), 0);
  cache.keep(digest_of(1), std::make_shared<const One>(One{2}), 0);
  EXPECT_EQ(cache.find<One>(digest_of(1))->number, 1);
}

TEST(VerificationCache, OldestGoesFirstWhereThereIsNoRoom) {
  VerificationCache cache(4096);
  for (std::uint8_t i = 0; i < 10; ++i) cache.keep(digest_of(i), std::make_shared<const One>(One{i}), 1000);
  EXPECT_EQ(cache.find<One>(digest_of(6)), nullptr);
  EXPECT_NE(cache.find<One>(digest_of(7)), nullptr);
  EXPECT_NE(cache.find<One>(digest_of(9)), nullptr);
}

TEST(VerificationCache, WhatIsLargerThanAllRoomPushesNothingOut) {
  VerificationCache cache(4096);
  cache.keep(digest_of(1), std::make_shared<const One>(), 1000);
  cache.keep(digest_of(2), std::make_shared<const One>(), 5000);
  EXPECT_NE(cache.find<One>(digest_of(1)), nullptr);
  EXPECT_EQ(cache.find<One>(digest_of(2)), nullptr);
}

TEST(VerificationCache, ManyThreadsAtOnce) {
  VerificationCache cache(16384);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&cache] {
      for (int i = 0; i < 2000; ++i) {
        const auto number = static_cast<std::uint8_t>(i % 64);
        const auto found = cache.find<One>(digest_of(number));
        EXPECT_TRUE(found == nullptr || found->number == number);
        cache.keep(digest_of(number), std::make_shared<const One>(One{number}), 512);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(DigestOfParts, BytesDontMoveFromOnePartToTheNext) {
  const Bytes ab{1, 2}, c{3}, a{1}, bc{2, 3}, none;
  EXPECT_NE(digest_of_parts({ab, c}), digest_of_parts({a, bc}));
  EXPECT_NE(digest_of_parts({ab, none}), digest_of_parts({ab}));
  EXPECT_EQ(digest_of_parts({ab, c}), digest_of_parts({ab, c}));
}

TEST(CachedCertificate, IsReadOnce) {
  VerificationCache cache;
  const TestAuthority authority(1);
  const Bytes& der = authority.certificate().der();
  const auto first = value_of(parse_certificate(&cache, der));
  EXPECT_EQ(value_of(parse_certificate(&cache, der)).handle(), first.handle());
  EXPECT_NE(value_of(parse_certificate(nullptr, der)).handle(), first.handle());
  const auto of_pem = value_of(parse_pem_certificates(&cache, first.to_pem(), 1));
  EXPECT_EQ(of_pem.front().handle(), first.handle());
  EXPECT_EQ(of_pem.front().fingerprint(), sha256(der));
  EXPECT_EQ(of_pem.front().spki_digest(), sha256(first.spki()));
}

TEST(CachedCertificate, ChangedByteIsAnotherCertificate) {
  VerificationCache cache;
  const TestAuthority authority(1);
  Bytes der = authority.certificate().der();
  ignore_result(value_of(parse_certificate(&cache, der)));
  der.back() ^= 1;
  const auto changed = value_of(parse_certificate(&cache, der));
  EXPECT_EQ(changed.der(), der);
  EXPECT_FALSE(is_signed_by(&cache, changed, authority.certificate()));
  der.pop_back();
  EXPECT_FALSE(parse_certificate(&cache, der).ok());
  EXPECT_FALSE(parse_certificate(&cache, der).ok());
}

TEST(CachedSignature, OnlyTheVeryOneThatWasVerified) {
  VerificationCache cache;
  const PrivateKey key = key_of_seed(1), other = key_of_seed(2);
  const Bytes message{1, 2, 3};
  const Bytes signature = key.sign(message);
  const auto verified = [&](const PublicKey& by, ByteView over, ByteView what) {
    return verify_signature(&cache, by, SignatureAlgorithm::kEcdsaSha256, over, what).ok();
  };
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(verified(key.public_key(), message, signature));
    EXPECT_FALSE(verified(other.public_key(), message, signature));
    EXPECT_FALSE(verified(key.public_key(), Bytes{1, 2, 4}, signature));
    EXPECT_FALSE(verified(key.public_key(), message, other.sign(message)));
    EXPECT_FALSE(verify_signature(&cache, key.public_key(), SignatureAlgorithm::kEcdsaSha384, message, signature).ok());
  }
}

TEST(CachedSignature, WhoSignedACertificate) {
  VerificationCache cache;
  TestAuthority authority(1), other(2);
  const Certificate leaf = authority.issue();
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(is_signed_by(&cache, leaf, authority.certificate()));
    EXPECT_FALSE(is_signed_by(&cache, leaf, other.certificate()));
    EXPECT_FALSE(is_signed_by(&cache, authority.certificate(), leaf));
  }
}

TEST(CachedRevocationList, IsReadAndVerifiedOnce) {
  VerificationCache cache;
  TestAuthority authority(1), other(2);
  const Bytes der =
      make_revocation_list({{}, {{0x0A}}, kNow, kNow + days(30)}, authority.certificate(), authority.signer());
  const auto list = value_of(parse_revocation_list(&cache, der));
  EXPECT_EQ(value_of(parse_revocation_list(&cache, der)), list);
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(list->verify(authority.certificate(), &cache).ok());
    EXPECT_FALSE(list->verify(other.certificate(), &cache).ok());
  }
  Bytes changed = der;
  changed.back() ^= 1;
  const auto forged = value_of(parse_revocation_list(&cache, changed));
  expect_refused(forged->verify(authority.certificate(), &cache), Code::kCorrupt, "signature");
}

class CachedChain : public ::testing::Test {
 protected:
  Result<std::vector<Certificate>> verified(Time at, Purpose purpose = Purpose::kServerAndClient) {
    const Certificate anchors[] = {anchor_->certificate()};
    return verify_chain(&cache_, leaf_, {{}, anchors, purpose, at, PathRules::kStrict});
  }
  VerificationCache cache_;
  TestAuthority authority_{1}, other_{2};
  TestAuthority* anchor_ = &authority_;
  Certificate leaf_ = authority_.issue();
};

TEST_F(CachedChain, SamePathAgain) {
  const auto first = value_of(verified(kNow));
  EXPECT_EQ(value_of(verified(kNow + minutes(30))), first);
  const Certificate anchors[] = {authority_.certificate()};
  EXPECT_EQ(value_of(verify_chain(leaf_, {{}, anchors, Purpose::kServerAndClient, kNow, PathRules::kStrict})), first);
}

TEST_F(CachedChain, NotBeforeAndNotAfterItIsValid) {
  ASSERT_TRUE(verified(kNow).ok());
  expect_refused(verified(kNow + hours(2)), Code::kExpired, "expired");
  expect_refused(verified(kNow + hours(-1)), Code::kExpired, "not yet valid");
  EXPECT_TRUE(verified(kNow).ok());
}

// At the last second that it names a certificate has expired, for OpenSSL and so for the cache.
TEST_F(CachedChain, AtTheVeryEndOfItsValidity) {
  const Time end = leaf_.facts().not_after;
  ASSERT_TRUE(verified(end + Duration{-1}).ok());
  EXPECT_TRUE(verified(leaf_.facts().not_before).ok());
  expect_refused(verified(end), Code::kExpired, "expired");
  const Certificate anchors[] = {authority_.certificate()};
  expect_refused(verify_chain(leaf_, {{}, anchors, Purpose::kServerAndClient, end, PathRules::kStrict}), Code::kExpired,
                 "expired");
}

TEST_F(CachedChain, OfAnExpiredAuthority) {
  TestAuthority soon(3, {.not_after = kNow + minutes(10)});
  anchor_ = &soon;
  leaf_ = soon.issue();
  ASSERT_TRUE(verified(kNow).ok());
  expect_refused(verified(kNow + minutes(20)), Code::kExpired, "expired");
}

TEST_F(CachedChain, OtherAnchorAndOtherPurpose) {
  leaf_ = authority_.issue({.extended = extended_usage_extension({1})});
  ASSERT_TRUE(verified(kNow, Purpose::kServer).ok());
  expect_refused(verified(kNow, Purpose::kClient), Code::kDenied, "purpose");
  anchor_ = &other_;
  expect_refused(verified(kNow, Purpose::kServer), Code::kDenied, "issuer");
}

TEST_F(CachedChain, AuthorityWhereNoneMayBeTheLeaf) {
  const TestAuthority below(3, {}, &authority_);
  const Certificate anchors[] = {authority_.certificate()};
  ChainRequest request{{}, anchors, Purpose::kAny, kNow, PathRules::kCommon, LeafAuthority::kAllow};
  ASSERT_TRUE(verify_chain(&cache_, below.certificate(), request).ok());
  request.leaf = LeafAuthority::kRefuse;
  expect_refused(verify_chain(&cache_, below.certificate(), request), Code::kDenied, "an authority's certificate");
}

TEST_F(CachedChain, RefusalIsntKept) {
  anchor_ = &other_;
  expect_refused(verified(kNow), Code::kDenied, "issuer");
  anchor_ = &authority_;
  EXPECT_TRUE(verified(kNow).ok());
}

}  // namespace
}  // namespace cloister::crypto
