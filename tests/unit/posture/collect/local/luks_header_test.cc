// LUKS headers: what they say of the volume, and everything that only begins like one.
#include "posture/collect/local/luks_header.h"

#include <gtest/gtest.h>

#include "support/luks_bytes.h"

namespace cloister::posture {
namespace {

using testing::luks1_header;
using testing::luks2_header;
using testing::luks2_json;

TEST(LuksHeaderTest, Luks2) {
  const auto header = parse_luks(luks2_header(luks2_json()));
  ASSERT_TRUE(header.ok()) << header.error().message();
  EXPECT_EQ(header->version, 2U);
  EXPECT_EQ(header->uuid, testing::kLuksUuid);
  EXPECT_EQ(header->cipher, "aes-xts-plain64");
  EXPECT_EQ(header->key_bytes, 64U);
  EXPECT_EQ(header->keyslots, 1U);
  EXPECT_FALSE(header->has_plain_segments);
  EXPECT_FALSE(header->reencrypting);
  EXPECT_TRUE(header->tokens.empty());
}

TEST(LuksHeaderTest, Luks1) {
  const auto header = parse_luks(luks1_header());
  ASSERT_TRUE(header.ok()) << header.error().message();
  EXPECT_EQ(header->version, 1U);
  EXPECT_EQ(header->cipher, "aes-xts-plain64");
  EXPECT_EQ(header->keyslots, 1U);
}

TEST(LuksHeaderTest, TokensSayWhatOpensIt) {
  // {"alg":"dir","clevis":{"pin":"tang"}}
  const auto header = parse_luks(luks2_header(luks2_json(
      "aes-xts-plain64", 64,
      R"({"0":{"type":"clevis","keyslots":["0"],"jwe":{"protected":"eyJhbGciOiJkaXIiLCJjbGV2aXMiOnsicGluIjoidGFuZyJ9fQ"}},)"
      R"("1":{"type":"systemd-tpm2","keyslots":["0"]},"2":{"type":"luks2-keyring"}})")));
  ASSERT_TRUE(header.ok()) << header.error().message();
  EXPECT_EQ(header->tokens, (std::vector<std::string>{"clevis:tang", "systemd-tpm2"}));
}

TEST(LuksHeaderTest, NullCipherEncryptsNothing) {
  EXPECT_TRUE(parse_luks(luks2_header(luks2_json("cipher_null-ecb", 32)))->has_plain_segments);
  EXPECT_TRUE(parse_luks(luks1_header("cipher_null", "ecb", 32))->has_plain_segments);
}

TEST(LuksHeaderTest, LinearSegmentIsPlaintext) {
  std::string json = luks2_json();
  json.replace(json.find("\"crypt\""), 7, "\"linear\"");
  EXPECT_TRUE(parse_luks(luks2_header(json))->has_plain_segments);
}

TEST(LuksHeaderTest, ReencryptionUnderWay) {
  EXPECT_TRUE(
      parse_luks(luks2_header(luks2_json("aes-xts-plain64", 64, "{}", R"(["online-reencrypt-v2"])")))->reencrypting);
}

TEST(LuksHeaderTest, DriveThatEncryptsAlone) {
  std::string json = luks2_json();
  json.replace(json.find("\"crypt\""), 7, "\"hw-opal\"");
  const auto header = parse_luks(luks2_header(json));
  ASSERT_TRUE(header.ok());
  EXPECT_TRUE(header->by_drive);
  EXPECT_TRUE(header->cipher.empty());
}

TEST(LuksHeaderTest, ChangedByte) {
  Bytes bytes = luks2_header(luks2_json());
  bytes[5000] ^= 1;
  EXPECT_EQ(parse_luks(bytes).error().code(), Code::kCorrupt);
}

TEST(LuksHeaderTest, CutOff) {
  const Bytes whole = luks2_header(luks2_json());
  for (const std::size_t size : {8U, 4095U, 4096U, 16'383U}) {
    EXPECT_FALSE(parse_luks(ByteView(whole).first(size)).ok()) << size;
  }
  EXPECT_FALSE(parse_luks(ByteView(luks1_header()).first(100)).ok());
}

TEST(LuksHeaderTest, SizeThatNoHeaderHas) {
  for (const std::uint8_t byte : {0, 1, 0x7F}) {
    Bytes bytes = luks2_header(luks2_json());
    bytes[8] = byte;
    bytes[14] = byte == 0 ? 0x03 : bytes[14];
    EXPECT_EQ(luks_header_size(bytes).error().code(), Code::kCorrupt) << int(byte);
  }
}

TEST(LuksHeaderTest, OtherVersionAndOtherBytes) {
  Bytes bytes = luks1_header();
  bytes[7] = 3;
  EXPECT_EQ(parse_luks(bytes).error().code(), Code::kUnsupported);
  bytes[0] = 'X';
  EXPECT_EQ(parse_luks(bytes).error().code(), Code::kInvalid);
  EXPECT_FALSE(parse_luks({}).ok());
}

TEST(LuksHeaderTest, JsonThatIsNone) {
  EXPECT_EQ(parse_luks(luks2_header("{\"segments\":")).error().code(), Code::kCorrupt);
  EXPECT_TRUE(parse_luks(luks2_header("{}"))->has_plain_segments) << "no segment encrypts anything";
  EXPECT_TRUE(parse_luks(luks2_header("[7]")).ok()) << "members that aren't there are none";
}

TEST(LuksHeaderTest, CiphersInWords) {
  EXPECT_EQ(cipher_words("aes-xts-plain64", 64, "").algorithm, "aes-256-xts");
  EXPECT_EQ(cipher_words("aes-xts-plain64", 64, "").key_bits, 256U);
  EXPECT_EQ(cipher_words("aes-xts-plain64", 32, "").algorithm, "aes-128-xts") << "half of an XTS key";
  EXPECT_EQ(cipher_words("aes-cbc-essiv:sha256", 32, "").algorithm, "aes-256-cbc");
  EXPECT_TRUE(cipher_words("aegis256-random", 32, "aead").is_aead);
  EXPECT_TRUE(cipher_words("cipher_null-ecb", 32, "aead").is_null);
  EXPECT_FALSE(cipher_words("cipher_null-ecb", 32, "aead").is_aead);
  EXPECT_EQ(cipher_words("", 0, "").key_bits, 0U);
}

}  // namespace
}  // namespace cloister::posture
