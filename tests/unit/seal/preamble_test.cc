#include "seal/preamble.h"

#include <gtest/gtest.h>

#include "base/reader.h"
#include "tests/support/hex.h"
#include "tests/unit/seal/sealed_object.h"

namespace cloister::seal {
namespace {

Preamble example() {
  Preamble p;
  p.suite = Suite::kChaCha20Poly1305;
  p.chunk_log2 = 16;
  p.group_log2 = 3;
  p.object_id.fill(1);
  p.salt.fill(2);
  p.commitment.fill(3);
  p.slots_cap = 8192;
  p.meta_len = 5000;
  p.plaintext_len = 150'000;
  p.meta_hash.fill(4);
  p.run_id.fill(5);
  p.context.tenant = "acme/production";
  p.context.dataset = "faces";
  p.context.keyring_id.emplace().fill(6);
  return p;
}

const crypto::Secret& header_key() {
  static const crypto::Secret key = testing::secret_of("0123456789abcdef0123456789abcdef");
  return key;
}

PreamblePage finished(const Preamble& preamble) {
  PreamblePage page = serialize_preamble(preamble);
  finish_preamble(page, header_key());
  return page;
}

// The example with some bytes changed, and crc and mac right again.
Result<Preamble> parse_with(std::size_t offset, ByteView bytes, const Preamble& preamble = example()) {
  PreamblePage page = serialize_preamble(preamble);
  std::ranges::copy(bytes, page.begin() + static_cast<std::ptrdiff_t>(offset));
  finish_preamble(page, header_key());
  return parse_preamble(page);
}

template <typename Integer>
Result<Preamble> parse_with_integer(std::size_t offset, Integer value) {
  std::uint8_t bytes[sizeof value];
  store_le(bytes, value);
  return parse_with(offset, bytes);
}

Result<Preamble> parse_with_context(const Writer& records) {
  Bytes area = to_bytes(records.view());
  area.resize(3864);
  return parse_with(200, area);
}

TEST(Preamble, ReadsWhatItWrote) {
  const auto parsed = parse_preamble(finished(example()));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_EQ(serialize_preamble(parsed.value()), serialize_preamble(example()));
  EXPECT_EQ(parsed.value().context.tenant, "acme/production");
  EXPECT_EQ(parsed.value().context.dataset, "faces");
  EXPECT_EQ(parsed.value().data_off(), align_to_page(4096 + 2 * 8192 + 5000));
}

TEST(Preamble, ReadsRunsOfALog) {
  Preamble run = example();
  run.append_log = true;
  run.group_log2 = 0;
  run.plaintext_len = kLengthUnknown;
  EXPECT_TRUE(parse_preamble(finished(run)).ok());
  run.run_number = 3;
  run.meta_len = 0;
  run.meta_hash.fill(0);
  run.context.previous_run = PreviousRun{{}, 17};
  const auto parsed = parse_preamble(finished(run));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_EQ(parsed.value().context.previous_run->frames, 17U);
}

TEST(Preamble, SomethingElseEntirely) {
  PreamblePage page{};
  expect_refused(parse_preamble(page), Code::kInvalid, "not a sealed object");
  expect_refused(parse_preamble(as_bytes("PK")), Code::kInvalid, "not a sealed object");
}

TEST(Preamble, DamagedByATransferAsText) {
  for (const std::string_view magic : {"09434c5352310d0a", "89434c5352310a00", "89434c5352310d0d"}) {
    expect_refused(parse_with(0, testing::unhex(magic)), Code::kInvalid, "text mode");
  }
}

TEST(Preamble, CutOff) {
  const PreamblePage page = finished(example());
  for (const std::size_t size : {0, 1, 7, 8, 9, 200, 4095}) {
    expect_refused(parse_preamble(ByteView(page).first(size)), Code::kCorrupt, "cut off");
  }
}

TEST(Preamble, OfAnotherTime) {
  expect_refused(parse_with_integer<std::uint16_t>(8, 9), Code::kUnsupported, "version 9 is newer than this program");
  expect_refused(parse_with_integer<std::uint16_t>(8, 0), Code::kUnsupported, "version 0");
  expect_refused(parse_with_integer<std::uint16_t>(10, 0), Code::kUnsupported, "suite 0");
  expect_refused(parse_with_integer<std::uint16_t>(10, 0x10), Code::kUnsupported, "suite 16");
  for (const std::uint16_t flag : {2, 4, 8, 0x8000}) {
    expect_refused(parse_with_integer<std::uint16_t>(14, flag), Code::kUnsupported, "flags");
  }
}

TEST(Preamble, WrongChecksum) {
  PreamblePage page = finished(example());
  page[300] ^= 1;
  expect_refused(parse_preamble(page), Code::kCorrupt, "checksum");
}

TEST(Preamble, SizesOutOfBounds) {
  expect_refused(parse_with_integer<std::uint8_t>(12, 13), Code::kCorrupt, "chunk size");
  expect_refused(parse_with_integer<std::uint8_t>(12, 23), Code::kCorrupt, "chunk size");
  expect_refused(parse_with_integer<std::uint8_t>(12, 255), Code::kCorrupt, "chunk size");
  expect_refused(parse_with_integer<std::uint8_t>(13, 33), Code::kCorrupt, "group size");
  for (const std::uint32_t cap : {0U, 1U, 4095U, 4097U, (1U << 20) + 4096, ~0U}) {
    expect_refused(parse_with_integer(104, cap), Code::kCorrupt, "slot space");
  }
  for (const std::uint64_t meta :
       {std::uint64_t{0}, std::uint64_t{16}, (std::uint64_t{1} << 20) + 1, ~std::uint64_t{0}}) {
    expect_refused(parse_with_integer(120, meta), Code::kCorrupt, "META");
  }
  expect_refused(parse_with_integer(136, kPayloadMax + 1), Code::kCorrupt, "payload length");
  expect_refused(parse_with_integer(136, kLengthUnknown - 1), Code::kCorrupt, "payload length");
}

TEST(Preamble, RegionsElsewhere) {
  for (const std::size_t offset : {96, 112, 128}) {
    for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{8192}, ~std::uint64_t{0}}) {
      expect_refused(parse_with_integer(offset, value), Code::kCorrupt, "regions");
    }
  }
  expect_refused(parse_with_integer<std::uint32_t>(108, 1), Code::kCorrupt, "regions");
  expect_refused(parse_with_integer<std::uint32_t>(108, 3), Code::kCorrupt, "regions");
}

TEST(Preamble, RunsWhereThereAreNone) {
  expect_refused(parse_with_integer<std::uint32_t>(192, 1), Code::kCorrupt, "run number");
  Preamble object = example();
  object.context.previous_run.emplace();
  expect_refused(parse_preamble(finished(object)), Code::kCorrupt, "run number");

  Preamble run = example();
  run.append_log = true;
  expect_refused(parse_preamble(finished(run)), Code::kCorrupt, "closed object");
  run.plaintext_len = kLengthUnknown;
  expect_refused(parse_preamble(finished(run)), Code::kCorrupt, "closed object");
  run.group_log2 = 0;
  run.context.previous_run.emplace();
  expect_refused(parse_preamble(finished(run)), Code::kCorrupt, "previous run");
  run.run_number = 1;
  expect_refused(parse_preamble(finished(run)), Code::kCorrupt, "META");
  run.meta_len = 0;
  expect_refused(parse_preamble(finished(run)), Code::kCorrupt, "META hash");
  run.meta_hash.fill(0);
  EXPECT_TRUE(parse_preamble(finished(run)).ok());
  run.context.previous_run.reset();
  expect_refused(parse_preamble(finished(run)), Code::kCorrupt, "previous run");
}

TEST(Preamble, SkipsRecordsThatMayBeSkipped) {
  const auto parsed = parse_with_context(Writer().u16(1).text16("acme").u16(0x8001).text16("later").u16(0).u16(0));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_TRUE(parsed.value().context.dataset.empty());
}

TEST(Preamble, MalformedPublicContext) {
  const std::string long_name(129, 'a');
  expect_refused(parse_with_context(Writer().u16(1).text16("acme").u16(17).text16("x").u16(0).u16(0)),
                 Code::kUnsupported, "type 17");
  const auto refused = [](const Writer& records, std::string_view word) {
    expect_refused(parse_with_context(records), Code::kCorrupt, word);
  };
  refused(Writer().u16(0).u16(0), "no tenant");
  refused(Writer().u16(1).text16("").u16(0).u16(0), "tenant");
  refused(Writer().u16(1).text16(long_name).u16(0).u16(0), "tenant");
  refused(Writer().u16(1).text16("a\nb").u16(0).u16(0), "tenant");
  refused(Writer().u16(1).text16("\xff").u16(0).u16(0), "tenant");
  refused(Writer().u16(1).text16("acme").u16(2).text16("").u16(0).u16(0), "dataset");
  refused(Writer().u16(1).text16("acme").u16(2).text16(long_name).u16(0).u16(0), "dataset");
  refused(Writer().u16(1).text16("acme").u16(3).text16("fifteen bytes..").u16(0).u16(0), "keyring id");
  refused(Writer().u16(1).text16("acme").u16(16).text16("short").u16(0).u16(0), "previous run");
  refused(Writer().u16(2).text16("faces").u16(1).text16("acme").u16(0).u16(0), "ascending");
  refused(Writer().u16(1).text16("acme").u16(1).text16("other").u16(0).u16(0), "ascending");
  refused(Writer().u16(1).text16("acme").u16(0).u16(1), "end properly");
  refused(Writer().u16(1).text16("acme").u16(0).u16(0).u8(1), "is not zero");
  refused(Writer().u16(1).u16(4000), "are left");
  refused(Writer().u16(1).text16("acme").u16(0x8000).prefixed16(Bytes(3852)), "type");  // no room for the end record
}

TEST(Preamble, NamesThatAReaderWouldRefuse) {
  EXPECT_TRUE(check_public_context({"acme", "", {}, {}}).ok());
  expect_refused(check_public_context({"", "faces", {}, {}}), Code::kInvalid, "tenant");
  expect_refused(check_public_context({std::string(129, 'a'), "", {}, {}}), Code::kInvalid, "128");
  expect_refused(check_public_context({"acme", std::string(129, 'a'), {}, {}}), Code::kInvalid, "128");
  expect_refused(check_public_context({"acme", "a\x01", {}, {}}), Code::kInvalid, "text");
}

TEST(Preamble, EveryFlippedBitIsRefused) {
  const PreamblePage page = finished(example());
  ASSERT_TRUE(verify_preamble_mac(page, header_key()).ok());
  for (std::size_t bit = 0; bit < 8 * kPage; ++bit) {
    PreamblePage changed = page;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    ASSERT_FALSE(parse_preamble(changed).ok()) << "bit " << bit;
  }
}

TEST(Preamble, ForgedWithoutTheKey) {
  PreamblePage page = serialize_preamble(example());
  finish_preamble(page, testing::secret_of("another key of thirty-two bytes."));
  ASSERT_TRUE(parse_preamble(page).ok());
  expect_refused(verify_preamble_mac(page, header_key()), Code::kCorrupt, "mac");
}

TEST(Preamble, ContextHashCoversThePublicPartAlone) {
  const PreamblePage page = finished(example());
  const auto changed_at = [&page](std::size_t offset) {
    PreamblePage changed = page;
    changed[offset] ^= 1;
    return context_hash(changed) != context_hash(page);
  };
  for (const std::size_t covered : {176, 191, 192, 195, 200, 4063}) EXPECT_TRUE(changed_at(covered)) << covered;
  for (const std::size_t left_out : {0, 64, 104, 144, 175, 196, 199, 4064})
    EXPECT_FALSE(changed_at(left_out)) << left_out;
}

}  // namespace
}  // namespace cloister::seal
