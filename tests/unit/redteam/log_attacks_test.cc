#include "redteam/log_attacks.h"

#include "kms/software_key.h"
#include "redteam/lab.h"
#include "tests/support/value_of.h"
#include "tests/unit/redteam/fixture.h"

namespace cloister::redteam {
namespace {

using testing::value_of;

class Logs : public Exercises {
 protected:
  void SetUp() override {
    lab_ = value_of(Lab::create(field_));
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(lab_->opener(kAlder).ok());
  }
  const Field field_ = field();
  std::unique_ptr<Lab> lab_;
};

TEST_F(Logs, TamperingShows) {
  const Anchors anchors = value_of(anchors_of(lab_->store_path()));
  const Report report = run_log_tampering(
      field_, {lab_->store_path(), [&](const Path& store) { return verify_anchored(store, anchors); }});
  expect_defended(report);
  EXPECT_GE(report.cases, 20);
}

// What is right in itself can't be told from the true one without an anchor.
TEST_F(Logs, TamperingWithoutAnAnchor) {
  const Report report =
      run_log_tampering(field_, {lab_->store_path(), [](const Path& store) { return verify_anchored(store, {}); }});
  expect_failed(report);
  EXPECT_EQ(report.cases - report.refused, 5) << transcript(report);
  EXPECT_NE(report.reason.find("note of the newest"), std::string::npos) << report.reason;
}

TEST_F(Logs, TamperingThatNobodyLooksFor) {
  expect_failed(run_log_tampering(field_, {lab_->store_path(), [](const Path&) { return ok_status(); }}));
}

TEST_F(Logs, TamperingWithWhatDoesNotVerifyAnyway) {
  const auto refuse = [](const Path&) { return Status(Error(Code::kCorrupt, "broken")); };
  expect_not_run(run_log_tampering(field_, {lab_->store_path(), refuse}), "as it is");
  expect_not_run(run_log_tampering(field_, {field_.folder / "no.db", refuse}), "no.db");
}

TEST_F(Logs, TheLogItselfIsNotTouched) {
  const Anchors before = value_of(anchors_of(lab_->store_path()));
  run_log_tampering(field_, {lab_->store_path(), [](const Path&) { return ok_status(); }});
  EXPECT_EQ(value_of(anchors_of(lab_->store_path())), before);
  EXPECT_TRUE(verify_anchored(lab_->store_path(), before).ok());
}

// Why RT-K10 needs an anchor: the store alone can't tell.
TEST_F(Logs, OldCopyOpensWhatWasDestroyedSince) {
  const Path old = field_.folder / "old.db";
  ASSERT_TRUE(copy_store(lab_->store_path(), old).ok());
  const keys::TenantName tenant{kAlder.tenant, ""};
  ASSERT_TRUE(lab_->keys().destroy_kek_immediately(tenant, 1, "drill", lab_->caller()).ok());
  EXPECT_FALSE(lab_->opener(kAlder).ok());
  const Anchors anchors = value_of(anchors_of(lab_->store_path()));

  auto root = value_of(kms::SoftwareKey::open(lab_->root_path(), std::nullopt, random_));
  auto restored = value_of(keys::Hierarchy::open(value_of(keys::Store::open(old)), *root, root->key_id(), random_));
  EXPECT_TRUE(restored.unlock_keyring(kAlder, "redteam", lab_->caller()).ok());
  EXPECT_FALSE(verify_anchored(old, anchors).ok());
}

}  // namespace
}  // namespace cloister::redteam
