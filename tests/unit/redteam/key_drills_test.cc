// The drills of the life of keys: the canary home comes through all of them, and a home that doesn't is found out.
#include "redteam/key_drills.h"

#include <sys/stat.h>

#include "keys/anchor.h"
#include "redteam/lab.h"
#include "redteam/log_attacks.h"
#include "redteam/run.h"
#include "tests/support/value_of.h"
#include "tests/unit/redteam/fixture.h"

namespace cloister::redteam {
namespace {

using testing::value_of;

Status well() { return {}; }
Status refused() { return Error(Code::kDenied, "no"); }

class KeyDrills : public Exercises {
 protected:
  void SetUp() override { lab_ = value_of(Lab::create(field_)); }
  const Field field_ = field();
  std::unique_ptr<Lab> lab_;
};

TEST_F(KeyDrills, KekRotation) {
  const Report report = run_kek_rotation(field_, value_of(kek_rotation_target(*lab_)));
  expect_defended(report);
  EXPECT_EQ(report.covers, (std::vector<std::string>{"data-unchanged", "readers", "retired-refused", "rewrapped"}));
}

TEST_F(KeyDrills, KekRotationThatFails) {
  KekRotationTarget target = value_of(kek_rotation_target(*lab_));
  const KekRotationTarget sound = target;
  target.all_rewrapped = refused;
  expect_failed(run_kek_rotation(field_, target));
  target = sound;
  target.use_retired = well;
  const Report report = run_kek_rotation(field_, target);
  expect_failed(report);
  EXPECT_EQ(std::ranges::count(report.covers, "retired-refused"), 0);
}

// A refusal of what comes before the attempt is none of the attempt.
TEST_F(KeyDrills, RetiredVersionThatCannotBePutBack) {
  const KekRotationTarget target = value_of(kek_rotation_target(*lab_));
  ASSERT_TRUE(target.rotate().ok());
  ASSERT_TRUE(target.retire().ok());
  const keys::Anchor anchor(field_.folder / "anchor");
  ASSERT_TRUE(anchor.make(lab_->keys().store()).ok());
  ASSERT_TRUE(lab_->keys().store().follow(anchor).ok());
  ASSERT_EQ(::chmod(field_.folder.c_str(), 0777), 0);
  const Status came = target.use_retired();
  ASSERT_FALSE(came.ok());
  EXPECT_EQ(came.error().code(), Code::kInternal) << came.error().message();
}

TEST_F(KeyDrills, ReaderThatFailsDuringARotation) {
  KekRotationTarget target = value_of(kek_rotation_target(*lab_));
  std::atomic<int> reads = 0;
  target.open = [&, open = target.open](const Path& object) -> Result<Bytes> {
    if (++reads == 12) return Error(Code::kCorrupt, "planted");
    return open(object);
  };
  const Report report = run_kek_rotation(field_, target);
  expect_failed(report);
  EXPECT_EQ(std::ranges::count(report.covers, "readers"), 0);
}

TEST_F(KeyDrills, NothingToRotate) {
  KekRotationTarget target = value_of(kek_rotation_target(*lab_));
  target.objects.clear();
  expect_not_run(run_kek_rotation(field_, target), "nothing");
  target.objects = {field_.folder / "not-there"};
  expect_not_run(run_kek_rotation(field_, target), "before");
}

// What there was no time for didn't get through.
TEST_F(KeyDrills, KekRotationWithoutTime) {
  Field late = field_;
  late.until = 0;
  expect_not_run(run_kek_rotation(late, value_of(kek_rotation_target(*lab_))), "time was over");
}

TEST_F(KeyDrills, DekRotationWithoutTime) {
  Field late = field_;
  late.until = 0;
  expect_not_run(run_dek_rotation(late, value_of(dek_rotation_target(*lab_, field_))), "time was over");
}

TEST_F(KeyDrills, DekRotation) {
  const Report report = run_dek_rotation(field_, value_of(dek_rotation_target(*lab_, field_)));
  expect_defended(report);
  EXPECT_EQ(report.covers, (std::vector<std::string>{"old-removed", "re-encrypted", "refused-for-new"}));
}

TEST_F(KeyDrills, DekThatGoesOnBeingUsed) {
  DekRotationTarget target = value_of(dek_rotation_target(*lab_, field_));
  target.use_for_new = well;
  target.destroy = well;  // and isn't destroyed
  const Report report = run_dek_rotation(field_, target);
  expect_failed(report);
  EXPECT_EQ(report.covers, (std::vector<std::string>{"re-encrypted"}));
}

TEST_F(KeyDrills, DependantThatIsNotListed) {
  DekRotationTarget target = value_of(dek_rotation_target(*lab_, field_));
  target.dependants = [list = target.dependants]() -> Result<std::vector<Path>> {
    CLOISTER_TRY(auto all, list());
    if (!all.empty()) all.pop_back();
    return all;
  };
  expect_failed(run_dek_rotation(field_, target));
}

TEST_F(KeyDrills, Destruction) {
  const Report report = run_destruction(field_, value_of(destruction_target(*lab_, field_)));
  expect_defended(report);
  EXPECT_EQ(report.covers, (std::vector<std::string>{"backup", "cache", "primary", "replica"}));
}

// Without an anchor the older store opens, as it always will for who has it and the root.
TEST_F(KeyDrills, DestructionWithoutAnAnchor) {
  DestructionTarget target = value_of(destruction_target(*lab_, field_));
  target.from_backup = [&](const Path& object) {
    return open_in_home({field_.folder / "older.db", lab_->root_path(), {}}, kAlder, field_.now, object);
  };
  const Report report = run_destruction(field_, target);
  expect_failed(report);
  EXPECT_EQ(report.covers, (std::vector<std::string>{"cache", "primary", "replica"}));
}

TEST_F(KeyDrills, CopyThatLagsWithoutAnAnchor) {
  DestructionTarget target = value_of(destruction_target(*lab_, field_));
  target.from_lagging = [&](const Path& object) {
    return open_in_home({field_.folder / "replica.db", lab_->root_path(), {}}, kAlder, field_.now, object);
  };
  const Report report = run_destruction(field_, target);
  expect_failed(report);
  EXPECT_EQ(report.covers, (std::vector<std::string>{"backup", "cache", "primary"}));
}

// The canary home's anchor says nothing about a home that has none.
TEST_F(KeyDrills, DestructionInAHomeWithoutAnAnchor) {
  DestructionTarget target = value_of(destruction_target(*lab_, field_));
  target.copies_count = false;
  const Report report = run_destruction(field_, target);
  expect_defended(report);
  EXPECT_EQ(report.covers, (std::vector<std::string>{"cache", "primary"}));
}

TEST_F(KeyDrills, DestructionThatDestroysNothing) {
  DestructionTarget target = value_of(destruction_target(*lab_, field_));
  target.destroy = well;
  target.open = target.open_other;
  expect_not_run(run_destruction(field_, target), "before");
}

TEST_F(KeyDrills, RestoredStore) {
  const Report report = run_restored_store(field_, value_of(restored_store_target(*lab_, field_)));
  expect_defended(report);
  EXPECT_EQ(report.cases, 4);
}

TEST_F(KeyDrills, RestoredHome) {
  const Path anchor = field_.folder / "anchor";
  expect_failed(run_restored_home(field("without"), lab_->store_path(), ""));
  ASSERT_TRUE(keys::Anchor(anchor).make(lab_->keys().store()).ok());
  ASSERT_TRUE(lab_->opener(kAlder).ok());  // a use of a key, which the anchor doesn't know of
  expect_defended(run_restored_home(field("with"), lab_->store_path(), anchor));
  expect_not_run(run_restored_home(field("gone"), lab_->store_path(), field_.folder / "no-anchor"), "no-anchor");
  expect_not_run(run_restored_home(field("nothing"), field_.folder / "no.db", anchor), "no.db");
}

// What the canary home is held against says nothing about a home that has no file.
TEST_F(KeyDrills, RestoredHomeInPostgres) {
  RunOptions options;
  options.authorised_by = "ada";
  options.exercises = {"RT-K10"};
  options.targets.postgres = true;
  const auto reports =
      value_of(run(built_in_playbook(), options, field_.folder, random_, field_.now, progress_, Observer()));
  ASSERT_EQ(reports.size(), 1U);
  expect_not_run(reports[0], "PostgreSQL");
}

}  // namespace
}  // namespace cloister::redteam
