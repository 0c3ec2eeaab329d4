#include "posture/collect/content/statistics.h"

#include <gtest/gtest.h>

#include "tests/support/content_estate.h"

namespace cloister::posture::content {
namespace {

using testing::model_weights;
using testing::noise;
using testing::Numbers;

Looks looks_of(ByteView bytes, std::uint64_t budget = 0) {
  Bytes buffer(kWindow);
  const auto looks = look_at_region(sample_of(bytes), {0, bytes.size()}, budget, buffer);
  EXPECT_TRUE(looks.ok());
  return looks.ok() ? *looks : Looks::kTooSmall;
}

TEST(Statistics, CiphertextOfAnySizeLooksRandom) {
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    const Bytes bytes = noise(seed, 64 + seed * seed % 20'000);
    EXPECT_EQ(looks_of(bytes), Looks::kRandom) << seed;
  }
}

TEST(Statistics, SuspiciousWindowsThatAreAllowed) {
  const auto looks = [](int suspicious, int good, Prior prior) {
    WindowTally tally;
    for (int i = 0; i < suspicious; ++i) tally.add({.size = kWindow, .chi_square = 350});
    for (int i = 0; i < good; ++i) tally.add({.size = kWindow, .chi_square = 255});
    return tally.looks(prior);
  };
  EXPECT_EQ(looks(1, 0, Prior::kNone), Looks::kRandom);
  EXPECT_EQ(looks(1, 15, Prior::kNone), Looks::kRandom);
  EXPECT_EQ(looks(2, 14, Prior::kNone), Looks::kPlain);
  EXPECT_EQ(looks(2, 14, Prior::kKnownKey), Looks::kRandom);
  EXPECT_EQ(looks(3, 13, Prior::kKnownKey), Looks::kPlain);
}

TEST(Statistics, OneWindowBeyondTheFarBoundsIsPlainWhateverSpeaksForIt) {
  WindowTally tally;
  tally.add({.size = kWindow, .chi_square = 421});
  EXPECT_EQ(tally.looks(), Looks::kPlain);
  EXPECT_EQ(tally.looks(Prior::kKnownKey), Looks::kPlain);
}

TEST(Statistics, ManyWindowsOfCiphertextAreNotMoreSuspiciousThanOne) {
  int plain = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    plain += looks_of(noise(seed, 40 * kWindow)) == Looks::kRandom ? 0 : 1;
  EXPECT_EQ(plain, 0);
}

TEST(Statistics, WeightsOfEveryPrecisionArePlain) {
  for (const Numbers numbers :
       {Numbers::kFloat32, Numbers::kFloat16, Numbers::kBfloat16, Numbers::kInt8, Numbers::kNibbles}) {
    EXPECT_EQ(looks_of(model_weights(1, 100'000, numbers)), Looks::kPlain) << static_cast<int>(numbers);
    EXPECT_EQ(looks_of(model_weights(2, 3000, numbers)), Looks::kPlain) << static_cast<int>(numbers);
  }
}

TEST(Statistics, RepeatedBlocksArePlainThoughEveryByteIsAsFrequent) {
  Bytes ecb;
  while (ecb.size() < kWindow) {
    const Bytes block = noise(5, 4096);
    ecb.insert(ecb.end(), block.begin(), block.end());
  }
  EXPECT_EQ(looks_of(ecb), Looks::kPlain);
}

TEST(Statistics, CountersArePlainThoughTheirHistogramIsFlat) {
  Bytes counter(kWindow);
  for (std::size_t i = 0; i < counter.size(); ++i) counter[i] = static_cast<std::uint8_t>(i);
  EXPECT_LT(measure(counter).chi_square, 1);
  EXPECT_EQ(looks_of(counter), Looks::kPlain);
}

TEST(Statistics, PlaintextInTheMiddleIsFound) {
  Bytes bytes = noise(6, 20 * kWindow);
  const Bytes text = testing::json_lines(1, 8000);
  std::ranges::copy(text, bytes.begin() + 9 * static_cast<std::ptrdiff_t>(kWindow) + 300);
  EXPECT_EQ(looks_of(bytes), Looks::kPlain);
}

TEST(Statistics, ZerosAreNothing) {
  EXPECT_EQ(looks_of(Bytes(3 * kWindow)), Looks::kEmpty);
  // Zeros where it was looked aren't zeros everywhere.
  EXPECT_EQ(looks_of(Bytes(64 * kWindow), 4 * kWindow), Looks::kPlain);
}

TEST(Statistics, FewBytesSayNothing) { EXPECT_EQ(looks_of(noise(1, 63)), Looks::kTooSmall); }

TEST(Statistics, HolesArePassedOver) {
  const Bytes text = testing::json_lines(2, 1000);
  Sample sample = sample_of(text);
  sample.size = std::uint64_t{1} << 44;
  int reads = 0;
  sample.read_at = [&](std::uint64_t, MutableByteView out) {
    ++reads;
    std::ranges::copy(ByteView(text).first(std::min(text.size(), out.size())), out.begin());
    return ok_status();
  };
  sample.next_data = [&](std::uint64_t offset) { return std::max(offset, sample.size - 1000); };
  sample.head = {};
  Bytes buffer(kWindow);
  const auto looks = look_at_region(sample, {0, sample.size}, 16 * kWindow, buffer);
  ASSERT_TRUE(looks.ok());
  EXPECT_EQ(*looks, Looks::kPlain);
  EXPECT_LE(reads, 16);
}

TEST(Statistics, AReadThatFailsIsNoVerdict) {
  const Bytes bytes = noise(7, 1000);
  Sample sample = sample_of(bytes);
  sample.size = 100'000;
  Bytes buffer(kWindow);
  EXPECT_FALSE(look_at_region(sample, {0, sample.size}, 0, buffer).ok());
}

}  // namespace
}  // namespace cloister::posture::content
