#include "seal/append_log.h"

#include <gtest/gtest.h>

#include "seal/writer.h"
#include "tests/unit/seal/append_log_fixture.h"

namespace cloister::seal {
namespace {

TEST_F(AppendLogTest, ReadsBackOverRuns) {
  append({"one", "two"});
  append({"three"}, LogWriter::End::kRun);
  append({});
  append({"four", "five"}, LogWriter::End::kLog);
  EXPECT_EQ(must(read()), (Lines{"one", "two", "three", "four", "five"}));
  EXPECT_EQ(summary_.meta->name, "inference.log");
  EXPECT_EQ(summary_.plaintext_bytes, 19U);
  ASSERT_EQ(summary_.outline.runs.size(), 4U);
  EXPECT_TRUE(summary_.outline.log_ended);
  EXPECT_EQ(summary_.outline.torn_bytes, 0U);
  const auto ended = [&](std::size_t run) { return summary_.outline.runs[run].ended; };
  EXPECT_TRUE(!ended(0) && ended(1) && !ended(2) && ended(3));
  EXPECT_EQ(summary_.outline.runs[1].frames, 2U);
  EXPECT_EQ(summary_.outline.runs[2].frames, 0U);
}

// AL-7.
TEST_F(AppendLogTest, OutlineNeedsNoKeys) {
  append({"one"});
  append({"two", "three"});
  const LogOutline seen = outline();
  ASSERT_EQ(seen.runs.size(), 2U);
  EXPECT_EQ(seen.runs[0].offset, 0U);
  EXPECT_EQ(seen.runs[1].offset % kPage, 0U);
  EXPECT_EQ(seen.runs[1].frames, 2U);
  EXPECT_FALSE(seen.log_ended);
  EXPECT_EQ(seen.end_offset, bytes().size());
}

TEST_F(AppendLogTest, NothingLiesInTheClear) {
  append({"a line about somebody"});
  const Bytes stored = bytes();
  for (const std::string_view word : {"somebody", "inference.log"}) {
    EXPECT_EQ(as_text(stored).find(word), std::string_view::npos);
  }
}

TEST_F(AppendLogTest, FramesOfEverySize) {
  LogWriter log = must(writer());
  const std::uint32_t most = log.frame_capacity();
  EXPECT_EQ(most, 16384U);
  Lines lines;
  for (const std::size_t size : {std::size_t{1}, std::size_t{4048}, std::size_t{4049}, std::size_t{most}}) {
    lines.emplace_back(size, 'x');
    must(log.append(as_bytes(lines.back())));
  }
  expect_error(log.append({}), Code::kInvalid, "1 to 16384");
  expect_error(log.append(Bytes(most + 1)), Code::kInvalid, "1 to 16384");
  EXPECT_EQ(must(read()), lines);
}

TEST_F(AppendLogTest, LaterRunsKeepWhatTheLogHas) {
  append({"one"});
  LogOptions other = options();
  other.chunk_log2 = 20;
  other.suite = Suite::kChaCha20Poly1305;
  LogWriter log = must(LogWriter::open(path_, other, keys_.wrappers(), keys_.random));
  EXPECT_EQ(log.frame_capacity(), 16384U);
  EXPECT_EQ(log.run_number(), 1U);
  must(log.append(as_bytes("two")));
  EXPECT_EQ(must(read()), (Lines{"one", "two"}));
}

TEST_F(AppendLogTest, EndedLogTakesNoMore) {
  append({"one"}, LogWriter::End::kLog);
  expect_writer_refuses_and_leaves_as_is(Code::kDenied, "was ended");
}

TEST_F(AppendLogTest, NothingAfterTheEndOfARun) {
  LogWriter log = must(writer());
  must(log.end(LogWriter::End::kRun));
  expect_error(log.append(as_bytes("late")), Code::kInvalid, "has ended");
  expect_error(log.end(LogWriter::End::kLog), Code::kInvalid, "has ended");
}

// AL-8.
TEST_F(AppendLogTest, SecondWriterIsLockedOut) {
  std::optional<LogWriter> first(must(writer()));
  must(first->append(as_bytes("one")));
  expect_error(writer(), Code::kUnavailable, "another process");
  must(first->append(as_bytes("two")));
  first.reset();
  append({"three"});
  EXPECT_EQ(must(read()), (Lines{"one", "two", "three"}));
}

TEST_F(AppendLogTest, AnotherOwnersLog) {
  append({"one"});
  const Bytes before = bytes();
  for (const bool tenant : {true, false}) {
    LogOptions other = options();
    (tenant ? other.context.tenant : other.context.dataset) = "globex";
    expect_error(LogWriter::open(path_, other, keys_.wrappers(), keys_.random), Code::kInvalid, "belongs to acme");
  }
  EXPECT_EQ(bytes(), before);
}

TEST_F(AppendLogTest, BadRequestsMakeNoFile) {
  expect_error(LogWriter::open(path_, options(), {}, keys_.random), Code::kInvalid, "no key");
  LogOptions bad = options();
  bad.chunk_log2 = 13;
  expect_error(LogWriter::open(path_, bad, keys_.wrappers(), keys_.random), Code::kInvalid, "chunk size");
  bad = options();
  bad.context.tenant.clear();
  expect_error(LogWriter::open(path_, bad, keys_.wrappers(), keys_.random), Code::kInvalid, "tenant");
  for (const std::string& name :
       {std::string(129, 'd'), std::string("a\nb"), std::string("\xff"), std::string(4000, 'd')}) {
    for (const bool tenant : {true, false}) {
      bad = options();
      (tenant ? bad.context.tenant : bad.context.dataset) = name;
      expect_error(LogWriter::open(path_, bad, keys_.wrappers(), keys_.random), Code::kInvalid,
                   "text of at most 128 bytes");
    }
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(AppendLogTest, AKeyThatRefusesLeavesTheLogAsItWas) {
  append({"one"});
  const Bytes before = bytes();
  testing::FailingKey disabled(Error(Code::kDenied, "the key is disabled"));
  const std::array<crypto::KeyWrapper*, 1> wrappers{&disabled};
  expect_error(LogWriter::open(path_, options(), wrappers, keys_.random), Code::kDenied, "disabled");
  EXPECT_EQ(bytes(), before);
}

TEST_F(AppendLogTest, WriterThatCantReadWhatItWrites) {
  const crypto::HpkePublicKey recipient = must(keys_.keyring.add_recipient(crypto::HpkeKem::kX25519));
  keys_.refresh();
  crypto::HpkeSealer sealer(recipient, keys_.random);
  const std::array<crypto::KeyWrapper*, 1> write_only{&sealer};
  for (const char* line : {"one", "two"}) {
    LogWriter log = must(LogWriter::open(path_, options(), write_only, keys_.random));
    must(log.append(as_bytes(line)));
  }
  expect_error(read(write_only), Code::kDenied, "run 0");
  EXPECT_EQ(must(read()), (Lines{"one", "two"}));
  DatasetKeys other(2);
  expect_error(read(other.wrappers()), Code::kDenied, "hpke-x25519");
}

TEST_F(AppendLogTest, RunUnderAKeyTheReaderHasNot) {
  append({"one"});
  DatasetKeys other(2);
  {
    LogWriter log = must(LogWriter::open(path_, options(), other.wrappers(), keys_.random));
    must(log.append(as_bytes("two")));
  }
  expect_error(read(), Code::kDenied, "run 1");
}

TEST_F(AppendLogTest, SinkThatStops) {
  append({"one", "two"});
  const File file = must(File::open(path_));
  int heard = 0;
  const auto sink = [&](ByteView) -> Status {
    ++heard;
    return Error(Code::kUnavailable, "pipe closed");
  };
  expect_error(read_log(file, keys_.wrappers(), sink), Code::kUnavailable, "pipe closed");
  EXPECT_EQ(heard, 1);
}

// AL-5, AL-6: a killed writer leaves any part of its last frame.
TEST_F(AppendLogTest, TornTailOfEveryLength) {
  append({"one", "two"}, LogWriter::End::kRun);
  append({"three", std::string(5000, 'x')});
  const Bytes whole = bytes();
  const std::uint64_t last = frame_offsets().rbegin()[1];
  ASSERT_EQ(whole.size() - last, 8192U);
  store(whole);
  const File file = must(File::open(path_, File::Access::kReadWrite));
  for (std::uint64_t size = whole.size() - 1; size >= last; --size) {
    must(file.truncate(size));
    ASSERT_EQ(must(read()), (Lines{"one", "two", "three"})) << size;
    ASSERT_EQ(summary_.outline.torn_bytes, size - last);
    ASSERT_EQ(summary_.outline.end_offset, last);
  }
  for (std::uint64_t size = last; size < whole.size(); size += 1021) {
    store(ByteView(whole).first(size));
    {
      LogWriter log = must(writer());
      EXPECT_EQ(log.torn_bytes_cut(), size - last);
      EXPECT_EQ(log.run_number(), 2U);
      must(log.append(as_bytes("after")));
    }
    ASSERT_EQ(must(read()), (Lines{"one", "two", "three", "after"})) << size;
    EXPECT_EQ(summary_.outline.torn_bytes, 0U);
  }
}

// A power cut may keep any pages of an unsynced frame.
TEST_F(AppendLogTest, TornTailWithPagesMissing) {
  append({"one", std::string(12'000, 'x')});
  const Bytes whole = bytes();
  const std::uint64_t last = frame_offsets()[1];
  ASSERT_EQ(whole.size() - last, 3 * kPage);
  for (unsigned kept = 0; kept < 7; ++kept) {
    Bytes torn = whole;
    for (unsigned page = 0; page < 3; ++page) {
      if ((kept & (1U << page)) == 0)
        std::fill_n(torn.begin() + static_cast<std::ptrdiff_t>(last + page * kPage), kPage, 0);
    }
    store(torn);
    ASSERT_EQ(must(read()), Lines{"one"}) << kept;
    append({"after"});
    ASSERT_EQ(must(read()), (Lines{"one", "after"})) << kept;
  }
}

// Whatever size a kill leaves, what was acknowledged before it is read, and the next writer goes on.
TEST_F(AppendLogTest, KilledAtEveryPage) {
  append({"one", std::string(6000, 'x')});
  append({"two"});
  append({"three"});
  const Bytes whole = bytes();
  const Lines lines = must(read());
  std::vector<std::uint64_t> ends = frame_offsets();
  for (std::size_t i = 0; i + 1 < ends.size(); ++i) ends[i] += i == 1 ? 2 * kPage : kPage;
  for (std::uint64_t size = 0; size <= whole.size(); size += kPage / 2) {
    Lines acknowledged;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (ends[i] <= size) acknowledged.push_back(lines[i]);
    }
    store(ByteView(whole).first(size));
    if (!acknowledged.empty()) {
      ASSERT_EQ(must(read()), acknowledged) << size;
    }
    append({"after"});
    acknowledged.push_back("after");
    ASSERT_EQ(must(read()), acknowledged) << size;
  }
}

// AL-9.
TEST_F(AppendLogTest, FirstHeaderThatNeverGotWhole) {
  append({});
  const Bytes header = bytes();
  ASSERT_EQ(header.size(), 4 * kPage);
  for (unsigned kept = 0; kept < 16; ++kept) {
    Bytes torn = header;
    for (unsigned page = 0; page < 4; ++page) {
      if ((kept & (1U << page)) == 0) std::fill_n(torn.begin() + static_cast<std::ptrdiff_t>(page * kPage), kPage, 0);
    }
    store(torn);
    const bool started = (kept & 1) != 0 && (kept & 6) != 0 && (kept & 8) != 0;
    EXPECT_EQ(probe_log_started(must(File::open(path_))), started || kept == 8) << kept;
    if (kept == 8) {  // only META: can't be told from somebody else's file
      expect_writer_refuses_and_leaves_as_is(Code::kInvalid, "");
      continue;
    }
    {
      LogWriter log = must(writer());
      EXPECT_EQ(log.run_number(), started ? 1U : 0U) << kept;
      EXPECT_EQ(log.torn_bytes_cut(), started ? 0U : torn.size()) << kept;
      must(log.append(as_bytes("after")));
    }
    ASSERT_EQ(must(read()), Lines{"after"}) << kept;
    EXPECT_EQ(summary_.meta->name, "inference.log");
  }
}

TEST_F(AppendLogTest, LaterHeaderWithPagesMissing) {
  append({"one"});
  append({});
  const Bytes whole = bytes();
  const std::uint64_t start = outline().runs[1].offset;
  ASSERT_EQ(whole.size() - start, 3 * kPage);
  for (unsigned kept = 0; kept < 8; ++kept) {
    Bytes torn = whole;
    for (unsigned page = 0; page < 3; ++page) {
      if ((kept & (1U << page)) == 0) {
        std::fill_n(torn.begin() + static_cast<std::ptrdiff_t>(start + page * kPage), kPage, 0);
      }
    }
    store(torn);
    const bool started = (kept & 1) != 0 && (kept & 6) != 0;
    ASSERT_EQ(must(read()), Lines{"one"}) << kept;
    EXPECT_EQ(summary_.outline.torn_bytes, started ? 0U : 3 * kPage) << kept;
    append({"after"});
    ASSERT_EQ(must(read()), (Lines{"one", "after"})) << kept;
    EXPECT_EQ(summary_.outline.runs.size(), started ? 3U : 2U);
  }
}

// A lost first page must not pass for a log that was never begun.
TEST_F(AppendLogTest, FirstPageLostOfALogWithFrames) {
  append({"one"});
  Bytes damaged = bytes();
  std::fill_n(damaged.begin(), kPage, 0);
  store(damaged);
  expect_writer_refuses_and_leaves_as_is(Code::kInvalid, "");
  EXPECT_FALSE(read().ok());
}

TEST_F(AppendLogTest, FilesThatAreNoLogs) {
  for (const std::string& text : {std::string("hello"), std::string(5000, 'x'), std::string(4096, '\0') + "tail"}) {
    store(as_bytes(text));
    expect_writer_refuses_and_leaves_as_is(Code::kInvalid, "");
  }
  std::filesystem::remove(path_);
  SealOptions closed;
  closed.context = keys_.context();
  closed.chunk_log2 = 14;
  {
    const File file = must(File::create_new(path_));
    must(seal_bytes(as_bytes("a closed object"), file, closed, keys_.wrappers(), keys_.random));
  }
  const Bytes object = bytes();
  expect_writer_refuses_and_leaves_as_is(Code::kInvalid, "not an append log");
  // Cut within its slots or its META, and with its first page lost.
  for (const std::size_t size : {kPage, 2 * kPage, 3 * kPage + 10}) {
    store(ByteView(object).first(size));
    expect_writer_refuses_and_leaves_as_is(Code::kInvalid, "not an append log");
  }
  Bytes lost = object;
  std::fill_n(lost.begin(), kPage, 0);
  store(lost);
  expect_writer_refuses_and_leaves_as_is(Code::kInvalid, "");
}

}  // namespace
}  // namespace cloister::seal
