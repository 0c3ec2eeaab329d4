#include "audit/anomaly/shared_detector.h"

#include <atomic>
#include <thread>

#include "tests/unit/audit/anomaly/stream.h"

namespace cloister::audit::anomaly {
namespace {

Thresholds of_a_service() {
  Thresholds thresholds;
  thresholds.log_indices = LogIndices::kReference;
  return thresholds;
}

UsageEvent probe(std::int64_t ms) {
  UsageEvent event;
  event.time = Time{ms};
  event.tenant = "acme";
  event.principal = kServe;
  event.operation = Operation::kUnwrap;
  event.key_id = "model";
  event.outcome = UsageOutcome::kWrongTenant;
  return event;
}

TEST(SharedDetector, FourThreadsLoseNothingAndNothingIsToldTwice) {
  constexpr int kThreads = 4, kEvents = 2000;
  SharedDetector detector(detector_of(of_a_service()));
  std::atomic<int> told = 0;
  std::vector<std::thread> threads;
  for (int number = 0; number < kThreads; ++number) {
    threads.emplace_back([&detector, &told, number] {
      for (int i = 0; i < kEvents; ++i) {
        UsageEvent event = probe(Stream::kMonday + i);
        event.audit_index = static_cast<std::uint64_t>(i * kThreads + number + 1);
        told += static_cast<int>(detector.observe(event).size());
        if (i % 500 != 0) continue;
        EXPECT_TRUE(Detector::restore(detector.snapshot(), {}, {}).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  // High at the first, critical at the third, medium when they are a burst, and not a word about the order.
  EXPECT_EQ(told, 3);
  EXPECT_EQ(detector.counts().principals, 1U);
}

TEST(SharedDetector, GoesOnWhereItsSnapshotWasTaken) {
  SharedDetector first(detector_of(of_a_service()));
  EXPECT_EQ(first.observe(probe(Stream::kMonday)).size(), 1U);
  auto restored = Detector::restore(first.snapshot(), of_a_service(), {});
  ASSERT_TRUE(restored.ok());
  SharedDetector second(std::move(restored).value());
  EXPECT_TRUE(second.observe(probe(Stream::kMonday + 1)).empty());
}

TEST(SharedDetector, APlanWithoutAKeyIsRefused) {
  SharedDetector detector(detector_of());
  EXPECT_FALSE(detector.plan_job("acme", {"job", kServe, "", 5, Time{1}, Time{2}}).ok());
  EXPECT_TRUE(detector.plan_job("acme", {"job", kServe, "model", 5, Time{1}, Time{2}}).ok());
}

}  // namespace
}  // namespace cloister::audit::anomaly
