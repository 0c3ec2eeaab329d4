#include "posture/collect/content/sealed.h"

#include <gtest/gtest.h>

#include "seal/append_log.h"
#include "seal/keyring.h"
#include "seal/writer.h"
#include "tests/support/content_estate.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/temp_dir.h"
#include "tests/support/value_of.h"

namespace cloister::posture::content {
namespace {

using testing::value_of;

class Sealed : public ::testing::Test {
 protected:
  Bytes object(ByteView payload, std::uint8_t chunk_log2 = 14) {
    const Path path = folder_ / ("object-" + std::to_string(++made_));
    const File file = value_of(File::create_new(path));
    seal::SealOptions options;
    options.chunk_log2 = chunk_log2;
    options.threads = 1;
    options.context = {"acme", "corpus", keyring_.outline().keyring_id, std::nullopt};
    crypto::KeyWrapper* wrappers[] = {wrapper_.get()};
    value_of(seal::seal_bytes(payload, file, options, wrappers, random_));
    return value_of(read_file(path, 1 << 24));
  }

  Bytes log(int frames, std::size_t frame_size, int runs = 1) {
    const Path path = folder_ / ("log-" + std::to_string(++made_));
    seal::LogOptions options;
    options.context = {"acme", "corpus", keyring_.outline().keyring_id, std::nullopt};
    crypto::KeyWrapper* wrappers[] = {wrapper_.get()};
    for (int run = 0; run < runs; ++run) {
      auto writer = value_of(seal::LogWriter::open(path, options, wrappers, random_));
      for (int i = 0; i < frames; ++i) EXPECT_TRUE(writer.append(testing::json_lines(1, frame_size)).ok());
      EXPECT_TRUE(writer.end(seal::LogWriter::End::kRun).ok());
    }
    return value_of(read_file(path, 1 << 24));
  }

  KnownKeys known(KeyUse use = KeyUse::kActive) const {
    KnownKeys keys;
    keys.versions[{to_hex(keyring_.outline().keyring_id), 1}] = {use, "cloister:k"};
    return keys;
  }

  Finding judge(ByteView bytes, const KnownKeys& keys) {
    Bytes buffer(kWindow);
    return judge_sealed(sample_of(bytes), keys, {std::uint64_t{1} << 20, buffer});
  }

  testing::TempDir folder_;
  testing::DeterministicRandom random_{1};
  seal::Keyring keyring_ = value_of(seal::Keyring::create({"acme", "", "corpus"}, Time{}, random_));
  std::unique_ptr<seal::KeyringWrapper> wrapper_ = value_of(seal::KeyringWrapper::create(keyring_, random_));
  int made_ = 0;
};

TEST_F(Sealed, ObjectsOfEverySizeUnderAKnownKey) {
  for (const std::size_t size : {0U, 1U, 100U, 5000U, 16384U, 200'000U, 3'000'000U}) {
    const Finding finding = judge(object(testing::json_lines(1, size)), known());
    EXPECT_EQ(name_of(finding.verdict), "sealed") << size << " " << finding.reason;
    ASSERT_TRUE(finding.sealed.has_value());
    EXPECT_EQ(finding.sealed->preamble.context.tenant, "acme");
  }
}

TEST_F(Sealed, AKeyThatIsNotKnownProvesNothing) {
  const Finding finding = judge(object(testing::json_lines(1, 5000)), {});
  EXPECT_EQ(name_of(finding.verdict), "high_entropy_unknown");
  EXPECT_TRUE(finding.sealed.has_value());
  KnownKeys other = known();
  auto node = other.versions.extract(other.versions.begin());
  node.key().second = 2;
  other.versions.insert(std::move(node));
  EXPECT_EQ(name_of(judge(object(testing::json_lines(1, 5000)), other).verdict), "high_entropy_unknown");
}

TEST_F(Sealed, PlaintextInPlaceOfCiphertextIsFound) {
  Bytes bytes = object(testing::json_lines(1, 200'000));
  const Bytes text = testing::json_lines(2, 60'000);
  // Behind the first chunks, which are as they were.
  std::copy(text.begin(), text.begin() + 50'000, bytes.begin() + 16384 + 100'000);
  const Finding finding = judge(bytes, known());
  EXPECT_EQ(name_of(finding.verdict), "plaintext_unknown_type");
  EXPECT_EQ(finding.type, "sealed-look-alike");
}

TEST_F(Sealed, DamagedHeadersAreNeverSealed) {
  const Bytes good = object(testing::json_lines(1, 5000));
  for (const std::size_t offset : {9U, 13U, 40U, 104U, 136U, 4096U, 4112U}) {
    Bytes bad = good;
    bad[offset] ^= 0x40;
    if (offset >= 4096) bad[offset + 4096] ^= 0x40;  // both copies of the slots
    EXPECT_NE(judge(bad, known()).verdict, Verdict::kSealed) << offset;
  }
  EXPECT_NE(judge(ByteView(good).first(good.size() - 4096), known()).verdict, Verdict::kSealed);
  EXPECT_NE(judge(ByteView(good).first(3000), known()).verdict, Verdict::kSealed);
}

TEST_F(Sealed, LogsOfOneRunAndOfSeveral) {
  EXPECT_EQ(name_of(judge(log(3, 1500), known()).verdict), "sealed");
  EXPECT_EQ(name_of(judge(log(40, 6000, 3), known()).verdict), "sealed");
  EXPECT_EQ(name_of(judge(log(3, 1500), {}).verdict), "high_entropy_unknown");
}

TEST_F(Sealed, PlaintextBehindALogsFramesIsFound) {
  Bytes bytes = log(2, 1500);
  const Bytes text = testing::json_lines(2, 20'000);
  bytes.insert(bytes.end(), text.begin(), text.end());
  EXPECT_EQ(name_of(judge(bytes, known()).verdict), "plaintext_unknown_type");
}

TEST_F(Sealed, TheBestOfItsKeysSpeaksForAnObject) {
  seal::SlotTable slots;
  slots.slots = {{"acme", {crypto::WrapType::kDatasetKey, "a", 1, {}, {}}},
                 {"acme", {crypto::WrapType::kDatasetKey, "b", 1, {}, {}}}};
  KnownKeys keys;
  EXPECT_EQ(resolve(slots, keys), nullptr);
  keys.versions[{"a", 1}] = {KeyUse::kGone, ""};
  EXPECT_EQ(resolve(slots, keys)->use, KeyUse::kGone);
  keys.versions[{"b", 1}] = {KeyUse::kActive, ""};
  EXPECT_EQ(resolve(slots, keys)->use, KeyUse::kActive);
}

}  // namespace
}  // namespace cloister::posture::content
