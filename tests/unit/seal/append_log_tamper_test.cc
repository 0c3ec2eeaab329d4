// Logs that were damaged, cut up or put together by somebody else.
#include <gtest/gtest.h>

#include "tests/unit/seal/append_log_fixture.h"

namespace cloister::seal {
namespace {

using AppendLogTamperTest = AppendLogTest;

Bytes cut_out(const Bytes& bytes, std::uint64_t from, std::uint64_t to) {
  Bytes left(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(from));
  left.insert(left.end(), bytes.begin() + static_cast<std::ptrdiff_t>(to), bytes.end());
  return left;
}

// Bit rot in what was acknowledged is never cut away as if it were torn.
TEST_F(AppendLogTamperTest, BitRotInAnEarlierFrame) {
  append({"one", "two"});
  append({"three"});
  const Bytes whole = bytes();
  const auto offsets = frame_offsets();
  for (const std::size_t frame : {0U, 1U}) {
    for (std::uint64_t i = 0; i < kPage; i += i < 64 ? 1 : 509) {
      Bytes damaged = whole;
      damaged[offsets[frame] + i] ^= 0x10;
      store(damaged);
      expect_error(read(), Code::kCorrupt, "");
      expect_writer_refuses_and_leaves_as_is(Code::kCorrupt, "");
    }
  }
}

TEST_F(AppendLogTamperTest, BitRotInARunHeaderBeforeTheLast) {
  append({"one"});
  append({"two"});
  append({"three"});
  const Bytes whole = bytes();
  for (const std::uint64_t start : {std::uint64_t{0}, outline().runs[1].offset}) {
    Bytes damaged = whole;
    damaged[start + 50] ^= 1;
    store(damaged);
    expect_writer_refuses_and_leaves_as_is(Code::kCorrupt, "");
    expect_error(read(), Code::kCorrupt, "");
    damaged = whole;
    damaged[start + kPage + 30] ^= 1;
    store(damaged);
    EXPECT_EQ(must(read()), (Lines{"one", "two", "three"}));  // one slot copy is left
    damaged[start + 2 * kPage + 30] ^= 1;
    store(damaged);
    expect_writer_refuses_and_leaves_as_is(Code::kCorrupt, "");
    expect_error(read(), Code::kCorrupt, "");
  }
}

TEST_F(AppendLogTamperTest, MoreThanATornTailFollows) {
  append({"one"});
  Bytes log = bytes();
  log.resize(log.size() + frame_size(16384) + 1, 0x55);
  store(log);
  expect_error(read(), Code::kCorrupt, "neither a frame nor a torn tail");
  expect_writer_refuses_and_leaves_as_is(Code::kCorrupt, "torn tail");
}

TEST_F(AppendLogTamperTest, AnythingAfterTheEndOfTheLog) {
  append({"one"}, LogWriter::End::kLog);
  const Bytes log = bytes();
  Bytes longer = log;
  longer.push_back(0);
  store(longer);
  expect_error(read(), Code::kCorrupt, "follow the end of the log");
  longer = log;
  longer.insert(longer.end(), log.end() - kPage, log.end());
  store(longer);
  expect_error(read(), Code::kCorrupt, "follow the end of the log");
}

TEST_F(AppendLogTamperTest, FrameAfterTheEndOfItsRun) {
  append({"one"}, LogWriter::End::kRun);
  Bytes log = bytes();
  const Bytes frame(log.end() - 2 * kPage, log.end() - kPage);
  log.insert(log.end(), frame.begin(), frame.end());
  store(log);
  expect_error(read(), Code::kCorrupt, "follows the end of its run");
}

// AL-3 and the frame index in the nonce.
TEST_F(AppendLogTamperTest, FramesRemovedSwappedOrRepeated) {
  append({"one", "two", "three"});
  append({"four"});
  const Bytes whole = bytes();
  const auto at = frame_offsets();
  store(cut_out(whole, at[1], at[2]));
  expect_error(read(), Code::kCorrupt, "fails its tag");
  store(cut_out(whole, at[2], at[2] + kPage));  // the last of its run: only the chain tells
  expect_error(read(), Code::kCorrupt, "frames were removed");
  Bytes swapped = whole;
  std::swap_ranges(swapped.begin() + static_cast<std::ptrdiff_t>(at[0]),
                   swapped.begin() + static_cast<std::ptrdiff_t>(at[0] + kPage),
                   swapped.begin() + static_cast<std::ptrdiff_t>(at[1]));
  store(swapped);
  expect_error(read(), Code::kCorrupt, "fails its tag");
  Bytes repeated = whole;
  repeated.insert(repeated.begin() + static_cast<std::ptrdiff_t>(at[1]),
                  whole.begin() + static_cast<std::ptrdiff_t>(at[0]),
                  whole.begin() + static_cast<std::ptrdiff_t>(at[1]));
  store(repeated);
  expect_error(read(), Code::kCorrupt, "fails its tag");
  Bytes moved = whole;  // a frame of run 0 in run 1
  std::copy_n(whole.begin() + static_cast<std::ptrdiff_t>(at[0]), kPage,
              moved.begin() + static_cast<std::ptrdiff_t>(at[3]));
  store(moved);
  expect_error(read(), Code::kCorrupt, "fails its tag");
}

// AL-2, AL-3.
TEST_F(AppendLogTamperTest, RunsRemovedRepeatedOrFromElsewhere) {
  for (const char* line : {"one", "two", "three"}) append({line});
  const Bytes whole = bytes();
  const LogOutline seen = outline();
  const std::uint64_t first = seen.runs[1].offset;
  const std::uint64_t second = seen.runs[2].offset;
  store(cut_out(whole, first, second));
  expect_error(read(), Code::kCorrupt, "run 2 follows run 0");
  expect_writer_refuses_and_leaves_as_is(Code::kCorrupt, "run 2 follows run 0");
  Bytes repeated = whole;
  repeated.insert(repeated.end(), whole.begin() + static_cast<std::ptrdiff_t>(first),
                  whole.begin() + static_cast<std::ptrdiff_t>(second));
  store(repeated);
  expect_error(read(), Code::kCorrupt, "run 1 follows run 2");
  store(ByteView(whole).subspan(first));
  expect_error(read(), Code::kCorrupt, "isn't run 0");

  std::filesystem::remove(path_);
  for (const char* line : {"uno", "due"}) append({line});
  const Bytes other = bytes();
  Bytes mixed(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(first));
  mixed.insert(mixed.end(), other.begin() + static_cast<std::ptrdiff_t>(outline().runs[1].offset), other.end());
  store(mixed);
  expect_error(read(), Code::kCorrupt, "belongs to another log");
}

// An older run of the same log and number, kept aside by an attacker.
TEST_F(AppendLogTamperTest, RunThatContinuedAnotherState) {
  append({"one"});
  const Bytes start = bytes();
  append({"two"});
  const Bytes first = bytes();
  store(start);
  append({"other"});
  append({"last"});
  const Bytes second = bytes();
  const std::uint64_t last_run = outline().runs[2].offset;
  Bytes mixed = first;
  mixed.insert(mixed.end(), second.begin() + static_cast<std::ptrdiff_t>(last_run), second.end());
  store(mixed);
  expect_error(read(), Code::kCorrupt, "run 2");
}

TEST_F(AppendLogTamperTest, WholeFramesThatBreakTheTable) {
  append({"one", "two"});
  const Bytes whole = bytes();
  const auto at = frame_offsets();
  const auto with = [&](std::uint64_t offset, std::uint8_t value) {
    Bytes changed = whole;
    changed[at[0] + offset] = value;
    fix_frame_crc(changed, at[0]);
    store(changed);
    return read();
  };
  expect_error(with(8, 3), Code::kCorrupt, "malformed");
  expect_error(with(9, 1), Code::kCorrupt, "malformed");
  expect_error(with(20, 1), Code::kCorrupt, "malformed");
  expect_error(with(kPage - 1, 1), Code::kCorrupt, "malformed");
  expect_error(with(8, 1), Code::kCorrupt, "");  // an end of run that isn't: a frame follows
  expect_error(with(32, whole[at[0] + 32] ^ 1), Code::kCorrupt, "fails its tag");
  expect_error(with(12, 2), Code::kCorrupt, "");  // shorter than it was
  Bytes last = whole;                             // the last frame turned into an end of log
  last[at[1] + 8] = 2;
  fix_frame_crc(last, at[1]);
  store(last);
  expect_error(read(), Code::kCorrupt, "fails its tag");
}

TEST_F(AppendLogTamperTest, ForgedPreamble) {
  append({"one"});
  Bytes forged = bytes();
  forged[176] ^= 1;  // the run id, with a right crc
  store_le(forged.data() + 196, std::uint32_t{0});
  store_le(forged.data() + 196, crc32c(ByteView(forged).first(kPage)));
  ASSERT_TRUE(preamble_crc_fits(ByteView(forged).first(kPage)));
  store(forged);
  expect_error(read(), Code::kCorrupt, "run 0");
}

// Any flipped bit is refused, or ends the log earlier than it did, or lies in the slot copy that isn't needed.
TEST_F(AppendLogTamperTest, FlippedBitAnywhereNeverChangesAWord) {
  append({"one"});
  append({"two", "three"});
  const Bytes whole = bytes();
  const Lines lines = must(read());
  const File file = must(File::open(path_, File::Access::kReadWrite));
  for (std::size_t i = 0; i < whole.size(); i += 13) {
    const std::uint8_t flipped = whole[i] ^ static_cast<std::uint8_t>(1U << (i % 8));
    must(file.write_at(i, ByteView(&flipped, 1)));
    const auto seen = read();
    if (seen.ok()) {
      ASSERT_LE(seen.value().size(), lines.size());
      ASSERT_TRUE(std::equal(seen.value().begin(), seen.value().end(), lines.begin())) << i;
      ASSERT_TRUE(seen.value() == lines || summary_.outline.torn_bytes > 0) << i;
    }
    must(file.write_at(i, ByteView(&whole[i], 1)));
  }
}

}  // namespace
}  // namespace cloister::seal
