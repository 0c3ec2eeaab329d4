#include "service/recorder.h"

#include <future>

#include "service/worker_pool.h"
#include "tests/unit/service/harness.h"

namespace cloister::service {
namespace {

class RecorderTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(home_.keys->create_tenant({"acme", ""}, std::nullopt, Harness::caller()).ok()); }
  std::unique_ptr<Recorder> start(RecorderOptions options = {}) {
    return testing::value_of(Recorder::start(home_.backend().open_store, options));
  }
  static keys::Use use(const std::string& subject, std::vector<keys::RowVersion> seen = {}) {
    audit::Event event;
    event.time = kStart;
    event.actor = kTrainer;
    event.action = "unwrap";
    event.tenant = "acme";
    event.subject = subject;
    return {event, {}, std::move(seen)};
  }
  Harness home_;
};

TEST_F(RecorderTest, ManyInFewCommitsInTheirOrder) {
  std::mutex mutex;
  std::vector<std::uint64_t> indexes;
  auto recorder = start({.waiting_max = 1000, .at_once_max = 16});
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(recorder->submit(use(std::to_string(i)), [&](const Result<std::optional<keys::Recorded>>& recorded) {
      const std::lock_guard lock(mutex);
      indexes.push_back(recorded.ok() && *recorded ? (**recorded).index : 0);
    }));
  }
  while (recorder->records() < 100) std::this_thread::yield();
  EXPECT_GE(recorder->commits(), 100U / 16);
  EXPECT_LT(recorder->commits(), 100U);
  recorder.reset();
  ASSERT_EQ(indexes.size(), 100U);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(indexes[i], i + 1);  // after the tenant's making
  EXPECT_EQ(home_.last_event().subject, "99");
}

TEST_F(RecorderTest, WritesWhatWaitsBeforeItEnds) {
  std::atomic<int> done{0};
  auto recorder = start();
  for (int i = 0; i < 50; ++i) recorder->submit(use("x"), [&](const auto&) { ++done; });
  recorder.reset();
  EXPECT_EQ(done, 50);
  EXPECT_EQ(home_.audit_rows().size(), 52U);  // with the home's and the tenant's making
}

TEST_F(RecorderTest, RowThatWasChanged) {
  auto store = testing::value_of(home_.backend().open_store());
  const std::uint64_t version = testing::value_of(store.tenant("acme", "")).row_version;
  auto recorder = start();
  const auto recorded = [&](std::uint64_t row_version) {
    std::promise<bool> answer;
    recorder->submit(use("x", {{"acme", "", "", row_version}}), [&](const Result<std::optional<keys::Recorded>>& one) {
      ASSERT_TRUE(one.ok()) << one.error().message();
      answer.set_value(one.value().has_value());
    });
    return answer.get_future().get();
  };
  EXPECT_TRUE(recorded(version));
  EXPECT_FALSE(recorded(version + 1));
  ASSERT_TRUE(home_.keys->rotate_kek({"acme", ""}, Harness::caller()).ok());
  EXPECT_FALSE(recorded(version));
}

TEST_F(RecorderTest, FullAndFailing) {
  auto full = start({.waiting_max = 0, .at_once_max = 1});
  EXPECT_FALSE(full->submit(use("x"), [](const auto&) { FAIL(); }));
  full.reset();
  home_.sql("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END");
  auto recorder = start();
  std::promise<bool> failed;
  ASSERT_TRUE(recorder->submit(use("x"), [&](const auto& recorded) { failed.set_value(!recorded.ok()); }));
  EXPECT_TRUE(failed.get_future().get());
  EXPECT_EQ(recorder->records(), 0U);
}

class WorkerPoolTest : public RecorderTest {};

TEST_F(WorkerPoolTest, DoesWhatWaitsAndThenNoMore) {
  auto pool = testing::value_of(WorkerPool::start(2, 100, home_.backend().open_hierarchy));
  std::atomic<int> seen{0};
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(pool->submit([&](keys::Hierarchy& hierarchy) { seen += hierarchy.store().tenants().ok() ? 1 : 0; }));
  }
  pool->stop();
  EXPECT_EQ(seen, 50);
  EXPECT_FALSE(pool->submit([](keys::Hierarchy&) { FAIL(); }));
  EXPECT_EQ(pool->waiting(), 0U);
}

TEST_F(WorkerPoolTest, FullAndWithoutAStore) {
  auto pool = testing::value_of(WorkerPool::start(1, 0, home_.backend().open_hierarchy));
  EXPECT_FALSE(pool->submit([](keys::Hierarchy&) { FAIL(); }));
  const auto none = WorkerPool::start(2, 1, [] { return Result<keys::Hierarchy>(Error(Code::kUnavailable, "no")); });
  EXPECT_EQ(none.error().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace cloister::service
