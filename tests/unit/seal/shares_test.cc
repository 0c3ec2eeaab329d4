// Objects whose DEK is shared: each share under the key of another service, some of them enough to open it.
#include <gtest/gtest.h>

#include "crypto/secret_sharing.h"
#include "seal/directory.h"
#include "seal/rewrap.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/seal/dataset_keys.h"
#include "tests/unit/seal/sealed_object.h"

namespace cloister::seal {
namespace {

// Answers for another one's share, with something that it made up.
class Pretender final : public crypto::KeyWrapper {
 public:
  Pretender(const DatasetKeys& whose, crypto::Random& random)
      : key_id_(to_hex(whose.keyring.outline().keyring_id)), random_(&random) {}

  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial&, const crypto::WrapContext&) override {
    return Error(Code::kDenied, "it pretends only");
  }
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext&) override {
    if (wrapped.key_id != key_id_) return Error(Code::kNotFound, "another key's");
    return crypto::KeyMaterial::random(*random_);
  }
  std::string holder() const override { return "broker pretender"; }

 private:
  std::string key_id_;
  crypto::Random* random_;
};

class SharedObject : public ::testing::Test {
 protected:
  SharedObject() { seal(wrappers({&a_, &b_, &c_}), 2); }

  using List = std::vector<crypto::KeyWrapper*>;
  static List wrappers(std::initializer_list<DatasetKeys*> brokers) {
    List list;
    for (DatasetKeys* broker : brokers) list.push_back(broker->wrapper.get());
    return list;
  }

  Result<SealedSummary> try_to_seal(const List& list, unsigned threshold, const Path& path) {
    SealOptions options = options_of();
    options.share_threshold = threshold;
    const File file = must(File::open(path, File::Access::kReadWrite));
    return seal_bytes(as_bytes("weights"), file, options, list, a_.random);
  }
  void seal(const List& list, unsigned threshold) {
    must(write_file(path_, {}, Overwrite::kReplace));
    must(try_to_seal(list, threshold, path_));
  }
  void refuse_to_seal(const List& list, unsigned threshold, std::string_view word) {
    const Path path = folder_ / "refused.sealed";
    must(write_file(path, {}, Overwrite::kReplace));
    expect_refused(try_to_seal(list, threshold, path), Code::kInvalid, word);
  }

  Result<std::string> open(const List& list) {
    CLOISTER_TRY(const ObjectReader reader, ObjectReader::open(must(File::open(path_)), list));
    Progress progress;
    CLOISTER_RETURN_IF_ERROR(reader.verify(1, progress));
    Bytes text(reader.size());
    CLOISTER_RETURN_IF_ERROR(reader.read_at(0, text));
    return std::string(as_text(text));
  }
  void expect_opens(const List& list) {
    const auto text = open(list);
    ASSERT_TRUE(text.ok()) << text.error().message();
    EXPECT_EQ(*text, "weights");
  }

  SlotTable table() { return must(read_outline(must(File::open(path_)))).slots.newest; }
  // Writes both copies anew, as anyone could who may write to the file.
  void put(const SlotTable& table) {
    Bytes bytes = must(read_file(path_, 1 << 20));
    const Preamble preamble = must(read_outline(must(File::open(path_)))).preamble;
    const Bytes copy = must(serialize_slots(table, preamble.slots_cap));
    std::ranges::copy(copy, bytes.begin() + static_cast<std::ptrdiff_t>(preamble.slots_off()));
    std::ranges::copy(copy, bytes.begin() + static_cast<std::ptrdiff_t>(preamble.slots_off() + preamble.slots_cap));
    must(write_file(path_, bytes, Overwrite::kReplace));
  }
  Result<RewrapSummary> rewrap(DatasetKeys& broker) {
    return rewrap_slots(must(File::open(path_, File::Access::kReadWrite)), *broker.wrapper);
  }

  testing::TempDir folder_;
  Path path_ = folder_ / "shared.sealed";
  DatasetKeys a_{1}, b_{2}, c_{3};
  testing::FailingKey refuses_{Error(Code::kDenied, "the policy says no")};
  testing::FailingKey away_{Error(Code::kUnavailable, "nobody answers")};
};

TEST_F(SharedObject, AnyTwoOfThreeOpenIt) {
  expect_opens(wrappers({&a_, &b_}));
  expect_opens(wrappers({&c_, &a_}));
  expect_opens(wrappers({&b_, &c_}));
  expect_opens(wrappers({&a_, &b_, &c_}));
}

TEST_F(SharedObject, OneAloneOpensNothing) {
  expect_refused(open(wrappers({&a_})), Code::kDenied, "2 shares of its key are needed and 1 was given (share 1 by");
  expect_refused(open(wrappers({&a_, &a_})), Code::kDenied, "1 was given");
  DatasetKeys stranger(9);
  expect_refused(open(wrappers({&stranger})), Code::kDenied, "no key here opens it");
  expect_refused(open({}), Code::kDenied, "; 2 shares open it");
}

TEST_F(SharedObject, OneShareIsNotTheKey) {
  const ObjectOutline outline = must(read_outline(must(File::open(path_))));
  const Slot& first = outline.slots.newest.slots.front();
  const auto share = a_.wrapper->unwrap(first.wrapped, slot_context(outline.preamble, first));
  ASSERT_TRUE(share.ok());
  const Bytes page = must(read_file(path_, 1 << 20));
  const crypto::Dek dek(share->duplicate());
  EXPECT_NE(derive_commitment(dek, outline.preamble, ByteView(page).first(kPage)), outline.preamble.commitment);
}

TEST_F(SharedObject, OneRefusesAndTheOthersAreEnough) {
  expect_opens({&refuses_, a_.wrapper.get(), c_.wrapper.get()});
  expect_opens({&away_, a_.wrapper.get(), c_.wrapper.get()});
}

TEST_F(SharedObject, TooFewSayYes) {
  const auto refused = open({a_.wrapper.get(), &refuses_});
  expect_refused(refused, Code::kDenied, "share 2 by dataset-key " + to_hex(b_.keyring.outline().keyring_id));
  expect_refused(refused, Code::kDenied, "share 3 by dataset-key");
  expect_refused(refused, Code::kDenied, "the policy says no");
  expect_refused(open({&refuses_}), Code::kDenied, "0 were given");
}

TEST_F(SharedObject, UnreachableMayAnswerLater) {
  expect_refused(open({a_.wrapper.get(), &away_}), Code::kUnavailable, "nobody answers");
  expect_refused(open({&away_, &refuses_}), Code::kDenied, "the policy says no");  // one more wouldn't be enough
  testing::FailingKey also_away(Error(Code::kUnavailable, "nor does this one"));
  expect_refused(open({&away_, &refuses_, &also_away}), Code::kUnavailable, "nor does this one");
  SlotTable two = table();
  two.slots.resize(1);  // whoever answers, a second share isn't there
  put(two);
  expect_refused(open({&away_}), Code::kDenied, "nobody answers");
}

TEST_F(SharedObject, WrongShare) {
  SlotTable changed = table();
  const ObjectOutline outline = must(read_outline(must(File::open(path_))));
  const crypto::KeyMaterial other = crypto::KeyMaterial::random(a_.random);
  changed.slots[1].wrapped = must(b_.wrapper->wrap(other, slot_context(outline.preamble, changed.slots[1])));
  put(changed);
  const auto refused = open(wrappers({&a_, &b_}));
  expect_refused(refused, Code::kCorrupt, "one of them is wrong");
  expect_refused(refused, Code::kCorrupt, "share 1 by dataset-key " + to_hex(a_.keyring.outline().keyring_id));
  expect_refused(refused, Code::kCorrupt, "share 2 by dataset-key " + to_hex(b_.keyring.outline().keyring_id));
  expect_opens(wrappers({&a_, &c_}));
  expect_opens(wrappers({&a_, &b_, &c_}));
  expect_opens(wrappers({&b_, &a_, &c_}));
  const auto others_refuse = open({a_.wrapper.get(), b_.wrapper.get(), &refuses_});
  expect_refused(others_refuse, Code::kCorrupt, "one of them is wrong");
  expect_refused(others_refuse, Code::kCorrupt, "the policy says no");
}

TEST_F(SharedObject, WrongShareAndAnotherIsAway) {
  Pretender pretender(a_, a_.random);
  const auto refused = open({&pretender, b_.wrapper.get(), &away_});
  expect_refused(refused, Code::kUnavailable, "one of them is wrong: share 1 by");
  expect_refused(refused, Code::kUnavailable, "share 3 by dataset-key " + to_hex(c_.keyring.outline().keyring_id));
  expect_refused(refused, Code::kUnavailable, "nobody answers");
  expect_opens({&pretender, b_.wrapper.get(), &away_, c_.wrapper.get()});
}

TEST_F(SharedObject, TwoWrongOfFive) {
  DatasetKeys d(4), e(5);
  seal(wrappers({&a_, &b_, &c_, &d, &e}), 3);
  Pretender first(a_, a_.random), third(c_, a_.random);
  expect_opens({&first, b_.wrapper.get(), &third, d.wrapper.get(), e.wrapper.get()});
  const auto refused = open({&first, b_.wrapper.get(), &third, d.wrapper.get()});
  expect_refused(refused, Code::kCorrupt, "share 4 by dataset-key " + to_hex(d.keyring.outline().keyring_id));
}

TEST_F(SharedObject, ShareOfAnotherIsMadeUp) {
  Pretender pretender(a_, a_.random);
  const auto refused = open({&pretender, b_.wrapper.get()});
  const std::string whose = to_hex(a_.keyring.outline().keyring_id);
  expect_refused(refused, Code::kCorrupt, "share 1 by dataset-key " + whose + "/1 from broker pretender, share 2 by");
  expect_opens({&pretender, b_.wrapper.get(), c_.wrapper.get()});
  expect_opens({&pretender, a_.wrapper.get(), b_.wrapper.get()});
  expect_refused(open({&pretender, a_.wrapper.get()}), Code::kDenied, "1 was given");
}

TEST_F(SharedObject, ForgedIndexOrThreshold) {
  SlotTable changed = table();
  std::swap(changed.slots[0].share.index, changed.slots[1].share.index);
  put(changed);
  expect_refused(open(wrappers({&a_, &b_})), Code::kDenied, "0 were given");
  std::swap(changed.slots[0].share.index, changed.slots[1].share.index);
  for (Slot& slot : changed.slots) slot.share.threshold = 3;
  put(changed);
  expect_refused(open(wrappers({&a_, &b_, &c_})), Code::kDenied, "0 were given");
}

TEST_F(SharedObject, ShareCalledTheWholeKeyOrTheOtherWay) {
  SlotTable changed = table();
  changed.slots[0].share = {};
  put(changed);
  expect_refused(open(wrappers({&a_})), Code::kDenied, "0 were given; dataset-key");
  DatasetKeys& whole = a_;
  seal(wrappers({&whole}), 0);
  changed = table();
  changed.slots[0].share = {1, 2};
  put(changed);
  expect_refused(open(wrappers({&whole})), Code::kDenied, "share 1 by");
}

TEST_F(SharedObject, DuplicateIndexAndMixedThresholds) {
  SlotTable changed = table();
  changed.slots[1].share.index = 1;
  put(changed);
  expect_refused(open(wrappers({&a_, &b_, &c_})), Code::kCorrupt, "share 1 of its key is there twice");
  changed = table();
  changed.slots[1].share = {2, 3};
  put(changed);
  expect_refused(open(wrappers({&a_, &b_, &c_})), Code::kCorrupt, "disagree on how many");
}

TEST_F(SharedObject, SharesOfAnotherObject) {
  const SlotTable first = table();
  seal(wrappers({&a_, &b_, &c_}), 2);
  SlotTable mixed = table();
  mixed.slots[0] = first.slots[0];
  put(mixed);
  expect_refused(open(wrappers({&a_, &b_})), Code::kDenied, "1 was given");
  expect_opens(wrappers({&b_, &c_}));
}

TEST_F(SharedObject, NumbersThatShareNothing) {
  refuse_to_seal(wrappers({&a_, &b_}), 1, "1 of 2");
  refuse_to_seal(wrappers({&a_, &b_}), 3, "3 of 2");
  refuse_to_seal(wrappers({&a_}), 2, "2 of 1");
  refuse_to_seal({}, 2, "2 of 0");
  refuse_to_seal(wrappers({&a_, &b_, &a_}), 2, "two shares");
  refuse_to_seal(List(65, a_.wrapper.get()), 2, "64");
  refuse_to_seal({a_.wrapper.get(), b_.wrapper.get()}, 256, "256 of 2");
}

TEST_F(SharedObject, OneThatDoesNotWrapStopsTheSealing) {
  const Path path = folder_ / "refused.sealed";
  must(write_file(path, {}, Overwrite::kReplace));
  expect_refused(try_to_seal({a_.wrapper.get(), &away_, c_.wrapper.get()}, 2, path), Code::kUnavailable, "nobody");
}

TEST_F(SharedObject, RewrapOfOneBrokerTouchesNothingElse) {
  const Bytes before = must(read_file(path_, 1 << 20));
  const SlotTable was = table();
  must(b_.keyring.rotate(kNow));
  b_.refresh();
  const auto done = rewrap(b_);
  ASSERT_TRUE(done.ok()) << done.error().message();
  EXPECT_EQ(done->slots_changed, 1U);
  const SlotTable is = table();
  ASSERT_EQ(is.slots.size(), 3U);
  EXPECT_EQ(is.slots[1].wrapped.key_version, 2U);
  EXPECT_EQ(is.slots[1].share.index, 2);
  EXPECT_EQ(is.slots[1].share.threshold, 2);
  for (const std::size_t i : {0, 2}) {
    EXPECT_EQ(is.slots[i].wrapped.ciphertext, was.slots[i].wrapped.ciphertext);
    EXPECT_EQ(is.slots[i].wrapped.key_version, 1U);
  }
  const Preamble preamble = must(read_outline(must(File::open(path_)))).preamble;
  const Bytes after = must(read_file(path_, 1 << 20));
  EXPECT_TRUE(equal(ByteView(before).first(kPage), ByteView(after).first(kPage)));
  EXPECT_TRUE(equal(ByteView(before).subspan(preamble.meta_off()), ByteView(after).subspan(preamble.meta_off())));
  must(b_.keyring.set_state(1, DatasetKeyState::kDisabled));
  b_.refresh();
  expect_opens(wrappers({&b_, &c_}));
  expect_opens(wrappers({&a_, &b_}));
}

TEST_F(SharedObject, RewrapByAStranger) {
  DatasetKeys stranger(9);
  expect_refused(rewrap(stranger), Code::kDenied, "no slot is under this key");
}

TEST_F(SharedObject, RemovingMoreThanMayGo) {
  const File file = must(File::open(path_, File::Access::kReadWrite));
  const auto of = [](const DatasetKeys& broker) {
    return [id = to_hex(broker.keyring.outline().keyring_id)](const Slot& slot) { return slot.wrapped.key_id == id; };
  };
  EXPECT_EQ(must(remove_slots(file, of(c_))).slots_changed, 1U);
  expect_refused(remove_slots(file, of(b_)), Code::kInvalid, "too few shares");
  expect_opens(wrappers({&a_, &b_}));
  expect_refused(open(wrappers({&a_, &c_})), Code::kDenied, "1 was given");
}

TEST_F(SharedObject, AWholeSlotAddedByTwoOpensWithoutThem) {
  testing::LocalKey auditor(7, a_.random);
  const File file = must(File::open(path_, File::Access::kReadWrite));
  expect_refused(add_slot(file, wrappers({&a_}), auditor), Code::kDenied, "1 was given");
  must(add_slot(file, wrappers({&a_, &b_}), auditor));
  expect_opens({&auditor});
  // A broker that is given the whole key keeps its share.
  must(add_slot(file, wrappers({&a_, &b_}), *c_.wrapper));
  EXPECT_EQ(table().slots.size(), 5U);
  expect_opens(wrappers({&c_}));
  expect_opens(wrappers({&b_, &a_}));
}

TEST_F(SharedObject, RekeyDoesNotGatherTheKey) {
  Progress progress;
  SealOptions options = options_of();
  const List list = wrappers({&a_, &b_});
  const auto refused = rekey_object(path_, options, DirectoryKeys{list, nullptr, {}}, a_.random, progress);
  expect_refused(refused, Code::kUnsupported, "its key is shared");
  expect_opens(wrappers({&a_, &b_}));
}

TEST_F(SharedObject, SaysSo) {
  const std::string said = describe_slots(table());
  EXPECT_NE(said.find("share 3 by dataset-key " + to_hex(c_.keyring.outline().keyring_id) + "/1"), std::string::npos);
  EXPECT_NE(said.find("; 2 shares open it"), std::string::npos);
}

}  // namespace
}  // namespace cloister::seal
