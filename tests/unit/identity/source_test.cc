#include "identity/source.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/identity/fixture.h"

namespace cloister::identity {
namespace {

using namespace testing;

std::shared_ptr<const Snapshot> snapshot_of(Realm& realm, std::string_view uri = "spiffe://example.org/worker") {
  return value_of(Snapshot::create(realm.issue(uri), key_of_seed(1000), realm.bundles(), kNow));
}

TEST(Snapshot, HoldsTogether) {
  Realm realm;
  const auto snapshot = snapshot_of(realm);
  EXPECT_EQ(snapshot->svid().id(), id_of());
  EXPECT_EQ(snapshot->not_after(), kNow + hours(1));
  EXPECT_EQ(snapshot->key().public_key(), value_of(snapshot->svid().leaf().public_key()));
  EXPECT_NE(snapshot->bundles().find(domain_of()), nullptr);
}

TEST(Snapshot, KeyOfAnother) {
  Realm realm;
  expect_refused(Snapshot::create(realm.issue(), key_of_seed(1001), realm.bundles(), kNow), Code::kInvalid,
                 "isn't that of");
}

TEST(Snapshot, OwnBundleMissingOrOlder) {
  Realm realm;
  expect_refused(Snapshot::create(realm.issue(), key_of_seed(1000), {}, kNow), Code::kDenied, "no bundle");
  Realm stranger("example.org", 77);
  expect_refused(Snapshot::create(realm.issue(), key_of_seed(1000), stranger.bundles(), kNow), Code::kDenied, "");
}

TEST(Snapshot, Expired) {
  Realm realm;
  expect_refused(Snapshot::create(realm.issue(), key_of_seed(1000), realm.bundles(), kNow + hours(1)), Code::kExpired,
                 "expired");
}

TEST(Source, OldOneLivesAsLongAsItIsHeld) {
  Realm realm;
  Source source(snapshot_of(realm, "spiffe://example.org/a"));
  const auto held = source.current();
  source.replace(snapshot_of(realm, "spiffe://example.org/b"));
  EXPECT_EQ(held->svid().id(), id_of("spiffe://example.org/a"));
  EXPECT_EQ(source.current()->svid().id(), id_of("spiffe://example.org/b"));
}

TEST(Source, BundleThatWasLeftOutIsGone) {
  Realm realm;
  Realm other("example.com", 20);
  const BundleSet both = realm.bundles().with(other.rotation.bundle());
  Source source(value_of(Snapshot::create(realm.issue(), key_of_seed(1000), both, kNow)));
  EXPECT_NE(source.current()->bundles().find(domain_of("example.com")), nullptr);
  source.replace(snapshot_of(realm));
  EXPECT_EQ(source.current()->bundles().find(domain_of("example.com")), nullptr);
}

TEST(Source, ReadWhileItIsReplaced) {
  Realm realm;
  const auto a = snapshot_of(realm, "spiffe://example.org/a");
  const auto b = snapshot_of(realm, "spiffe://example.org/b");
  Source source(a);
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto seen = source.current();
        if (seen != a && seen != b) ++wrong;
        if (!verify_x509_svid(seen->svid(), seen->bundles(), kNow).ok()) ++wrong;
      }
    });
  }
  for (int i = 0; i < 2000; ++i) source.replace(i % 2 == 0 ? b : a);
  stop = true;
  readers.clear();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace cloister::identity
