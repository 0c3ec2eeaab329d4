#include "base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>

namespace cloister {
namespace {

TEST(Parallel, DoesEveryPieceOnce) {
  for (const unsigned threads : {1U, 2U, 7U}) {
    std::mutex mutex;
    std::multiset<std::uint64_t> seen;
    std::atomic<unsigned> workers{0};
    const Status status = parallel_pieces(threads, 100, [&]() -> PieceWorker {
      ++workers;
      return [&](std::uint64_t piece) -> Status {
        const std::lock_guard lock(mutex);
        seen.insert(piece);
        return {};
      };
    });
    EXPECT_TRUE(status.ok());
    EXPECT_EQ(seen.size(), 100U);
    EXPECT_EQ(std::set<std::uint64_t>(seen.begin(), seen.end()).size(), 100U);
    EXPECT_LE(workers.load(), threads);
  }
}

TEST(Parallel, TheFirstErrorStopsTheRest) {
  std::atomic<std::uint64_t> done{0};
  const Status status = parallel_pieces(3, 1'000'000'000, [&]() -> PieceWorker {
    return [&](std::uint64_t piece) -> Status {
      if (piece == 50) return Error(Code::kCorrupt, "piece 50");
      ++done;
      return {};
    };
  });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message(), "piece 50");
  EXPECT_LT(done.load(), 1'000'000'000U);
}

TEST(Parallel, NothingToDoIsDone) {
  const auto fails = []() -> PieceWorker {
    return [](std::uint64_t) -> Status { return Error(Code::kInternal, "x"); };
  };
  EXPECT_TRUE(parallel_pieces(4, 0, fails).ok());
}

TEST(Parallel, ThreadCountStaysInItsLimits) {
  EXPECT_GE(thread_count(0), 1U);
  EXPECT_LE(thread_count(0), 16U);
  EXPECT_EQ(thread_count(3), 3U);
  EXPECT_EQ(thread_count(1000), 16U);
}

}  // namespace
}  // namespace cloister
