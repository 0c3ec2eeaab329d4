// Leased keys: kept, wiped, forgotten.
#include "kms/lease_cache.h"

#include <gtest/gtest.h>

#include "crypto/random.h"

namespace cloister::kms {
namespace {

LeaseCache::Name name(std::uint8_t number) { return crypto::sha256(ByteView(&number, 1)); }

class LeaseCacheTest : public ::testing::Test {
 protected:
  crypto::KeyMaterial key() { return crypto::KeyMaterial::random(random_); }
  crypto::SystemRandom random_;
};

bool same(const crypto::KeyMaterial& a, const crypto::KeyMaterial& b) {
  return crypto::equal_constant_time(a.secret().expose(), b.secret().expose());
}

TEST_F(LeaseCacheTest, GivesWhatItKeeps) {
  LeaseCache cache;
  const auto first = key();
  const auto second = key();
  cache.put(name(1), 1, first.duplicate(), minutes(1));
  cache.put(name(2), 1, second.duplicate(), minutes(1));
  ASSERT_TRUE(cache.find(name(1)));
  EXPECT_TRUE(same(*cache.find(name(1)), first));
  EXPECT_TRUE(same(*cache.find(name(2)), second));
  EXPECT_FALSE(cache.find(name(3)));
}

TEST_F(LeaseCacheTest, NothingIsKeptWithoutALease) {
  LeaseCache cache;
  cache.put(name(1), 1, key(), Duration{0});
  cache.put(name(2), 1, key(), Duration{-5});
  EXPECT_EQ(cache.size(), 0u);
}

TEST_F(LeaseCacheTest, WipedAtTheEndOfTheLeaseThoughNobodyAsks) {
  LeaseCache cache;
  cache.put(name(1), 1, key(), Duration{30});
  cache.put(name(2), 1, key(), minutes(10));
  for (int i = 0; i < 1000 && cache.size() > 1; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_FALSE(cache.find(name(1)));
  EXPECT_TRUE(cache.find(name(2)));
}

TEST_F(LeaseCacheTest, ANewLeaseReplacesTheOldOne) {
  LeaseCache cache;
  cache.put(name(1), 1, key(), Duration{1});
  const auto newer = key();
  cache.put(name(1), 2, newer.duplicate(), minutes(1));
  ASSERT_TRUE(cache.find(name(1)));
  EXPECT_TRUE(same(*cache.find(name(1)), newer));
}

TEST_F(LeaseCacheTest, FullItGivesUpTheOneThatEndsFirst) {
  LeaseCache cache(2);
  cache.put(name(1), 1, key(), minutes(3));
  cache.put(name(2), 1, key(), minutes(1));
  cache.put(name(3), 1, key(), minutes(2));
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_TRUE(cache.find(name(1)));
  EXPECT_FALSE(cache.find(name(2)));
  EXPECT_TRUE(cache.find(name(3)));
}

TEST_F(LeaseCacheTest, VersionsThatServeNoMoreAreForgotten) {
  LeaseCache cache;
  cache.put(name(1), 1, key(), minutes(1));
  cache.put(name(2), 2, key(), minutes(1));
  cache.keep_if([](std::uint32_t version) { return version == 2; });
  EXPECT_FALSE(cache.find(name(1)));
  EXPECT_TRUE(cache.find(name(2)));
  cache.clear();
  EXPECT_EQ(cache.size(), 0u);
}

}  // namespace
}  // namespace cloister::kms
