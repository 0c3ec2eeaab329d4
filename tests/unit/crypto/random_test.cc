#include "crypto/random.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/deterministic_random.h"

namespace cloister::crypto {
namespace {

using cloister::testing::DeterministicRandom;

TEST(SystemRandom, NeverRepeats) {
  SystemRandom random;
  std::set<std::array<std::uint8_t, 16>> seen;
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(seen.insert(random_array<16>(random)).second);
}

TEST(SystemRandom, FillsMoreThanItsBuffer) {
  SystemRandom random;
  random.fill({});
  Bytes bytes(100'000);
  random.fill(bytes);
  for (std::size_t at = 0; at < bytes.size(); at += 1000) {
    EXPECT_FALSE(all_zero(ByteView(bytes).subspan(at, 1000))) << at;
  }
}

TEST(SystemRandom, ThreadsHaveTheirOwn) {
  std::vector<std::array<std::uint8_t, 32>> drawn(8);
  std::vector<std::thread> threads;
  for (auto& mine : drawn) {
    threads.emplace_back([&mine] {
      SystemRandom random;
      mine = random_array<32>(random);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(std::set(drawn.begin(), drawn.end()).size(), drawn.size());
}

TEST(SystemRandom, AForkedChildDoesNotRepeatItsParent) {
  SystemRandom random;
  random_array<16>(random);  // the buffer is full now, and both processes have it
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto bytes = random_array<32>(random);
    ::_exit(::write(ends[1], bytes.data(), bytes.size()) == 32 ? 0 : 1);
  }
  const auto own = random_array<32>(random);
  std::array<std::uint8_t, 32> other{};
  EXPECT_EQ(::read(ends[0], other.data(), other.size()), 32);
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_NE(own, other);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(DeterministicRandom, RepeatsBySeedHoweverItIsAsked) {
  DeterministicRandom one(7);
  DeterministicRandom two(7);
  DeterministicRandom other(8);
  const auto whole = random_array<100>(one);
  std::array<std::uint8_t, 100> pieces{};
  for (std::size_t at = 0; at < pieces.size(); at += 10) two.fill(MutableByteView(pieces).subspan(at, 10));
  EXPECT_EQ(whole, pieces);
  EXPECT_NE(whole, random_array<100>(other));
}

}  // namespace
}  // namespace cloister::crypto
