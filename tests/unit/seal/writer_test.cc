#include "seal/writer.h"

#include <gtest/gtest.h>

#include "tests/unit/seal/sealed_object.h"

namespace cloister::seal {
namespace {

Bytes read_whole(SealedObject& object) {
  const ObjectReader reader = SealedObject::value_of(object.open());
  Bytes out(reader.size());
  EXPECT_TRUE(reader.read_at(0, out).ok());
  return out;
}

struct Shape {
  Suite suite;
  std::uint8_t chunk_log2;
  std::size_t size;
};

class WriterShapes : public ::testing::TestWithParam<Shape> {
 protected:
  SealOptions options() const {
    SealOptions options = options_of(GetParam().chunk_log2);
    options.suite = GetParam().suite;
    options.payload_digest = GetParam().size % 2 == 0 ? PayloadDigest::kNone : PayloadDigest::kSha256;
    return options;
  }
};

TEST_P(WriterShapes, OfKnownLengthOpenToTheSameBytes) {
  const Bytes payload = payload_of(GetParam().size);
  SealedObject object(payload, options());
  EXPECT_EQ(object.bytes.size(), object.summary.object_bytes);
  EXPECT_EQ(object.bytes.size(), object.layout().file_size());
  EXPECT_EQ(object.layout().group_count(), 1U);
  EXPECT_EQ(object.summary.plaintext_bytes, payload.size());
  EXPECT_EQ(object.preamble().plaintext_len, payload.size());
  EXPECT_EQ(read_whole(object), payload);
  const Status verified = object.verify();
  EXPECT_TRUE(verified.ok()) << verified.error().message();
}

TEST_P(WriterShapes, StreamedOpenToTheSameBytes) {
  const Bytes payload = payload_of(GetParam().size);
  SealedObject object(SealedObject::Streamed::kYes, payload, options());
  EXPECT_EQ(object.bytes.size(), object.summary.object_bytes);
  EXPECT_EQ(object.preamble().plaintext_len, kLengthUnknown);
  EXPECT_EQ(object.summary.plaintext_bytes, payload.size());
  EXPECT_EQ(read_whole(object), payload);
  const Status verified = object.verify();
  EXPECT_TRUE(verified.ok()) << verified.error().message();
}

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (const Suite suite : {Suite::kAes256Gcm, Suite::kChaCha20Poly1305}) {
    for (const std::size_t size : {0, 1, 16383, 16384, 16385, 100'000}) all.push_back({suite, 14, size});
    for (const std::size_t size : {65536 * 3, 65536 * 3 + 1}) all.push_back({suite, 16, size});
  }
  constexpr std::size_t kStreamGroup = 256 << 14;
  for (const std::size_t size : {kStreamGroup - 1, kStreamGroup, kStreamGroup + 1, 3 * kStreamGroup + 5}) {
    all.push_back({Suite::kAes256Gcm, 14, size});
  }
  all.push_back({Suite::kAes256Gcm, 20, (5 << 20) + 3});
  all.push_back({Suite::kAes256Gcm, 22, (9 << 20) + 1});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Sizes, WriterShapes, ::testing::ValuesIn(shapes()), [](const auto& shape) {
  return std::string(shape.param.suite == Suite::kAes256Gcm ? "Aes" : "ChaCha") + "_2to" +
         std::to_string(shape.param.chunk_log2) + "_" + std::to_string(shape.param.size);
});

TEST(Writer, PlaintextIsNowhereInTheObject) {
  SealOptions options = options_of();
  options.meta.name = "a-very-particular-name";
  SealedObject object(as_bytes("a very particular sentence that nobody else would write"), options);
  const std::string_view text = as_text(object.bytes);
  EXPECT_EQ(text.find("particular"), std::string_view::npos);
  EXPECT_NE(text.find("acme"), std::string_view::npos);
}

TEST(Writer, EveryAttemptHasItsOwnKeysAndIds) {
  const Bytes payload = payload_of(100);
  SealedObject object(payload);
  testing::TempDir folder;
  const File target = SealedObject::value_of(File::create_new(folder / "again"));
  const auto again = seal_bytes(payload, target, options_of(), object.keys(), object.random);
  ASSERT_TRUE(again.ok());
  Bytes page(kPage);
  ASSERT_TRUE(target.read_at(0, page).ok());
  const Preamble other = SealedObject::value_of(parse_preamble(page));
  EXPECT_NE(other.object_id, object.preamble().object_id);
  EXPECT_NE(other.salt, object.preamble().salt);
  EXPECT_NE(other.run_id, object.preamble().run_id);
  EXPECT_NE(other.commitment, object.preamble().commitment);
}

TEST(Writer, SlotSpaceHoldsTheSlotsTwiceOver) {
  testing::DeterministicRandom random(1);
  testing::LocalKey key(9, random);
  const std::vector<crypto::KeyWrapper*> keys(40, &key);
  testing::TempDir folder;
  const File target = SealedObject::value_of(File::create_new(folder / "many"));
  ASSERT_TRUE(seal_bytes(payload_of(10), target, options_of(), keys, random).ok());
  const auto outline = read_outline(target);
  ASSERT_TRUE(outline.ok()) << outline.error().message();
  EXPECT_EQ(outline.value().slots.newest.slots.size(), 40U);
  EXPECT_EQ(outline.value().preamble.slots_cap, 12288U);
}

class WriterRefusals : public ::testing::Test {
 protected:
  Result<SealedSummary> seal(const SealOptions& options) {
    const File target = SealedObject::value_of(File::create_new(folder_ / std::to_string(count_++)));
    return seal_bytes(payload_of(10), target, options, wrappers_, random_);
  }

  testing::TempDir folder_;
  testing::DeterministicRandom random_{1};
  testing::LocalKey key_{9, random_};
  std::vector<crypto::KeyWrapper*> wrappers_{&key_};
  int count_ = 0;
};

TEST_F(WriterRefusals, OptionsOutOfBounds) {
  expect_refused(seal(options_of(13)), Code::kInvalid, "chunk size");
  expect_refused(seal(options_of(23)), Code::kInvalid, "chunk size");
  SealOptions options = options_of();
  options.slots_cap = 5000;
  expect_refused(seal(options), Code::kInvalid, "slot space");
  options.slots_cap = (1 << 20) + 4096;
  expect_refused(seal(options), Code::kInvalid, "slot space");
  options = options_of();
  options.context.tenant = "";
  expect_refused(seal(options), Code::kInvalid, "no tenant");
  options.context.tenant = "two\nlines";
  expect_refused(seal(options), Code::kInvalid, "text");
}

TEST_F(WriterRefusals, MetaThatNoReaderWouldTake) {
  SealOptions options = options_of();
  options.meta.name = "\xff\xfe";
  expect_refused(seal(options), Code::kInvalid, "UTF-8");
  options.meta.name = std::string(70'000, 'a');
  expect_refused(seal(options), Code::kInvalid, "limit");
}

TEST_F(WriterRefusals, KeysThatDontWrap) {
  testing::FailingKey refuses(Error(Code::kDenied, "the key is disabled"));
  wrappers_.push_back(&refuses);
  expect_refused(seal(options_of()), Code::kDenied, "disabled");
  wrappers_.clear();
  expect_refused(seal(options_of()), Code::kInvalid, "never be opened");
}

TEST_F(WriterRefusals, SlotsThatDontFit) {
  wrappers_.assign(64, &key_);
  SealOptions options = options_of();
  options.slots_cap = 4096;
  expect_refused(seal(options), Code::kInvalid, "room for 4096");
  wrappers_.assign(65, &key_);
  expect_refused(seal(options_of()), Code::kInvalid, "64");
}

TEST_F(WriterRefusals, TargetThatIsNotEmpty) {
  const File target = SealedObject::value_of(File::create_new(folder_ / "full"));
  ASSERT_TRUE(target.write_at(100'000, as_bytes("x")).ok());
  expect_refused(seal_bytes(payload_of(10), target, options_of(), wrappers_, random_), Code::kInvalid, "isn't empty");
}

TEST_F(WriterRefusals, AskedToStop) {
  Progress progress;
  progress.request_stop();
  ASSERT_TRUE(write_file(folder_ / "source", payload_of(100'000), Overwrite::kRefuse).ok());
  const File source = SealedObject::value_of(File::open(folder_ / "source"));
  for (const PayloadDigest digest : {PayloadDigest::kNone, PayloadDigest::kSha256}) {
    SealOptions options = options_of();
    options.payload_digest = digest;
    const File target = SealedObject::value_of(File::create_new(folder_ / std::to_string(count_++)));
    expect_refused(seal_payload(source, target, options, wrappers_, random_, progress), Code::kUnavailable,
                   "interrupted");
  }
}

// Changes the source once sealing has begun: wrapping the key comes after the first look at the source.
class MeddlingKey final : public crypto::KeyWrapper {
 public:
  MeddlingKey(crypto::KeyWrapper& key, std::function<void()> meddle) : key_(key), meddle_(std::move(meddle)) {}
  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override {
    meddle_();
    return key_.wrap(key, context);
  }
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override {
    return key_.unwrap(wrapped, context);
  }

 private:
  crypto::KeyWrapper& key_;
  std::function<void()> meddle_;
};

class ChangingSource : public WriterRefusals {
 protected:
  Result<SealedSummary> seal_while(const std::function<void(const File&)>& change) {
    ignore_result(write_file(folder_ / "source", payload_of(100'000), Overwrite::kReplace));
    const File source = SealedObject::value_of(File::open(folder_ / "source", File::Access::kReadWrite));
    const File target = SealedObject::value_of(File::create_new(folder_ / std::to_string(count_++)));
    MeddlingKey key(key_, [&] { change(source); });
    crypto::KeyWrapper* wrappers[] = {&key};
    Progress progress;
    return seal_payload(source, target, options_of(), wrappers, random_, progress);
  }
};

TEST_F(ChangingSource, Unchanged) {
  EXPECT_TRUE(seal_while([](const File&) {}).ok());
}

TEST_F(ChangingSource, GotShorter) {
  const auto sealed = seal_while([](const File& source) { ignore_result(source.truncate(50'000)); });
  expect_refused(sealed, Code::kInvalid, "got shorter while it was being sealed");
}

TEST_F(ChangingSource, GotLonger) {
  const auto sealed = seal_while([](const File& source) { ignore_result(source.truncate(200'000)); });
  expect_refused(sealed, Code::kInvalid, "changed while it was being sealed");
}

TEST_F(ChangingSource, WasRewritten) {
  const auto sealed = seal_while([](const File& source) {
    // Until the clock that stamps files has moved on.
    const Bytes other = payload_of(100, 5);
    for (int i = 0; i < 50; ++i) {
      ignore_result(source.write_at(0, other));
      ::usleep(1000);
    }
  });
  expect_refused(sealed, Code::kInvalid, "changed while it was being sealed");
}

TEST(Writer, ProgressCountsEveryByte) {
  testing::TempDir folder;
  testing::DeterministicRandom random(1);
  testing::LocalKey key(9, random);
  crypto::KeyWrapper* wrappers[] = {&key};
  ASSERT_TRUE(write_file(folder / "source", payload_of(3'000'000), Overwrite::kRefuse).ok());
  const File source = SealedObject::value_of(File::open(folder / "source"));
  const File target = SealedObject::value_of(File::create_new(folder / "target"));
  Progress progress;
  ASSERT_TRUE(seal_payload(source, target, options_of(), wrappers, random, progress).ok());
  EXPECT_EQ(progress.bytes_done(), 3'000'000U);
}

}  // namespace
}  // namespace cloister::seal
