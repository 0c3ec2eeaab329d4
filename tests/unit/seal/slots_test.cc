#include "seal/slots.h"

#include <gtest/gtest.h>

#include "base/reader.h"
#include "tests/support/hex.h"
#include "tests/unit/seal/sealed_object.h"

namespace cloister::seal {
namespace {

constexpr std::uint32_t kCap = 8192;

Slot slot_of(crypto::WrapType type, std::size_t parameters, std::size_t ciphertext) {
  Slot slot{"acme", {type, "key-1", 3, Bytes(parameters, 1), Bytes(ciphertext, 2)}};
  if (type == crypto::WrapType::kPassphrase) {
    store_le(slot.wrapped.parameters.data() + 16, std::uint32_t{65536});
    store_le(slot.wrapped.parameters.data() + 20, std::uint32_t{3});
    store_le(slot.wrapped.parameters.data() + 24, std::uint32_t{4});
  }
  return slot;
}

std::vector<Slot> one_of_each() {
  using enum crypto::WrapType;
  return {slot_of(kDatasetKey, 0, 72),  slot_of(kSoftwareKey, 0, 72), slot_of(kPkcs11, 12, 48),
          slot_of(kPassphrase, 28, 72), slot_of(kHpkeX25519, 32, 48), slot_of(kHpkeX25519MlKem768, 1120, 48)};
}

Bytes copy_of(const SlotTable& table) { return SealedObject::value_of(serialize_slots(table, kCap)); }

// A copy with a right crc around these records, written by whoever.
Bytes copy_around(const Writer& records, std::uint16_t count, std::uint32_t used_extra = 0) {
  Writer writer;
  writer.bytes(as_bytes("CLSRSLT1")).u64(1).u16(count).u16(0);
  writer.u32(static_cast<std::uint32_t>(records.size()) + used_extra).bytes(records.view());
  writer.zeros(kCap - 4 - writer.size());
  const std::uint32_t crc = crc32c(writer.view());
  return writer.u32(crc).take();
}

struct Body {
  std::string tenant = "acme";
  std::string key_id = "key-1";
  std::uint16_t share_index = 0;
  std::uint16_t share_threshold = 0;
  Bytes parameters = {};
  Bytes ciphertext = Bytes(72, 2);
  Bytes more = {};
};

Writer record(std::uint16_t type, const Body& body, std::uint16_t reserved = 0) {
  Writer inner;
  inner.text16(body.tenant).text16(body.key_id).u32(3).u16(body.share_index).u16(body.share_threshold);
  inner.prefixed16(body.parameters).prefixed16(body.ciphertext).bytes(body.more);
  Writer outer;
  outer.u16(type).u16(reserved).u32(static_cast<std::uint32_t>(inner.size())).bytes(inner.view());
  return outer;
}

TEST(Slots, SequenceNumberAboveTheBound) {
  SlotTable table{kSlotSeqMax, one_of_each(), {}};
  Bytes copy = copy_of(table);
  EXPECT_TRUE(parse_slots(copy).ok());
  store_le(copy.data() + 8, kSlotSeqMax + 1);
  store_le(copy.data() + copy.size() - 4, crc32c(ByteView(copy).first(copy.size() - 4)));
  const auto read = parse_slots(copy);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code(), Code::kCorrupt);
  ++table.seq;
  const auto written = serialize_slots(table, kCap);
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code(), Code::kInvalid);
}

TEST(Slots, ReadsWhatItWrote) {
  SlotTable table{41, one_of_each(), {UnknownSlot{99, Bytes{1, 2, 3}}}};
  const auto read = parse_slots(copy_of(table));
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read.value().seq, 41U);
  ASSERT_EQ(read.value().slots.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) {
    const crypto::WrappedKey& was = table.slots[i].wrapped;
    const crypto::WrappedKey& is = read.value().slots[i].wrapped;
    EXPECT_EQ(is.type, was.type);
    EXPECT_EQ(is.key_id, was.key_id);
    EXPECT_EQ(is.key_version, was.key_version);
    EXPECT_EQ(is.parameters, was.parameters);
    EXPECT_EQ(is.ciphertext, was.ciphertext);
    EXPECT_EQ(read.value().slots[i].tenant, "acme");
  }
  ASSERT_EQ(read.value().unknown.size(), 1U);
  EXPECT_EQ(read.value().unknown[0].type, 99);
  EXPECT_EQ(read.value().unknown[0].body, (Bytes{1, 2, 3}));
  EXPECT_EQ(copy_of(read.value()), copy_of(table));
}

TEST(Slots, TooManyOrTooLarge) {
  SlotTable table;
  table.slots.assign(65, slot_of(crypto::WrapType::kSoftwareKey, 0, 72));
  expect_refused(serialize_slots(table, kSlotsCapMax), Code::kInvalid, "64");
  table.slots.resize(64);
  EXPECT_TRUE(serialize_slots(table, kSlotsCapMax).ok());
  expect_refused(serialize_slots(table, 4096), Code::kInvalid, "room for 4096");
  EXPECT_EQ(slots_size(table), 24 + 64 * (8 + 6 + 7 + 8 + 2 + 74) + 4U);
}

TEST(Slots, WhatAReaderWouldRefuseIsNotWritten) {
  Slot slot = slot_of(crypto::WrapType::kSoftwareKey, 0, 72);
  const auto refused = [](const Slot& bad) {
    expect_refused(serialize_slots(SlotTable{1, {bad}, {}}, kCap), Code::kInvalid, "isn't a slot");
  };
  refused(slot_of(crypto::WrapType::kSoftwareKey, 0, 71));
  refused(slot_of(crypto::WrapType::kPkcs11, 0, 72));
  slot.tenant = "";
  refused(slot);
  slot.tenant = "acme";
  slot.wrapped.key_id = std::string(513, 'k');
  refused(slot);
  slot.wrapped.key_id = "\n";
  refused(slot);
}

TEST(Slots, DamagedCopy) {
  Bytes copy = copy_of(SlotTable{1, one_of_each(), {}});
  for (const std::size_t offset : {0, 8, 16, 20, 30, 5000, 8191}) {
    Bytes changed = copy;
    changed[offset] ^= 1;
    EXPECT_FALSE(slots_crc_fits(changed));
    expect_refused(parse_slots(changed), Code::kCorrupt, "checksum");
  }
  expect_refused(parse_slots(ByteView(copy).first(27)), Code::kCorrupt, "checksum");
}

TEST(Slots, MalformedUnderARightCrc) {
  const auto refused = [](const Bytes& copy, std::string_view word) {
    ASSERT_TRUE(slots_crc_fits(copy));
    expect_refused(parse_slots(copy), Code::kCorrupt, word);
  };
  Bytes magic = copy_around(Writer(), 0);
  magic[0] = 'X';
  store_le(magic.data() + kCap - 4, crc32c(ByteView(magic).first(kCap - 4)));
  refused(magic, "magic");
  refused(copy_around(Writer(), 65), "64");
  refused(copy_around(Writer(), 1), "slot type");
  refused(copy_around(record(2, {}), 2), "slot type");
  refused(copy_around(record(2, {}), 0), "follow");
  refused(copy_around(record(2, {}), 1, 8), "follow");
  refused(copy_around(Writer(), 0, kCap), "records");
  refused(copy_around(record(2, {}, 1), 1), "reserved");
  refused(copy_around(record(99, {}, 1), 1), "reserved");
  refused(copy_around(Writer().u16(99).u16(0).u32(0xFFFFFFFF), 1), "body");
  refused(copy_around(record(2, {.more = Bytes(1)}), 1), "follow");
  refused(copy_around(record(2, {.tenant = ""}), 1), "tenant");
  refused(copy_around(record(2, {.tenant = std::string(129, 'a')}), 1), "tenant");
  refused(copy_around(record(2, {.tenant = "a\x7f"}), 1), "tenant");
  refused(copy_around(record(2, {.key_id = std::string(513, 'k')}), 1), "key id");
  refused(copy_around(record(2, {.key_id = "\xc0\x80"}), 1), "key id");
  refused(copy_around(record(2, {.parameters = Bytes(4097)}), 1), "parameters");
  refused(copy_around(record(2, {.parameters = Bytes(1)}), 1), "size");
  refused(copy_around(record(2, {.ciphertext = Bytes(71)}), 1), "size");
  refused(copy_around(record(3, {}), 1), "size");
  refused(copy_around(record(6, {.parameters = Bytes(32), .ciphertext = Bytes(48)}), 1), "size");
  refused(copy_around(record(4, {.parameters = Bytes(28)}), 1), "Argon2");
}

TEST(Slots, OfALaterVersionAreKept) {
  Writer records;
  records.bytes(record(7, {}).view()).bytes(record(2, {}).view());
  records.bytes(record(2, {.share_index = 1, .share_threshold = 2, .ciphertext = Bytes(9)}).view());
  const auto read = parse_slots(copy_around(records, 3));
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read.value().slots.size(), 1U);
  ASSERT_EQ(read.value().unknown.size(), 2U);
  EXPECT_EQ(read.value().unknown[0].type, 7);
  EXPECT_EQ(read.value().unknown[1].type, 2);
  EXPECT_NE(describe_slots(read.value()).find("type 7"), std::string::npos);
}

TEST(Slots, SharesAreReadWhereTheyAreOfThisVersion) {
  const auto parsed = [](std::uint16_t index, std::uint16_t threshold) {
    const Body body{.share_index = index, .share_threshold = threshold};
    return SealedObject::value_of(parse_slots(copy_around(record(1, body), 1)));
  };
  for (const auto& [index, threshold] : {std::pair{1, 2}, {255, 255}, {1, 255}, {255, 2}}) {
    const SlotTable table = parsed(static_cast<std::uint16_t>(index), static_cast<std::uint16_t>(threshold));
    ASSERT_EQ(table.slots.size(), 1U);
    EXPECT_EQ(table.slots[0].share.index, index);
    EXPECT_EQ(table.slots[0].share.threshold, threshold);
    EXPECT_EQ(SealedObject::value_of(parse_slots(copy_of(table))).slots[0].share.index, index);
  }
  for (const auto& [index, threshold] : {std::pair{1, 0}, {0, 2}, {1, 1}, {256, 2}, {1, 256}, {0xFFFF, 0xFFFF}}) {
    const SlotTable table = parsed(static_cast<std::uint16_t>(index), static_cast<std::uint16_t>(threshold));
    EXPECT_TRUE(table.slots.empty()) << index << " " << threshold;
    EXPECT_EQ(table.unknown.size(), 1U);
  }
}

TEST(Slots, EnoughToOpen) {
  const auto share = [](std::uint8_t index) {
    Slot slot = slot_of(crypto::WrapType::kDatasetKey, 0, 72);
    slot.share = {index, 2};
    return slot;
  };
  EXPECT_FALSE(are_enough({}));
  EXPECT_FALSE(are_enough({share(1)}));
  EXPECT_TRUE(are_enough({share(1), share(2)}));
  EXPECT_TRUE(are_enough({share(1), slot_of(crypto::WrapType::kDatasetKey, 0, 72)}));
  EXPECT_EQ(shares_needed({slot_of(crypto::WrapType::kDatasetKey, 0, 72)}), 0U);
  EXPECT_EQ(shares_needed({slot_of(crypto::WrapType::kDatasetKey, 0, 72), share(9)}), 2U);
}

TEST(Slots, TheNewerIntactCopyCounts) {
  const Bytes older = copy_of(SlotTable{4, one_of_each(), {}});
  const Bytes newer = copy_of(SlotTable{5, {}, {}});
  Bytes damaged = newer;
  damaged[100] ^= 1;
  const auto chosen = [](ByteView a, ByteView b) { return SealedObject::value_of(choose_slots(a, b)); };
  EXPECT_EQ(chosen(older, newer).newest_copy, SlotCopy::kB);
  EXPECT_EQ(chosen(newer, older).newest_copy, SlotCopy::kA);
  EXPECT_EQ(chosen(newer, newer).newest_copy, SlotCopy::kA);
  EXPECT_FALSE(chosen(older, newer).copy_damaged);
  EXPECT_EQ(chosen(older, damaged).newest.seq, 4U);
  EXPECT_TRUE(chosen(older, damaged).copy_damaged);
  EXPECT_EQ(chosen(damaged, older).newest_copy, SlotCopy::kB);
  EXPECT_TRUE(chosen(damaged, older).copy_damaged);
  expect_refused(choose_slots(damaged, damaged), Code::kCorrupt, "both slot copies");
}

TEST(Slots, ANewerCopyThatWasWrittenWronglyIsNotPassedOver) {
  Bytes wrong = copy_around(record(2, {.more = Bytes(1)}), 1);
  store_le(wrong.data() + 8, std::uint64_t{9});
  store_le(wrong.data() + kCap - 4, crc32c(ByteView(wrong).first(kCap - 4)));
  const Bytes good = copy_of(SlotTable{4, one_of_each(), {}});
  expect_refused(choose_slots(good, wrong), Code::kCorrupt, "follow");
}

class Unwrapping : public ::testing::Test {
 protected:
  Unwrapping() : preamble_(object_.preamble()), table_(object_.open().value().slots().newest) {}

  Result<crypto::Dek> unwrap(const SlotTable& table, std::vector<crypto::KeyWrapper*> wrappers) {
    return unwrap_slots(preamble_, object_.page(), table, wrappers);
  }

  SealedObject object_{payload_of(10)};
  Preamble preamble_;
  SlotTable table_;
  testing::LocalKey right_{9, object_.random};
  testing::LocalKey other_{10, object_.random};
};

TEST_F(Unwrapping, FindsTheSlotOfTheKey) { EXPECT_TRUE(unwrap(table_, {&other_, &right_}).ok()); }

TEST_F(Unwrapping, NoKeyOfThisObject) {
  expect_refused(unwrap(table_, {&other_}), Code::kDenied, "software-key local-9/1");
  expect_refused(unwrap(table_, {}), Code::kDenied, "local-9");
}

TEST_F(Unwrapping, AnotherKeyOfTheSameName) {
  Slot renamed = slot_of(crypto::WrapType::kSoftwareKey, 0, 72);
  renamed.wrapped.key_id = "local-9";
  renamed.wrapped.key_version = 1;
  expect_refused(unwrap(SlotTable{1, {renamed}, {}}, {&right_}), Code::kDenied, "local-9");
  EXPECT_TRUE(unwrap(SlotTable{1, {renamed, table_.slots[0]}, {}}, {&right_}).ok());
}

TEST_F(Unwrapping, WrongTenant) {
  table_.slots[0].tenant = "umbrella";
  expect_refused(unwrap(table_, {&right_}), Code::kDenied, "local-9");
}

TEST_F(Unwrapping, WrongDatasetOrObject) {
  preamble_.context.dataset = "voices";
  expect_refused(unwrap(table_, {&right_}), Code::kDenied, "local-9");
  preamble_ = object_.preamble();
  preamble_.object_id[0] ^= 1;
  expect_refused(unwrap(table_, {&right_}), Code::kDenied, "local-9");
}

TEST_F(Unwrapping, SlotOfAnotherObject) {
  SealedObject other(payload_of(10), options_of(), 2);
  expect_refused(unwrap(other.open().value().slots().newest, {&right_}), Code::kDenied, "local-9");
}

TEST_F(Unwrapping, SlotWithTheKeyOfAnotherObject) {
  // Wrapped by somebody who holds the wrapping key, in the right context, around the wrong DEK.
  const auto swapped = make_slots(preamble_, crypto::Dek::random(object_.random), object_.keys());
  expect_refused(unwrap(swapped.value(), {&right_}), Code::kCorrupt, "key of another object");
}

TEST_F(Unwrapping, RefusedIsNotUnreachable) {
  testing::FailingKey refuses(Error(Code::kDenied, "the key is disabled"));
  testing::FailingKey away(Error(Code::kUnavailable, "the key service doesn't answer"));
  expect_refused(unwrap(table_, {&refuses}), Code::kDenied, "disabled");
  expect_refused(unwrap(table_, {&away}), Code::kUnavailable, "doesn't answer");
  expect_refused(unwrap(table_, {&refuses, &away}), Code::kUnavailable, "doesn't answer");
  expect_refused(unwrap(table_, {&away, &refuses}), Code::kUnavailable, "doesn't answer");
  EXPECT_TRUE(unwrap(table_, {&refuses, &away, &right_}).ok());
}

TEST_F(Unwrapping, ManyCostlyPassphraseSlots) {
  const auto passphrase_slot = [](std::uint32_t passes) {
    Slot slot = slot_of(crypto::WrapType::kPassphrase, 28, 72);
    store_le(slot.wrapped.parameters.data() + 16, std::uint32_t{1} << 20);
    store_le(slot.wrapped.parameters.data() + 20, passes);
    return slot;
  };
  SlotTable planted{1, std::vector<Slot>(63, passphrase_slot(16)), {}};
  testing::FailingKey wrong(Error(Code::kDenied, "the passphrase is wrong"));
  expect_refused(unwrap(planted, {&wrong}), Code::kDenied, "wrong");
  EXPECT_EQ(wrong.unwraps(), 1U);
  planted.slots.push_back(passphrase_slot(15));  // the cheapest goes first, and leaves too little for the others
  testing::FailingKey again(Error(Code::kDenied, "the passphrase is wrong"));
  expect_refused(unwrap(planted, {&again}), Code::kDenied, "wrong");
  EXPECT_EQ(again.unwraps(), 1U);
  planted.slots.push_back(table_.slots[0]);
  EXPECT_TRUE(unwrap(planted, {&again, &right_}).ok());
}

TEST_F(Unwrapping, NobodyToSealFor) {
  expect_refused(make_slots(preamble_, object_.dek(), {}), Code::kInvalid, "never be opened");
}

}  // namespace
}  // namespace cloister::seal
