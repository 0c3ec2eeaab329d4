#include "seal/manifest.h"

#include <gtest/gtest.h>

#include "base/reader.h"
#include "crypto/hash.h"
#include "tests/unit/seal/dataset_keys.h"

namespace cloister::seal {
namespace {

class ManifestTest : public ::testing::Test {
 protected:
  ManifestTest() {
    manifest_.keyring_id.fill(1);
    manifest_.directory_id.fill(2);
    manifest_.sequence = 7;
    manifest_.created = kNow;
    manifest_.entries = {entry("b.sealed", "b", 10), entry("a/x.sealed", "a/x", 0), entry("c.sealed", "c", 99)};
  }

  static ManifestEntry entry(std::string stored, std::string original, std::uint64_t size) {
    ManifestEntry entry{std::move(stored), std::move(original), size, 0640, {}, {}};
    entry.object_id.fill(static_cast<std::uint8_t>(size));
    entry.object_digest.fill(static_cast<std::uint8_t>(size + 1));
    return entry;
  }

  Bytes serialized() const { return serialize_manifest(manifest_, key_); }
  Result<Manifest> parsed(ByteView bytes) const { return parse_manifest(bytes, key_.public_key()); }

  // As the holder of the signing key might write it by mistake.
  Bytes signed_body(ByteView body) const {
    Writer message;
    message.text16("CLSR1 manifest").bytes(crypto::sha256(body));
    Bytes bytes = to_bytes(body);
    const auto signature = key_.sign(message.view());
    bytes.insert(bytes.end(), key_.public_key().begin(), key_.public_key().end());
    bytes.insert(bytes.end(), signature.begin(), signature.end());
    return bytes;
  }
  Bytes body() const {
    Bytes bytes = serialized();
    bytes.resize(bytes.size() - 96);
    return bytes;
  }

  testing::DeterministicRandom random_{3};
  crypto::SigningKey key_ = crypto::SigningKey::generate(random_);
  Manifest manifest_;
};

TEST_F(ManifestTest, ReadsBackSorted) {
  const Manifest again = must(parsed(serialized()));
  EXPECT_EQ(again.keyring_id, manifest_.keyring_id);
  EXPECT_EQ(again.directory_id, manifest_.directory_id);
  EXPECT_EQ(again.sequence, 7U);
  EXPECT_EQ(again.created, kNow);
  ASSERT_EQ(again.entries.size(), 3U);
  EXPECT_EQ(again.entries[0].stored_name, "a/x.sealed");
  EXPECT_EQ(again.entries[1].original_name, "b");
  EXPECT_EQ(again.entries[2].plaintext_len, 99U);
  EXPECT_EQ(again.entries[2].mode, 0640U);
  EXPECT_EQ(again.entries[2].object_id, manifest_.entries[2].object_id);
  EXPECT_EQ(again.entries[2].object_digest, manifest_.entries[2].object_digest);
}

TEST_F(ManifestTest, OfAnEmptyDirectory) {
  manifest_.entries.clear();
  EXPECT_TRUE(must(parsed(serialized())).entries.empty());
}

// MF-1, byte for byte as the page says, put together here by hand.
TEST_F(ManifestTest, BytesAsDocumented) {
  manifest_.entries.resize(1);
  Writer body;
  body.bytes(as_bytes("CLSRMAN1")).u16(1).u16(0).bytes(Bytes(16, 1)).bytes(Bytes(16, 2)).u64(7).u64(1'700'000'000'000);
  body.u64(1).text16("b.sealed").text16("b").u64(10).u32(0640).bytes(Bytes(16, 10)).bytes(Bytes(32, 11));
  EXPECT_EQ(serialized(), signed_body(body.view()));
}

TEST_F(ManifestTest, FlippedBitAnywhere) {
  const Bytes good = serialized();
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
    expect_error(parsed(bad), Code::kCorrupt, "manifest");
  }
}

TEST_F(ManifestTest, CutOffOrLonger) {
  const Bytes good = serialized();
  for (std::size_t size = 0; size < good.size(); ++size) {
    expect_error(parsed(ByteView(good).first(size)), Code::kCorrupt, "manifest");
  }
  Bytes longer = good;
  longer.push_back(0);
  expect_error(parsed(longer), Code::kCorrupt, "manifest");
}

TEST_F(ManifestTest, SignedByAnotherKey) {
  const crypto::SigningKey other = crypto::SigningKey::generate(random_);
  expect_error(parsed(serialize_manifest(manifest_, other)), Code::kCorrupt, "another key");
  // The dataset's public key with somebody else's signature.
  Bytes bytes = serialize_manifest(manifest_, other);
  std::ranges::copy(key_.public_key(), bytes.end() - 96);
  expect_error(parsed(bytes), Code::kCorrupt, "manifest");
}

TEST_F(ManifestTest, SignatureOfAnotherManifest) {
  const Bytes newer = serialized();
  manifest_.sequence = 6;
  Bytes older = serialized();
  std::copy(newer.end() - 64, newer.end(), older.end() - 64);
  expect_error(parsed(older), Code::kCorrupt, "manifest");
}

TEST_F(ManifestTest, SignedButMalformed) {
  const auto refused = [&](std::size_t offset, std::uint8_t value, Code code, std::string_view words) {
    Bytes changed = body();
    changed[offset] = value;
    expect_error(parsed(signed_body(changed)), code, words);
  };
  ASSERT_TRUE(parsed(signed_body(body())).ok());
  refused(0, 'X', Code::kCorrupt, "magic");
  refused(8, 2, Code::kUnsupported, "newer than this program");
  refused(10, 1, Code::kCorrupt, "reserved");
  refused(59, 0x80, Code::kCorrupt, "time");
  refused(60, 2, Code::kCorrupt, "manifest");    // fewer entries than bytes for them
  refused(60, 4, Code::kCorrupt, "manifest");    // more
  refused(67, 1, Code::kCorrupt, "16,777,216");  // MF-4
  Bytes longer = body();
  longer.push_back(0);
  expect_error(parsed(signed_body(longer)), Code::kCorrupt, "manifest");
}

TEST_F(ManifestTest, SignedButOutOfRange) {
  const auto refused = [&](ManifestEntry bad, std::string_view words) {
    manifest_.entries = {std::move(bad)};
    expect_error(parsed(serialized()), Code::kCorrupt, words);
  };
  refused(entry("a.sealed", "a", kPayloadMax + 1), "out of range");
  ManifestEntry mode = entry("a.sealed", "a", 1);
  mode.mode = 010000;
  refused(mode, "out of range");
  for (const char* name :
       {"", "/etc/passwd", "..", "../a", "a/../../b", "a/..", "a//b", "a/", "./a", "a/./b", "a\nb"}) {
    refused(entry(name, "a", 1), "manifest");
    refused(entry("a.sealed", name, 1), "manifest");
  }
  refused(entry(std::string(4097, 'a'), "a", 1), "manifest");
}

TEST_F(ManifestTest, NamesTwiceOrOutOfOrder) {
  manifest_.entries = {entry("a.sealed", "a", 1), entry("a.sealed", "b", 2)};
  expect_error(parsed(serialized()), Code::kCorrupt, "ascending");
  manifest_.entries = {entry("a.sealed", "x", 1), entry("b.sealed", "y", 2), entry("c.sealed", "x", 3)};
  expect_error(parsed(serialized()), Code::kCorrupt, "same original name");

  Writer unsorted;
  manifest_.entries.clear();
  Bytes head = body();
  store_le(head.data() + 60, std::uint64_t{2});
  unsorted.bytes(head);
  for (const char* name : {"b", "a"}) {
    unsorted.text16(name).text16(name).u64(1).u32(0).zeros(48);
  }
  expect_error(parsed(signed_body(unsorted.view())), Code::kCorrupt, "ascending");
}

// MF-4.
TEST_F(ManifestTest, LargerThanAReaderTakes) {
  std::uint64_t name_bytes = 0;
  for (const ManifestEntry& each : manifest_.entries) name_bytes += each.stored_name.size() + each.original_name.size();
  EXPECT_EQ(manifest_size(manifest_.entries.size(), name_bytes), serialized().size());
  must(check_manifest_size(0, 0));
  must(check_manifest_size(kManifestEntriesMax, 100 * kManifestEntriesMax));
  expect_error(check_manifest_size(kManifestEntriesMax + 1, 0), Code::kInvalid, "too many");
  const std::uint64_t rest = kManifestBytesMax - manifest_size(1'000'000, 0);
  must(check_manifest_size(1'000'000, rest));
  expect_error(check_manifest_size(1'000'000, rest + 1), Code::kInvalid, "too many");
}

TEST(SafeRelativeName, InsideOrNot) {
  for (const char* name : {"a", "a/b", "...", ".hidden", "a..b", "a/..b", "\xC3\xA9t\xC3\xA9"}) {
    EXPECT_TRUE(is_safe_relative_name(name)) << name;
  }
  for (const char* name : {"", ".", "..", "/", "/a", "a/", "a//b", "../a", "a/..", "a/./b", "a\tb", "\xFF", "a\x7F"}) {
    EXPECT_FALSE(is_safe_relative_name(name)) << name;
  }
  EXPECT_FALSE(is_safe_relative_name(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace cloister::seal
