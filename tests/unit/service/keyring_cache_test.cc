#include "service/keyring_cache.h"

#include <gtest/gtest.h>

namespace cloister::service {
namespace {

std::shared_ptr<const CachedKeyring> keyring(std::size_t keys) {
  auto made = std::make_shared<CachedKeyring>();
  for (std::size_t i = 1; i <= keys; ++i) {
    made->versions.emplace_back(static_cast<std::uint32_t>(i), seal::DatasetKeyState::kEnabled);
  }
  return made;
}

TEST(KeyringCache, TheLeastRecentlyUsedGoes) {
  KeyringCache cache(2);
  const auto a = keyring(1);
  cache.put("a", a);
  cache.put("b", keyring(1));
  EXPECT_EQ(cache.find("a"), a);
  cache.put("c", keyring(1));
  EXPECT_EQ(cache.find("b"), nullptr);
  EXPECT_EQ(cache.find("a"), a);
  EXPECT_EQ(cache.size(), 2U);
}

TEST(KeyringCache, BoundedInKeysToo) {
  KeyringCache cache(100);
  for (int i = 0; i < 10; ++i) cache.put(std::to_string(i), keyring(4096));
  EXPECT_EQ(cache.size(), KeyringCache::kKeysMax / 4096);
  EXPECT_NE(cache.find("9"), nullptr);
  EXPECT_EQ(cache.find("0"), nullptr);
}

TEST(KeyringCache, DropsOnlyTheOneMeant) {
  KeyringCache cache(2);
  const auto before = keyring(1);
  const auto after = keyring(2);
  cache.put("a", before);
  cache.put("a", after);
  cache.drop("a", before.get());
  EXPECT_EQ(cache.find("a"), after);
  cache.drop("a", after.get());
  cache.drop("a", after.get());
  EXPECT_EQ(cache.find("a"), nullptr);
  EXPECT_EQ(cache.size(), 0U);
}

}  // namespace
}  // namespace cloister::service
