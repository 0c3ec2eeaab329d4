#include "home/content_keys.h"

#include <gtest/gtest.h>

#include "keys/hierarchy.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/local_key.h"
#include "tests/support/temp_dir.h"
#include "tests/support/value_of.h"

namespace cloister::home {
namespace {

using posture::content::KeyUse;
using testing::value_of;

class ContentKeys : public ::testing::Test {
 protected:
  posture::content::KnownKeys known() { return value_of(known_keys(hierarchy_.store())); }
  std::string keyring_id() {
    const auto record = value_of(hierarchy_.store().dataset("acme", "", "corpus"));
    return to_hex(value_of(seal::parse_keyring(record.keyring)).keyring_id);
  }

  testing::TempDir folder_;
  testing::DeterministicRandom random_{1};
  testing::LocalKey root_{1, random_};
  const keys::Caller caller_{"test", Time{1'795'526'589'000}};
  keys::Hierarchy hierarchy_ = value_of(
      keys::Hierarchy::create(value_of(keys::Store::create(folder_ / "keys.db")), root_, "root", random_, caller_));
};

TEST_F(ContentKeys, VersionsByTheStateTheyAreIn) {
  ASSERT_TRUE(hierarchy_.create_tenant({"acme", ""}, std::nullopt, caller_).ok());
  ASSERT_TRUE(hierarchy_.create_dataset({"acme", "", "corpus"}, caller_).ok());
  ASSERT_TRUE(hierarchy_.rotate_dataset_key({"acme", "", "corpus"}, caller_).ok());
  const std::string id = keyring_id();
  const auto keys = known();
  EXPECT_EQ(keys.versions.at({id, 1}).use, KeyUse::kRetired);
  EXPECT_EQ(keys.versions.at({id, 2}).use, KeyUse::kActive);
  EXPECT_TRUE(keys.versions.at({id, 2}).kek.starts_with("cloister:"));
  EXPECT_TRUE(keys.names.contains("keyring:" + id));
}

TEST_F(ContentKeys, UnderADisabledKekNothingOpens) {
  ASSERT_TRUE(hierarchy_.create_tenant({"acme", ""}, std::nullopt, caller_).ok());
  ASSERT_TRUE(hierarchy_.create_dataset({"acme", "", "corpus"}, caller_).ok());
  ASSERT_TRUE(hierarchy_.disable_kek({"acme", ""}, 1, caller_).ok());
  EXPECT_EQ(known().versions.at({keyring_id(), 1}).use, KeyUse::kGone);
}

TEST_F(ContentKeys, AHomeWithoutDatasetsKnowsNothing) { EXPECT_TRUE(known().versions.empty()); }

}  // namespace
}  // namespace cloister::home
