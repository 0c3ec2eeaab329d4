// Datasets held as a whole: while they are, nobody gets at their keys; and what destruction leaves.
#include "keys/dataset_hold.h"

#include "tests/unit/keys/home.h"

namespace cloister::keys {
namespace {

class DatasetHolds : public OnBoth {};
INSTANTIATE_TEST_SUITE_P(On, DatasetHolds, ::testing::ValuesIn(kinds()), kind_name);

// A home with one dataset.
struct Held : Home {
  explicit Held(Kind kind) : Home(kind) {
    expect_ok(keys->create_tenant(kAcme, std::nullopt, caller()));
    expect_ok(keys->create_dataset(kMnist, caller()));
  }
};

TEST_P(DatasetHolds, DisabledOpensNothingUntilEnabled) {
  Held home(GetParam());
  const auto before = home.keys->store().dataset(kMnist.tenant, kMnist.environment, kMnist.dataset);
  expect_ok(home.keys->disable_dataset(kMnist, home.caller()));
  expect_error(home.keys->unlock_keyring(kMnist, "open", home.caller()), Code::kDenied, "is disabled");
  expect_error(home.keys->rotate_dataset_key(kMnist, home.caller()), Code::kDenied, "is disabled");
  const auto after = home.keys->store().dataset(kMnist.tenant, kMnist.environment, kMnist.dataset);
  EXPECT_GT(after->row_version, before->row_version);
  expect_ok(home.keys->rotate_kek(kAcme, home.caller()));
  expect_ok(home.keys->disable_dataset(kMnist, home.caller()));
  expect_ok(home.keys->enable_dataset(kMnist, home.caller()));
  expect_ok(home.keys->unlock_keyring(kMnist, "open", home.caller()));
}

TEST_P(DatasetHolds, DestructionWaits) {
  Held home(GetParam());
  expect_error(home.keys->schedule_dataset_destruction(kMnist, days(6), home.caller()), Code::kInvalid);
  expect_error(home.keys->destroy_dataset(kMnist, home.caller()), Code::kDenied);
  expect_ok(home.keys->schedule_dataset_destruction(kMnist, days(7), home.caller()));
  expect_error(home.keys->unlock_keyring(kMnist, "open", home.caller()), Code::kDenied, "is to be destroyed");
  expect_error(home.keys->enable_dataset(kMnist, home.caller()), Code::kDenied);
  expect_error(home.keys->disable_dataset(kMnist, home.caller()), Code::kDenied);
  expect_error(home.keys->schedule_dataset_destruction(kMnist, days(9), home.caller()), Code::kDenied);
  expect_error(home.keys->destroy_dataset(kMnist, home.caller(days(6))), Code::kDenied);
  EXPECT_TRUE(datasets_to_destroy(home.keys->store(), home.caller(days(6)).now)->empty());
  expect_ok(home.keys->cancel_dataset_destruction(kMnist, home.caller()));
  expect_error(home.keys->unlock_keyring(kMnist, "open", home.caller()), Code::kDenied, "is disabled");
  expect_error(home.keys->cancel_dataset_destruction(kMnist, home.caller()), Code::kDenied);
}

TEST_P(DatasetHolds, DestroyedForEver) {
  Held home(GetParam());
  expect_ok(home.keys->rotate_dataset_key(kMnist, home.caller()));
  expect_ok(home.keys->schedule_dataset_destruction(kMnist, days(7), home.caller()));
  const Caller due = home.caller(days(7));
  ASSERT_EQ(datasets_to_destroy(home.keys->store(), due.now)->size(), 1U);
  expect_ok(home.keys->destroy_dataset(kMnist, due));
  EXPECT_TRUE(datasets_to_destroy(home.keys->store(), due.now)->empty());
  expect_error(home.keys->unlock_keyring(kMnist, "open", due), Code::kDenied, "is destroyed");
  for (const Status& status :
       {home.keys->enable_dataset(kMnist, due), home.keys->disable_dataset(kMnist, due),
        home.keys->cancel_dataset_destruction(kMnist, due), home.keys->destroy_dataset(kMnist, due)}) {
    expect_error(status, Code::kDenied);
  }
  const auto record = home.keys->store().dataset(kMnist.tenant, kMnist.environment, kMnist.dataset);
  const auto outline = seal::parse_keyring(record->keyring);
  ASSERT_TRUE(outline.ok());
  ASSERT_EQ(outline->keys.size(), 3U);
  EXPECT_EQ(outline->keys[0].state, seal::DatasetKeyState::kDestroyed);
  EXPECT_EQ(outline->keys[1].state, seal::DatasetKeyState::kDestroyed);
  EXPECT_EQ(outline->keys[2].state, seal::DatasetKeyState::kPrimary);
}

TEST_P(DatasetHolds, NoSuchDataset) {
  Held home(GetParam());
  const DatasetName none{kAcme.tenant, kAcme.environment, "none"};
  expect_error(home.keys->disable_dataset(none, home.caller()), Code::kNotFound);
  EXPECT_EQ(home.audit_rows().back().event.outcome, audit::Outcome::kRefused);
}

TEST_P(DatasetHolds, MalformedHoldOpensNothing) {
  Held home(GetParam());
  expect_ok(home.keys->disable_dataset(kMnist, home.caller()));
  home.sql("UPDATE settings SET value = 'destruction soon' WHERE name LIKE 'dataset_hold:%'");
  expect_error(home.keys->unlock_keyring(kMnist, "open", home.caller()), Code::kCorrupt);
}

}  // namespace
}  // namespace cloister::keys
