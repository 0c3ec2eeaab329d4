#include "seal/object_keys.h"

#include <gtest/gtest.h>

#include <set>

#include "base/reader.h"
#include "crypto/hkdf.h"
#include "tests/support/hex.h"
#include "tests/unit/seal/sealed_object.h"

namespace cloister::seal {
namespace {

crypto::Dek dek_of(std::uint8_t byte) { return crypto::Dek(testing::key_of_byte(byte)); }

Preamble example() {
  Preamble preamble;
  preamble.meta_len = 17;
  preamble.object_id.fill(1);
  preamble.salt.fill(2);
  preamble.run_id.fill(3);
  preamble.context.tenant = "acme";
  return preamble;
}

std::string hex_of(const KeyAndNonce& derived) { return to_hex(derived.key.expose()) + to_hex(derived.nonce); }

// Everything that is derived, in one text.
std::vector<std::string> all_of(const crypto::Dek& dek, const Preamble& preamble) {
  const PreamblePage page = serialize_preamble(preamble);
  return {to_hex(derive_commitment(dek, preamble, page)),
          to_hex(derive_header_key(dek, preamble, page).expose()),
          to_hex(derive_footer_key(dek, preamble, page).expose()),
          hex_of(derive_meta_key(dek, preamble, page)),
          hex_of(derive_digest_key(dek, preamble, page)),
          hex_of(derive_payload_key(dek, preamble, 0)),
          hex_of(derive_payload_key(dek, preamble, 1))};
}

TEST(ObjectKeys, FollowTheFormatPage) {
  const crypto::Dek dek = dek_of(7);
  const Preamble preamble = example();
  const PreamblePage page = serialize_preamble(preamble);
  const std::uint8_t suite[] = {1, 0};
  Writer info;
  info.text16("CLSR1 commitment").prefixed16(suite).prefixed16(preamble.object_id).prefixed16(preamble.salt);
  info.prefixed16(crypto::sha256(ByteView(page).subspan(176, 3888)));
  EXPECT_EQ(to_hex(derive_commitment(dek, preamble, page)),
            to_hex(crypto::hkdf_expand_sha512(dek.material().secret(), info.view(), 32).expose()));

  Writer payload;
  payload.text16("CLSR1 payload").prefixed16(suite).prefixed16(preamble.object_id).prefixed16(preamble.salt);
  payload.prefixed16(preamble.run_id).u16(8).u64(5);
  EXPECT_EQ(hex_of(derive_payload_key(dek, preamble, 5)),
            to_hex(crypto::hkdf_expand_sha512(dek.material().secret(), payload.view(), 44).expose()));
}

TEST(ObjectKeys, AreAllDifferentAndDependOnEverything) {
  std::vector<Preamble> preambles(6, example());
  preambles[1].suite = Suite::kChaCha20Poly1305;
  preambles[2].object_id.back() ^= 1;
  preambles[3].salt.back() ^= 1;
  preambles[4].run_id.back() ^= 1;
  preambles[5].context.tenant = "acmf";
  std::set<std::string> seen;
  std::size_t derived = 0;
  for (const std::uint8_t byte : {7, 8}) {
    for (const Preamble& preamble : preambles) {
      for (const std::string& key : all_of(dek_of(byte), preamble)) {
        // The tenant is bound into the keys of everything but the chunks, which the run id ties to the preamble.
        seen.insert(key);
        ++derived;
      }
    }
  }
  EXPECT_EQ(seen.size(), derived - 2 * 2);
}

TEST(ChunkNonce, FollowsTheFormatPage) {
  crypto::Nonce base;
  base.fill(0xFF);
  EXPECT_EQ(to_hex(chunk_nonce(base, 0, Last::kNo)), "ffffffffffffffffffffffff");
  EXPECT_EQ(to_hex(chunk_nonce(base, 0x0102, Last::kYes)),
            "feffffffffffffffffff"
            "fefd");
  EXPECT_EQ(to_hex(chunk_nonce({}, 1, Last::kLogEnd)), "020000000000000000000001");
}

TEST(ChunkNonce, NeverRepeats) {
  std::set<crypto::Nonce> seen;
  for (std::uint64_t index = 0; index < 70'000; ++index) {
    for (const Last last : {Last::kNo, Last::kYes, Last::kLogEnd}) {
      EXPECT_TRUE(seen.insert(chunk_nonce({}, index, last)).second);
    }
  }
}

class ChunkCipherTest : public ::testing::TestWithParam<Suite> {};

TEST_P(ChunkCipherTest, OpensOnlyWhatWasSealedThere) {
  const crypto::Dek dek = dek_of(7);
  Preamble preamble = example();
  preamble.suite = GetParam();
  ChunkCipher sealing(dek, preamble);
  ChunkCipher opening(dek, preamble);
  const Bytes plaintext = payload_of(1000);
  Bytes sealed(plaintext.size());
  Bytes opened(plaintext.size());
  crypto::Tag tag;
  sealing.seal(5, Last::kNo, plaintext, sealed, tag);
  EXPECT_NE(sealed, plaintext);
  ASSERT_TRUE(opening.open(5, Last::kNo, sealed, tag, opened).ok());
  EXPECT_EQ(opened, plaintext);

  EXPECT_FALSE(opening.open(6, Last::kNo, sealed, tag, opened).ok());
  EXPECT_TRUE(all_zero(opened));
  EXPECT_FALSE(opening.open(5, Last::kYes, sealed, tag, opened).ok());
  EXPECT_FALSE(opening.open(5 + (1 << 16), Last::kNo, sealed, tag, opened).ok());
  Preamble other_run = preamble;
  other_run.run_id.front() ^= 1;
  EXPECT_FALSE(ChunkCipher(dek, other_run).open(5, Last::kNo, sealed, tag, opened).ok());
  const crypto::Dek other_dek = dek_of(8);
  EXPECT_FALSE(ChunkCipher(other_dek, preamble).open(5, Last::kNo, sealed, tag, opened).ok());
}

TEST_P(ChunkCipherTest, ChangesItsKeyWithTheEpoch) {
  const crypto::Dek dek = dek_of(7);
  Preamble preamble = example();
  preamble.suite = GetParam();
  ChunkCipher there_and_back(dek, preamble);
  const Bytes plaintext(64);
  std::set<Bytes> sealed;
  for (const std::uint64_t index : {65535, 65536, 131072, 65535}) {
    Bytes out(plaintext.size());
    crypto::Tag tag;
    there_and_back.seal(index, Last::kNo, plaintext, out, tag);
    sealed.insert(out);
    Bytes opened(out.size());
    EXPECT_TRUE(ChunkCipher(dek, preamble).open(index, Last::kNo, out, tag, opened).ok());
  }
  EXPECT_EQ(sealed.size(), 3U);
}

INSTANTIATE_TEST_SUITE_P(Suites, ChunkCipherTest, ::testing::Values(Suite::kAes256Gcm, Suite::kChaCha20Poly1305));

}  // namespace
}  // namespace cloister::seal
