// Slots added and removed.
#include "crypto/passphrase.h"
#include "tests/unit/seal/rewrap_fixture.h"

namespace cloister::seal {
namespace {

bool contains(ByteView bytes, ByteView part) {
  return std::search(bytes.begin(), bytes.end(), part.begin(), part.end()) != bytes.end();
}

class SlotChangesTest : public RewrapLogTest {
 protected:
  Result<RewrapSummary> add(crypto::KeyWrapper& addition) {
    return add_slot(must(File::open(path_, File::Access::kReadWrite)), keys_.wrappers(), addition);
  }
  Result<RewrapSummary> remove(crypto::WrapType type) {
    return remove_slots(must(File::open(path_, File::Access::kReadWrite)),
                        [type](const Slot& slot) { return slot.wrapped.type == type; });
  }
  crypto::PassphraseWrapper passphrase(std::string_view text) {
    return must(crypto::PassphraseWrapper::create(crypto::Secret::copy_of(as_bytes(text)), {64, 1, 1}, keys_.random));
  }

  testing::LocalKey local_{20, keys_.random};
  std::array<crypto::KeyWrapper*, 1> local_only_{&local_};
};

TEST_F(SlotChangesTest, AddedKeyOpensToo) {
  seal();
  expect_error(verify(local_only_), Code::kDenied, "no key here opens it");
  EXPECT_EQ(must(add(local_)).slots_changed, 1U);
  must(verify(local_only_));
  must(verify());
  must(add(local_));
  EXPECT_EQ(slots().newest.slots.size(), 2U);  // not a third
}

TEST_F(SlotChangesTest, AddedToEveryRunOfALog) {
  append("one ");
  append("two");
  EXPECT_EQ(must(add(local_)).slot_tables, 2U);
  must(remove(crypto::WrapType::kDatasetKey));
  expect_error(read(), Code::kDenied, "run 0");
  must(add_slot(must(File::open(path_, File::Access::kReadWrite)), local_only_, *keys_.wrapper));
  EXPECT_EQ(must(read()), "one two");
}

TEST_F(SlotChangesTest, PassphrasesStandSideBySide) {
  seal();
  auto first = passphrase("correct horse");
  auto second = passphrase("battery staple");
  must(add(first));
  must(add(second));
  for (crypto::PassphraseWrapper* each : {&first, &second}) {
    const std::array<crypto::KeyWrapper*, 1> one{each};
    must(verify(one));
  }
  auto wrong = passphrase("wrong passphrase");
  const std::array<crypto::KeyWrapper*, 1> one{&wrong};
  EXPECT_FALSE(verify(one).ok());
}

TEST_F(SlotChangesTest, AddedByWhoCantOpen) {
  seal();
  const Bytes before = bytes();
  expect_error(add_slot(must(File::open(path_, File::Access::kReadWrite)), local_only_, local_), Code::kDenied,
               "no key here opens it");
  EXPECT_EQ(bytes(), before);
}

TEST_F(SlotChangesTest, MoreThanThereIsRoomFor) {
  seal();
  Status last;
  std::size_t added = 0;
  for (; last.ok() && added < kSlotsMax; ++added) {
    testing::LocalKey key(static_cast<std::uint8_t>(100 + added), keys_.random);
    const auto result = add(key);
    if (!result.ok()) last = result.error();
  }
  expect_error(last, Code::kInvalid, "key slots");
  must(verify());
}

TEST_F(SlotChangesTest, RemovedWrapLiesInNeitherCopy) {
  seal();
  must(add(local_));
  const auto wrapped = slots().newest.slots[1].wrapped.ciphertext;
  ASSERT_TRUE(contains(bytes(), wrapped));
  EXPECT_EQ(must(remove(crypto::WrapType::kSoftwareKey)).slots_changed, 1U);
  EXPECT_FALSE(contains(bytes(), wrapped));
  expect_error(verify(local_only_), Code::kDenied, "no key here opens it");
  must(verify());
  EXPECT_EQ(must(remove(crypto::WrapType::kSoftwareKey)).slot_tables, 0U);
}

TEST_F(SlotChangesTest, RemovalThatStoppedHalfway) {
  seal();
  must(add(local_));  // in B
  const auto wrapped = slots().newest.slots[1].wrapped.ciphertext;
  const Bytes before = bytes();
  must(remove(crypto::WrapType::kSoftwareKey));  // writes A, then B
  Bytes half = bytes();
  std::copy_n(before.begin() + 2 * kPage, kPage, half.begin() + 2 * kPage);
  store(half);
  EXPECT_EQ(slots().newest.slots.size(), 1U);
  ASSERT_TRUE(contains(half, wrapped));
  EXPECT_EQ(must(remove(crypto::WrapType::kSoftwareKey)).slot_tables, 1U);
  EXPECT_FALSE(contains(bytes(), wrapped));
  must(verify());
}

TEST_F(SlotChangesTest, RemovalWithTheSequenceNumberAtItsEnd) {
  seal();
  must(add(local_));
  SlotTable table = slots().newest;
  table.seq = kSlotSeqMax;
  must(must(File::open(path_, File::Access::kReadWrite)).write_at(kPage, must(serialize_slots(table, kPage))));
  expect_error(remove(crypto::WrapType::kSoftwareKey), Code::kCorrupt, "sequence number is at its end");
  must(verify(local_only_));
}

TEST_F(SlotChangesTest, LastSlotCantGo) {
  seal();
  Bytes before = bytes();
  expect_error(remove(crypto::WrapType::kDatasetKey), Code::kInvalid, "last key slot");
  EXPECT_EQ(bytes(), before);

  std::filesystem::remove(path_);  // a log whose second run would be left without
  append("one ");
  must(add(local_));
  append("two");
  before = bytes();
  expect_error(remove(crypto::WrapType::kDatasetKey), Code::kInvalid, "last key slot");
  EXPECT_EQ(bytes(), before);
}

}  // namespace
}  // namespace cloister::seal
