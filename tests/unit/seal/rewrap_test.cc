#include "seal/rewrap.h"

#include "tests/unit/seal/rewrap_fixture.h"

namespace cloister::seal {
namespace {

TEST_F(RewrapTest, BringsTheSlotUnderTheNewestVersion) {
  seal();
  rotate();
  const Bytes before = bytes();
  const RewrapSummary summary = must(rewrap());
  EXPECT_EQ(summary.slot_tables, 1U);
  EXPECT_EQ(summary.slots_changed, 1U);
  EXPECT_EQ(summary.bytes_written, kPage);
  const Bytes after = bytes();
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {  // SO-9: copy B and nothing else
    if (after[i] != before[i]) {
      ASSERT_TRUE(i >= 2 * kPage && i < 3 * kPage) << i;
    }
  }
  EXPECT_EQ(slots().newest.seq, 2U);
  EXPECT_EQ(slots().newest.slots[0].wrapped.key_version, 2U);
  disable_version(1);
  must(verify());
}

TEST_F(RewrapTest, TakesTurnsBetweenTheCopies) {
  seal();
  for (std::uint64_t seq = 2; seq < 6; ++seq) {
    rotate();
    must(rewrap());
    EXPECT_EQ(slots().newest.seq, seq);
    EXPECT_EQ(slots().newest_copy, seq % 2 == 0 ? SlotCopy::kB : SlotCopy::kA);
    must(verify());
  }
}

TEST_F(RewrapTest, ThereAlready) {
  seal();
  const Bytes before = bytes();
  const RewrapSummary summary = must(rewrap());
  EXPECT_EQ(summary.slots_changed + summary.slot_tables + summary.bytes_written, 0U);
  EXPECT_EQ(bytes(), before);
}

TEST_F(RewrapTest, OtherKeysSlotsStay) {
  testing::LocalKey other(20, keys_.random);
  const std::array<crypto::KeyWrapper*, 2> both{keys_.wrapper.get(), &other};
  seal(both);
  const auto kept = slots().newest.slots[1].wrapped;
  rotate();
  EXPECT_EQ(must(rewrap()).slots_changed, 1U);
  EXPECT_EQ(slots().newest.slots[1].wrapped.ciphertext, kept.ciphertext);
  const std::array<crypto::KeyWrapper*, 1> only_other{&other};
  must(verify(only_other));
  must(verify());
}

TEST_F(RewrapTest, SlotsOfLaterVersionsStay) {
  seal();
  SlotTable table = slots().newest;
  table.unknown.push_back(UnknownSlot{99, to_bytes(as_bytes("from the future"))});
  const Bytes copy = must(serialize_slots(table, kPage));
  must(must(File::open(path_, File::Access::kReadWrite)).write_at(kPage, copy));
  rotate();
  must(rewrap());
  ASSERT_EQ(slots().newest.unknown.size(), 1U);
  EXPECT_EQ(slots().newest.unknown[0].type, 99);
  EXPECT_EQ(as_text(slots().newest.unknown[0].body), "from the future");
}

TEST_F(RewrapTest, KeysThatDontOpenIt) {
  seal();
  const Bytes before = bytes();
  DatasetKeys other(2);
  expect_error(rewrap(*other.wrapper), Code::kDenied, "no slot is under this key");
  rotate();
  disable_version(1);
  expect_error(rewrap(), Code::kDenied, "dataset key version 1 of acme/faces is disabled");
  testing::FailingKey away(Error(Code::kUnavailable, "the KMS is away"));
  expect_error(rewrap(away), Code::kUnavailable, "away");
  EXPECT_EQ(bytes(), before);
}

// A slot of another object, tenant or dataset fails by authentication.
TEST_F(RewrapTest, SlotMovedFromAnotherObject) {
  seal();
  const Bytes first = bytes();
  std::filesystem::remove(path_);
  seal();
  Bytes second = bytes();
  std::copy_n(first.begin() + kPage, 2 * kPage, second.begin() + kPage);
  store(second);
  rotate();
  expect_error(rewrap(), Code::kDenied, "doesn't open");
  EXPECT_EQ(bytes(), second);
}

TEST_F(RewrapTest, FilesThatAreNoObjects) {
  store(as_bytes("hello"));
  expect_error(rewrap(), Code::kInvalid, "not a sealed object");
  store(Bytes());
  EXPECT_FALSE(rewrap().ok());
  std::filesystem::remove(path_);
  seal();
  const Bytes whole = bytes();
  for (const std::size_t size : {std::size_t{100}, kPage, 2 * kPage, 3 * kPage + 1}) {
    store(ByteView(whole).first(size));
    expect_error(rewrap(), Code::kCorrupt, "");
  }
}

TEST_F(RewrapTest, SomebodyElseIsRewrapping) {
  seal();
  rotate();
  {
    const File other = must(File::open(path_, File::Access::kReadWrite));
    must(other.lock_exclusive());
    expect_error(rewrap(), Code::kUnavailable, "another process");
  }
  must(rewrap());
}

// What is written to a file that has lost its name is lost with it.
TEST_F(RewrapTest, ReplacedAfterItWasOpened) {
  seal();
  const File old = must(File::open(path_, File::Access::kReadWrite));
  std::filesystem::rename(path_, folder_ / "elsewhere");
  seal();
  rotate();
  const Bytes before = bytes();
  testing::LocalKey other(20, keys_.random);
  expect_error(rewrap_slots(old, *keys_.wrapper), Code::kUnavailable, "replaced or removed");
  expect_error(add_slot(old, keys_.wrappers(), other), Code::kUnavailable, "replaced or removed");
  expect_error(remove_slots(old, [](const Slot&) { return false; }), Code::kUnavailable, "replaced or removed");
  EXPECT_EQ(bytes(), before);
  must(rewrap());
}

// SO-9: somebody who doesn't take the lock.
TEST_F(RewrapTest, SlotsThatChangeMeanwhile) {
  seal();
  rotate();
  class Meddler final : public crypto::KeyWrapper {
   public:
    Meddler(crypto::KeyWrapper& inner, const Path& path) : inner_(inner), path_(path) {}
    Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override {
      return inner_.wrap(key, context);
    }
    Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override {
      return inner_.unwrap(wrapped, context);
    }
    Result<crypto::WrappedKey> rewrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override {
      const File file = must(File::open(path_, File::Access::kReadWrite));
      SlotTable table = must(read_outline(file)).slots.newest;
      ++table.seq;
      must(file.write_at(2 * kPage, must(serialize_slots(table, kPage))));
      return inner_.rewrap(wrapped, context);
    }

   private:
    crypto::KeyWrapper& inner_;
    Path path_;
  };
  Meddler meddler(*keys_.wrapper, path_);
  expect_error(rewrap(meddler), Code::kUnavailable, "try again");
  EXPECT_EQ(slots().newest.slots[0].wrapped.key_version, 1U);
  must(rewrap());
  EXPECT_EQ(slots().newest.seq, 3U);
}

// Killed, or without power, at any point of the one write.
TEST_F(RewrapTest, StoppedWithinTheWrite) {
  seal();
  rotate();
  const Bytes before = bytes();
  must(rewrap());
  const Bytes after = bytes();
  const auto check = [&](const Bytes& torn, const std::string& what) {
    store(torn);
    const SlotTables seen = slots();
    CLOISTER_CHECK(seen.newest.slots.size() == 1);
    must(rewrap());
    ASSERT_EQ(slots().newest.slots[0].wrapped.key_version, 2U) << what;
    ASSERT_TRUE(verify().ok()) << what;  // both copies are whole again
  };
  for (std::size_t written = 0; written <= kPage; written += written < 200 ? 7 : 311) {
    Bytes torn = before;
    std::copy_n(after.begin() + 2 * kPage, written, torn.begin() + 2 * kPage);
    check(torn, "prefix of " + std::to_string(written));
  }
  for (unsigned sectors = 0; sectors < 256; sectors += 5) {
    Bytes torn = before;
    for (unsigned sector = 0; sector < 8; ++sector) {
      if ((sectors & (1U << sector)) == 0) continue;
      const auto offset = static_cast<std::ptrdiff_t>(2 * kPage + 512 * sector);
      std::copy_n(after.begin() + offset, 512, torn.begin() + offset);
    }
    check(torn, "sectors " + std::to_string(sectors));
  }
}

TEST_F(RewrapTest, RepairsADamagedCopy) {
  seal();
  const Bytes good = bytes();
  for (const std::size_t copy : {kPage, 2 * kPage}) {
    Bytes damaged = good;
    damaged[copy + 40] ^= 1;
    store(damaged);
    expect_error(verify(), Code::kCorrupt, "slot copies is damaged");
    const RewrapSummary summary = must(rewrap());
    EXPECT_EQ(summary.slot_tables, 1U);
    EXPECT_EQ(summary.slots_changed, 0U);
    must(verify());
    EXPECT_EQ(slots().newest.seq, 2U);
    EXPECT_EQ(slots().newest_copy, copy == kPage ? SlotCopy::kA : SlotCopy::kB);
  }
  Bytes both = good;
  both[kPage + 40] ^= 1;
  both[2 * kPage + 40] ^= 1;
  store(both);
  expect_error(rewrap(), Code::kCorrupt, "both slot copies are damaged");
  EXPECT_EQ(bytes(), both);
}

// A known downside: an old copy can be put back. It helps only as long as its key version opens.
TEST_F(RewrapTest, OldCopyPutBack) {
  seal();
  const Bytes before = bytes();
  rotate();
  must(rewrap());
  Bytes replayed = bytes();
  std::copy_n(before.begin() + kPage, kPage, replayed.begin() + 2 * kPage);
  store(replayed);
  must(verify());
  must(keys_.keyring.set_state(1, DatasetKeyState::kDestroyed));
  keys_.refresh();
  expect_error(verify(), Code::kDenied, "is destroyed");
  expect_error(rewrap(), Code::kDenied, "is destroyed");
}

TEST_F(RewrapTest, LowerSeqIsNotUsed) {
  seal();
  rotate();
  must(rewrap());
  rotate();
  must(rewrap());  // A has seq 3, B has seq 2
  const Bytes good = bytes();
  EXPECT_EQ(slots().newest_copy, SlotCopy::kA);
  EXPECT_EQ(must(parse_slots(ByteView(good).subspan(2 * kPage, kPage))).slots[0].wrapped.key_version, 2U);
  disable_version(2);
  must(verify());
}

// A crc is no authentication: anyone who writes to the file can set the sequence number.
TEST_F(RewrapTest, SequenceNumberAtItsEnd) {
  seal();
  SlotTable table = slots().newest;
  table.seq = kSlotSeqMax;
  must(must(File::open(path_, File::Access::kReadWrite)).write_at(kPage, must(serialize_slots(table, kPage))));
  must(verify());
  rotate();
  const Bytes before = bytes();
  expect_error(rewrap(), Code::kCorrupt, "sequence number is at its end");
  testing::LocalKey other(20, keys_.random);
  const File file = must(File::open(path_, File::Access::kReadWrite));
  expect_error(add_slot(file, keys_.wrappers(), other), Code::kCorrupt, "sequence number");
  EXPECT_EQ(bytes(), before);

  Bytes wraps = before;
  const MutableByteView copy = MutableByteView(wraps).subspan(kPage, kPage);
  store_le(copy.data() + 8, ~std::uint64_t{0});
  store_le(copy.data() + kPage - 4, crc32c(copy.first(kPage - 4)));
  store(wraps);
  expect_error(verify(), Code::kCorrupt, "sequence number is above 2^63 - 1");
  expect_error(rewrap(), Code::kCorrupt, "sequence number is above 2^63 - 1");
  EXPECT_EQ(bytes(), wraps);
}

TEST_F(RewrapLogTest, EveryRunsSlots) {
  append("one ");
  append("two ");
  rotate();
  append("three");
  const RewrapSummary summary = must(rewrap());
  EXPECT_EQ(summary.slot_tables, 2U);
  EXPECT_EQ(summary.slots_changed, 2U);
  disable_version(1);
  EXPECT_EQ(must(read()), "one two three");
  EXPECT_EQ(must(rewrap()).slots_changed, 0U);
}

TEST_F(RewrapLogTest, RunsUnderDifferentKeys) {
  testing::LocalKey local(20, keys_.random);
  const std::array<crypto::KeyWrapper*, 1> other{&local};
  append("one ", other);
  append("two ");
  append("three ", other);
  append("four");
  rotate();
  const RewrapSummary summary = must(rewrap());
  EXPECT_EQ(summary.slot_tables, 2U);
  EXPECT_EQ(summary.slots_changed, 2U);
  disable_version(1);
  must(add_slot(must(File::open(path_, File::Access::kReadWrite)), std::array{other[0], keys_.wrappers()[0]},
                *keys_.wrapper));
  EXPECT_EQ(must(read()), "one two three four");
  testing::LocalKey stranger(21, keys_.random);
  expect_error(rewrap(stranger), Code::kDenied, "no slot is under this key");
}

// The first run's key version is disabled: that is said, and the later runs are done all the same.
TEST_F(RewrapLogTest, RunThatRefusesStopsNoOther) {
  append("one ");
  rotate();
  append("two ");
  append("three");
  must(keys_.keyring.rotate(kNow));
  disable_version(1);
  expect_error(rewrap(), Code::kDenied, "run 0: dataset key version 1 of acme/faces is disabled");
  disable_version(2);
  expect_error(rewrap(), Code::kDenied, "run 0");
  must(keys_.keyring.set_state(1, DatasetKeyState::kEnabled));
  keys_.refresh();
  EXPECT_EQ(must(read()), "one two three");
  EXPECT_EQ(must(rewrap()).slots_changed, 1U);
}

TEST_F(RewrapLogTest, KeyOutOfReachIsAskedOnce) {
  append("one ");
  append("two");
  class Away final : public crypto::KeyWrapper {
   public:
    Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial&, const crypto::WrapContext&) override { return away(); }
    Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey&, const crypto::WrapContext&) override {
      return away();
    }
    int calls = 0;

   private:
    Error away() {
      ++calls;
      return Error(Code::kUnavailable, "the KMS is away");
    }
  };
  Away key;
  expect_error(rewrap(key), Code::kUnavailable, "run 0: the KMS is away");
  EXPECT_EQ(key.calls, 1);
}

TEST_F(RewrapLogTest, StoppedBetweenRuns) {
  append("one ");
  append("two");
  const Bytes before = bytes();
  rotate();
  must(rewrap());
  Bytes half = bytes();
  std::copy(before.begin() + 5 * kPage, before.end(), half.begin() + 5 * kPage);  // only run 0 was done
  store(half);
  EXPECT_EQ(must(read()), "one two");
  EXPECT_EQ(must(rewrap()).slot_tables, 1U);
  disable_version(1);
  EXPECT_EQ(must(read()), "one two");
}

TEST_F(RewrapLogTest, WhileAWriterHoldsIt) {
  append("one");
  rotate();
  LogOptions options;
  options.context = keys_.context();
  std::optional<LogWriter> log(must(LogWriter::open(path_, options, keys_.wrappers(), keys_.random)));
  expect_error(rewrap(), Code::kUnavailable, "another process");
  log.reset();
  must(rewrap());
}

}  // namespace
}  // namespace cloister::seal
