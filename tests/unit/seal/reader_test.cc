#include "seal/reader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <random>

#include "crypto/hash.h"
#include "tests/unit/seal/sealed_object.h"

namespace cloister::seal {
namespace {

constexpr std::size_t kChunk = 1 << 14;

// The payload as each of the ways to read a whole object hands it out.
Result<Bytes> in_order(const ObjectReader& reader, unsigned threads = 2) {
  Bytes out;
  Progress progress;
  const ObjectReader::Sink sink = [&out](std::uint64_t offset, ByteView piece) {
    EXPECT_EQ(offset, out.size());
    out.insert(out.end(), piece.begin(), piece.end());
    return ok_status();
  };
  CLOISTER_RETURN_IF_ERROR(reader.read_all(threads, sink, progress));
  EXPECT_EQ(progress.bytes_done(), reader.size());
  return out;
}

Result<Bytes> unordered(const ObjectReader& reader) {
  Bytes out(reader.size());
  Progress progress;
  const ObjectReader::Sink sink = [&out](std::uint64_t offset, ByteView piece) {
    std::ranges::copy(piece, out.begin() + static_cast<std::ptrdiff_t>(offset));
    return ok_status();
  };
  CLOISTER_RETURN_IF_ERROR(reader.read_all_unordered(2, sink, progress));
  return out;
}

// In place; where it is refused, nothing is left there.
Result<Bytes> in_place(const ObjectReader& reader, unsigned threads = 2) {
  Bytes out(reader.size(), 0xAA);
  Progress progress;
  std::atomic<std::uint64_t> told = 0;
  const ObjectReader::Sink arrived = [&](std::uint64_t offset, ByteView piece) {
    EXPECT_EQ(piece.data(), out.data() + offset);
    told += piece.size();
    return ok_status();
  };
  const Status status = reader.read_into(out, threads, arrived, progress);
  EXPECT_TRUE(status.ok() || all_zero(out));
  CLOISTER_RETURN_IF_ERROR(status);
  EXPECT_EQ(told, reader.size());
  return out;
}

Result<Bytes> copied(const ObjectReader& reader) {
  const testing::TempDir folder;
  CLOISTER_TRY(const File target, File::create_new(folder / "copy"));
  Progress progress;
  CLOISTER_RETURN_IF_ERROR(reader.copy_to(target, 2, progress));
  return read_file(folder / "copy", reader.size());
}

// Every way in refuses, with this code and word.
void expect_refused_everywhere(SealedObject& object, Code code, std::string_view word) {
  auto reader = object.open();
  ASSERT_TRUE(reader.ok()) << reader.error().message();
  expect_refused(in_order(reader.value()), code, word);
  expect_refused(in_order(reader.value(), 1), code, word);
  expect_refused(unordered(reader.value()), code, word);
  expect_refused(in_place(reader.value()), code, word);
  expect_refused(copied(reader.value()), code, word);
  Progress progress;
  EXPECT_FALSE(reader.value().verify(2, progress).ok());
}

TEST(Reader, AllWaysGiveTheSameBytes) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kChunk, 5 * kChunk + 7, std::size_t{9'000'000}}) {
    const Bytes payload = payload_of(size);
    SealedObject object(payload);
    const ObjectReader reader = SealedObject::value_of(object.open());
    EXPECT_EQ(reader.size(), size);
    EXPECT_EQ(in_order(reader).value(), payload);
    EXPECT_EQ(in_order(reader, 16).value(), payload);
    EXPECT_EQ(unordered(reader).value(), payload);
    EXPECT_EQ(in_place(reader).value(), payload);
    EXPECT_EQ(in_place(reader, 16).value(), payload);
    EXPECT_EQ(copied(reader).value(), payload);
  }
}

TEST(Reader, SaysWhatTheObjectIs) {
  SealOptions options = options_of();
  options.meta.mode = 0600;
  options.context.keyring_id.emplace().fill(4);
  SealedObject object(payload_of(100), options);
  ObjectReader reader = SealedObject::value_of(object.open());
  EXPECT_EQ(reader.meta().name, "corpus-7.tar");
  EXPECT_EQ(reader.meta().mode, 0600U);
  EXPECT_EQ(reader.preamble().context.tenant, "acme");
  EXPECT_EQ(reader.preamble().context.keyring_id, options.context.keyring_id);
  EXPECT_EQ(reader.object_digest(), object.summary.object_digest);
  EXPECT_EQ(reader.object_digest(), crypto::sha256(ByteView(object.bytes).last(kPage)));
  EXPECT_EQ(reader.path(), object.path());
  EXPECT_EQ(reader.slots().newest.slots.size(), 1U);
  ObjectReader moved = std::move(reader);
  EXPECT_EQ(in_order(moved).value(), payload_of(100));
}

TEST(ReaderRange, RandomRangesFromManyThreads) {
  const Bytes payload = payload_of(40 * kChunk + 123);
  for (const bool streamed : {false, true}) {
    SealedObject known(payload);
    SealedObject unknown(SealedObject::Streamed::kYes, payload);
    const ObjectReader reader = SealedObject::value_of((streamed ? unknown : known).open());
    std::vector<std::thread> threads;
    for (unsigned seed = 0; seed < 4; ++seed) {
      threads.emplace_back([&, seed] {
        std::mt19937_64 random(seed);
        for (int i = 0; i < 200; ++i) {
          const std::size_t offset = random() % (payload.size() + 1);
          const std::size_t size = std::min<std::size_t>(random() % (3 * kChunk), payload.size() - offset);
          Bytes out(size);
          ASSERT_TRUE(reader.read_at(offset, out).ok());
          ASSERT_TRUE(equal(out, ByteView(payload).subspan(offset, size)));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

TEST(ReaderRange, PastTheEnd) {
  SealedObject object(payload_of(1000));
  const ObjectReader reader = SealedObject::value_of(object.open());
  Bytes out(10, 0xAA);
  EXPECT_TRUE(reader.read_at(990, out).ok());
  expect_refused(reader.read_at(991, out), Code::kInvalid, "past the end");
  expect_refused(reader.read_at(1001, {}), Code::kInvalid, "past the end");
  expect_refused(reader.read_at(~std::uint64_t{0}, out), Code::kInvalid, "past the end");
  EXPECT_TRUE(reader.read_at(1000, {}).ok());
}

TEST(ReaderRange, DamagedChunkLeavesNothingBehind) {
  const Bytes payload = payload_of(4 * kChunk);
  SealedObject object(payload);
  object.bytes[object.layout().chunk_offset(2) + 5] ^= 1;
  const ObjectReader reader = SealedObject::value_of(object.open());
  Bytes out(4 * kChunk, 0xAA);
  const std::string where = "chunk 2 at offset " + std::to_string(object.layout().chunk_offset(2));
  expect_refused(reader.read_at(0, out), Code::kCorrupt, where);
  EXPECT_TRUE(all_zero(out));
  Bytes part(10, 0xAA);
  expect_refused(reader.read_at(2 * kChunk + 100, part), Code::kCorrupt, where);
  EXPECT_TRUE(all_zero(part));
  Bytes beside(kChunk);
  EXPECT_TRUE(reader.read_at(kChunk, beside).ok());
  EXPECT_TRUE(equal(beside, ByteView(payload).subspan(kChunk, kChunk)));
}

TEST(Reader, NotOneByteOfADamagedChunkIsHandedOut) {
  const Bytes payload = payload_of(300 * kChunk);
  SealedObject object(payload);
  object.bytes[object.layout().tag_offset(150)] ^= 1;
  const ObjectReader reader = SealedObject::value_of(object.open());
  Progress progress;
  std::mutex mutex;
  const ObjectReader::Sink sink = [&](std::uint64_t offset, ByteView piece) {
    const std::lock_guard lock(mutex);
    EXPECT_TRUE(offset + piece.size() <= 150 * kChunk || offset > 150 * kChunk);
    EXPECT_TRUE(equal(piece, ByteView(payload).subspan(offset, piece.size())));
    return ok_status();
  };
  for (const unsigned threads : {1, 2, 8}) {
    expect_refused(reader.read_all(threads, sink, progress), Code::kCorrupt, "chunk 150");
    expect_refused(reader.read_all_unordered(threads, sink, progress), Code::kCorrupt, "chunk 150");
    expect_refused(in_place(reader, threads), Code::kCorrupt, "chunk 150");
    Bytes out(payload.size());
    expect_refused(reader.read_into(out, threads, sink, progress), Code::kCorrupt, "chunk 150");
  }
}

TEST(Reader, StopsWhereItsSinkStops) {
  SealedObject object(payload_of(9'000'000));
  const ObjectReader reader = SealedObject::value_of(object.open());
  Progress progress;
  int calls = 0;
  const ObjectReader::Sink sink = [&calls](std::uint64_t, ByteView) -> Status {
    if (++calls == 3) return Error(Code::kInternal, "no space left");
    return {};
  };
  expect_refused(reader.read_all(2, sink, progress), Code::kInternal, "no space left");
  EXPECT_EQ(calls, 3);
  calls = 0;
  expect_refused(reader.read_all_unordered(1, sink, progress), Code::kInternal, "no space left");
  calls = 0;
  Bytes out(reader.size(), 0xAA);
  expect_refused(reader.read_into(out, 1, sink, progress), Code::kInternal, "no space left");
  EXPECT_TRUE(all_zero(out));
}

TEST(Reader, AskedToStop) {
  SealedObject object(payload_of(3'000'000));
  const ObjectReader reader = SealedObject::value_of(object.open());
  Progress progress;
  progress.request_stop();
  const ObjectReader::Sink sink = [](std::uint64_t, ByteView) { return ok_status(); };
  expect_refused(reader.read_all(2, sink, progress), Code::kUnavailable, "interrupted");
  expect_refused(reader.read_all_unordered(2, sink, progress), Code::kUnavailable, "interrupted");
  Bytes out(reader.size());
  expect_refused(reader.read_into(out, 2, sink, progress), Code::kUnavailable, "interrupted");
  expect_refused(reader.verify(2, progress), Code::kUnavailable, "interrupted");
}

TEST(ReaderOpen, SomethingElse) {
  SealedObject object(payload_of(10));
  object.bytes = to_bytes(as_bytes("PK\x03\x04 this is an archive"));
  expect_refused(object.open(), Code::kInvalid, "not a sealed object");
  object.bytes.clear();
  expect_refused(object.open(), Code::kCorrupt, "cut off");
}

TEST(ReaderOpen, NewerVersion) {
  SealedObject object(payload_of(10));
  object.bytes[8] = 9;
  expect_refused(object.open(), Code::kUnsupported, "version 9 is newer than this program");
}

TEST(ReaderOpen, NamesTheFile) {
  SealedObject object(payload_of(10));
  object.bytes[300] ^= 1;
  expect_refused(object.open(), Code::kCorrupt, object.path().string());
}

TEST(ReaderOpen, FromAPipe) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const File writing = File::from_descriptor(ends[1], "pipe", File::Owned::kYes);
  expect_refused(ObjectReader::open(File::from_descriptor(ends[0], "pipe", File::Owned::kYes), {}), Code::kInvalid,
                 "pipe");
}

TEST(ReaderOpen, AppendLog) {
  SealedObject object(payload_of(10));
  Preamble log = object.preamble();
  log.append_log = true;
  log.group_log2 = 0;
  log.plaintext_len = kLengthUnknown;
  PreamblePage page = serialize_preamble(log);
  finish_preamble(page, derive_header_key(object.dek(), log, page));
  std::ranges::copy(page, object.bytes.begin());
  expect_refused(object.open(), Code::kInvalid, "append log");
}

TEST(ReaderOpen, EveryTruncationAndExtension) {
  const Bytes payload = payload_of(2 * kChunk + 100);
  SealedObject known(payload);
  SealedObject streamed(SealedObject::Streamed::kYes, payload);
  for (SealedObject* object : {&known, &streamed}) {
    const Bytes whole = object->bytes;
    for (std::size_t size = 0; size < whole.size(); size += size % kPage == 4095 ? 1 : size % kPage == 0 ? 1 : 4094) {
      object->bytes.assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      const auto opened = object->open();
      ASSERT_FALSE(opened.ok()) << size;
      ASSERT_EQ(opened.error().code(), Code::kCorrupt) << size << ": " << opened.error().message();
    }
    for (const std::size_t more : {1, 4095, 4096, 8192}) {
      object->bytes = whole;
      object->bytes.resize(whole.size() + more);
      const auto opened = object->open();
      ASSERT_FALSE(opened.ok()) << more;
      ASSERT_EQ(opened.error().code(), Code::kCorrupt) << more;
    }
    // The same footer once more.
    object->bytes = whole;
    object->bytes.insert(object->bytes.end(), whole.end() - kPage, whole.end());
    EXPECT_FALSE(object->open().ok());
  }
}

TEST(ReaderOpen, RegionsPastTheEndAreNotAllocated) {
  SealedObject object(payload_of(10));
  Preamble large = object.preamble();
  large.slots_cap = kSlotsCapMax;
  large.meta_len = kMetaMax;
  for (const std::uint64_t length : {kLengthUnknown, kPayloadMax}) {
    large.plaintext_len = length;
    PreamblePage page = serialize_preamble(large);
    finish_preamble(page, derive_header_key(object.dek(), large, page));
    std::ranges::copy(page, object.bytes.begin());
    expect_refused(object.open(), Code::kCorrupt, "");
  }
}

TEST(ReaderOpen, BothSlotCopiesDamaged) {
  SealedObject object(payload_of(10));
  object.bytes[4096 + 50] ^= 1;
  ASSERT_TRUE(object.open().ok());
  EXPECT_TRUE(object.open().value().slots().copy_damaged);
  expect_refused(object.verify(), Code::kCorrupt, "slot copies is damaged");
  object.bytes[8192 + 50] ^= 1;
  expect_refused(object.open(), Code::kCorrupt, "both slot copies");
}

TEST(ReaderOpen, NoKeyForIt) {
  SealedObject object(payload_of(10));
  object.store();
  testing::LocalKey other(10, object.random);
  crypto::KeyWrapper* wrappers[] = {&other};
  expect_refused(ObjectReader::open(SealedObject::value_of(File::open(object.path())), wrappers), Code::kDenied,
                 "software-key local-9/1");
  expect_refused(ObjectReader::open(SealedObject::value_of(File::open(object.path())), {}), Code::kDenied, "local-9");
}

TEST(ReaderOpen, SlotsOfAnotherObject) {
  SealedObject object(payload_of(10));
  SealedObject other(payload_of(10), options_of(), 2);
  std::copy_n(other.bytes.begin() + kPage, 2 * kPage, object.bytes.begin() + kPage);
  expect_refused(object.open(), Code::kDenied, "local-9");
}

TEST(ReaderOpen, CommitmentOfAnotherKey) {
  SealedObject object(payload_of(10));
  // The slot is bound to the commitment too, so it has to be wrapped anew for the DEK to come out at all.
  const Preamble sealed = object.preamble();
  object.bytes[64] ^= 1;
  object.finish_page(sealed);
  const auto slots = make_slots(object.preamble(), object.dek(), object.keys());
  const Bytes copy = SealedObject::value_of(serialize_slots(slots.value(), kPage));
  std::ranges::copy(copy, object.bytes.begin() + kPage);
  std::ranges::copy(copy, object.bytes.begin() + 2 * kPage);
  expect_refused(object.open(), Code::kCorrupt, "key of another object");
}

TEST(ReaderOpen, PreambleForgedWithoutTheKey) {
  SealedObject object(payload_of(10));
  object.bytes[13] ^= 1;  // log2 of the group's size: bound by nothing but the mac
  store_le(object.bytes.data() + 196, std::uint32_t{0});
  store_le(object.bytes.data() + 196, crc32c(object.page()));
  expect_refused(object.open(), Code::kCorrupt, "mac");
}

TEST(ReaderOpen, MetaDamaged) {
  SealedObject object(payload_of(10));
  object.bytes[object.preamble().meta_off() + 3] ^= 1;
  expect_refused(object.open(), Code::kCorrupt, "META fails its hash");
}

TEST(ReaderOpen, MetaForgedByWhoeverHashedItAnew) {
  SealedObject object(payload_of(10));
  const Preamble sealed = object.preamble();
  object.bytes[sealed.meta_off() + 3] ^= 1;
  const auto hash = crypto::sha256(ByteView(object.bytes).subspan(sealed.meta_off(), sealed.meta_len));
  std::ranges::copy(hash, object.bytes.begin() + 144);
  object.finish_page(sealed);
  expect_refused(object.open(), Code::kCorrupt, "META");
}

TEST(ReaderOpen, FooterThatDisagrees) {
  const Bytes payload = payload_of(2 * kChunk);
  const auto changed = [&payload](std::size_t offset, bool streamed = false) {
    auto object = streamed ? std::make_unique<SealedObject>(SealedObject::Streamed::kYes, payload)
                           : std::make_unique<SealedObject>(payload);
    object->bytes[object->bytes.size() - kPage + offset] ^= 1;
    object->finish_footer();
    return object->open();
  };
  expect_refused(changed(8), Code::kCorrupt, "belongs to another object");
  expect_refused(changed(24), Code::kCorrupt, "belongs to another object");
  expect_refused(changed(40), Code::kCorrupt, "disagree on the payload's length");
  expect_refused(changed(48), Code::kCorrupt, "chunk count");
  expect_refused(changed(40, true), Code::kCorrupt, "chunk count");
  expect_refused(changed(48, true), Code::kCorrupt, "chunk count");
}

TEST(ReaderOpen, FooterOfAnotherObject) {
  SealedObject object(payload_of(10));
  SealedObject other(payload_of(10), options_of(), 2);
  std::copy_n(other.bytes.end() - kPage, kPage, object.bytes.end() - kPage);
  expect_refused(object.open(), Code::kCorrupt, "mac");
}

TEST(ReaderData, ChunksAndTagsInAnotherOrder) {
  SealedObject object(payload_of(4 * kChunk));
  const Bytes whole = object.bytes;
  const Layout layout = object.layout();
  const auto swap = [&object](std::uint64_t a, std::uint64_t b, std::size_t size) {
    std::swap_ranges(object.bytes.begin() + static_cast<std::ptrdiff_t>(a),
                     object.bytes.begin() + static_cast<std::ptrdiff_t>(a + size),
                     object.bytes.begin() + static_cast<std::ptrdiff_t>(b));
  };
  swap(layout.chunk_offset(0), layout.chunk_offset(1), kChunk);
  expect_refused_everywhere(object, Code::kCorrupt, "chunk 0");
  swap(layout.tag_offset(0), layout.tag_offset(1), crypto::kTagSize);
  expect_refused_everywhere(object, Code::kCorrupt, "chunk 0");
  object.bytes = whole;
  swap(layout.tag_offset(2), layout.tag_offset(3), crypto::kTagSize);
  expect_refused_everywhere(object, Code::kCorrupt, "chunk 2");
}

TEST(ReaderData, ChunksOfAnotherObjectUnderTheSameKeys) {
  SealedObject object(payload_of(2 * kChunk));
  SealedObject other(payload_of(2 * kChunk), options_of(), 2);
  const Layout layout = object.layout();
  const std::size_t size = layout.footer_offset() - layout.chunk_offset(0);
  std::copy_n(other.bytes.begin() + static_cast<std::ptrdiff_t>(layout.chunk_offset(0)), size,
              object.bytes.begin() + static_cast<std::ptrdiff_t>(layout.chunk_offset(0)));
  expect_refused_everywhere(object, Code::kCorrupt, "chunk 0");
}

TEST(ReaderData, PaddingThatIsNotZero) {
  SealedObject object(SealedObject::Streamed::kYes, payload_of(256 * kChunk + 100));
  const Bytes whole = object.bytes;
  const Layout layout = object.layout();
  ASSERT_EQ(layout.group_count(), 2U);
  const Preamble preamble = object.preamble();
  for (const std::uint64_t offset :
       {preamble.meta_off() + preamble.meta_len, preamble.data_off() - 1, layout.group_data_end(1),
        layout.tag_offset(256) - 1, layout.tag_offset(256) + crypto::kTagSize, layout.footer_offset() - 1}) {
    object.bytes = whole;
    object.bytes[offset] = 1;
    expect_refused_everywhere(object, Code::kCorrupt, "aren't zero");
  }
}

TEST(ReaderVerify, DigestsThatDiffer) {
  SealOptions options = options_of();
  options.payload_digest = PayloadDigest::kSha256;
  SealedObject object(payload_of(3 * kChunk), options);
  ASSERT_TRUE(object.verify().ok());
  const Bytes whole = object.bytes;
  const std::size_t footer = whole.size() - kPage;
  object.bytes[footer + 56] ^= 1;
  object.finish_footer();
  expect_refused(object.verify(), Code::kCorrupt, "digest of all tags");
  object.bytes = whole;
  object.bytes[footer + 96] ^= 1;
  object.finish_footer();
  expect_refused(object.verify(), Code::kCorrupt, "payload digest");

  // A digest of something else, encrypted as it should be.
  object.bytes = whole;
  const KeyAndNonce key = derive_digest_key(object.dek(), object.preamble(), object.page());
  const MutableByteView digest = MutableByteView(object.bytes).subspan(footer + 96, 32);
  crypto::Tag tag;
  crypto::Aead(crypto::AeadAlgorithm::kAes256Gcm, key.key).seal(key.nonce, {}, crypto::sha256({}), digest, tag);
  std::ranges::copy(tag, object.bytes.begin() + static_cast<std::ptrdiff_t>(footer + 128));
  object.finish_footer();
  expect_refused(object.verify(), Code::kCorrupt, "payload's digest differs");
}

TEST(ReaderVerify, LastFlagMissing) {
  // What a writer that lost its tail would leave: a shorter object, finished by somebody with the key.
  const Bytes payload = payload_of(2 * kChunk);
  SealedObject object(payload);
  const Preamble sealed = object.preamble();
  Preamble cut = sealed;
  cut.plaintext_len = kChunk;
  PreamblePage page = serialize_preamble(cut);
  finish_preamble(page, derive_header_key(object.dek(), sealed, page));
  const Layout before = object.layout();
  const Layout after = SealedObject::value_of(Layout::create(cut, kChunk));
  Bytes bytes(after.file_size());
  std::copy_n(object.bytes.begin(), after.group_data_end(0), bytes.begin());
  std::ranges::copy(page, bytes.begin());
  std::copy_n(object.bytes.begin() + static_cast<std::ptrdiff_t>(before.tag_offset(0)), crypto::kTagSize,
              bytes.begin() + static_cast<std::ptrdiff_t>(after.tag_offset(0)));
  Footer footer{cut.object_id, cut.run_id, kChunk, 1, {}, std::nullopt};
  footer.tags_digest = crypto::sha256(ByteView(bytes).subspan(after.tag_offset(0), crypto::kTagSize));
  std::ranges::copy(serialize_footer(footer, derive_footer_key(object.dek(), cut, page)),
                    bytes.begin() + static_cast<std::ptrdiff_t>(after.footer_offset()));
  object.bytes = bytes;
  expect_refused_everywhere(object, Code::kCorrupt, "chunk 0");
}

TEST(Outline, NeedsNoKey) {
  SealedObject object(payload_of(100));
  const auto outline = read_outline(SealedObject::value_of(File::open(object.path())));
  ASSERT_TRUE(outline.ok());
  EXPECT_EQ(outline.value().file_size, object.bytes.size());
  EXPECT_EQ(outline.value().preamble.object_id, object.summary.object_id);
  EXPECT_EQ(describe_slots(outline.value().slots.newest), "software-key local-9/1");
}

}  // namespace
}  // namespace cloister::seal
