#include "posture/collect/content/containers.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "tests/support/content_estate.h"
#include "tests/support/expect.h"

namespace cloister::posture::content {
namespace {

using namespace std::string_view_literals;
using testing::expect_refused;
using testing::noise;

std::string type_of(ByteView bytes) {
  const auto container = parse_container(sample_of(bytes));
  return container.ok() && *container ? std::string((*container)->type) : "";
}
std::string type_of(std::string_view text) { return type_of(as_bytes(text)); }

TEST(Containers, AgeHeaderAndWhereItsPayloadBegins) {
  const Bytes file = testing::age_file(noise(1, 1000));
  const Container age = testing::value_of(parse_age(file, file.size()));
  EXPECT_EQ(age.payload->end - age.payload->begin, 1000U);
  EXPECT_TRUE(age.keys.empty());
}

TEST(Containers, BrokenAgeHeaders) {
  const Bytes file = testing::age_file(noise(1, 1000));
  expect_refused(parse_age(ByteView(file).first(60), 60), Code::kCorrupt, "ends within a line");
  expect_refused(parse_age(as_bytes("age-encryption.org/v1\n--- x\n"), 30), Code::kCorrupt, "no stanza");
  expect_refused(parse_age(as_bytes("age-encryption.org/v1\nx\n"), 30), Code::kCorrupt, "bad line");
  expect_refused(parse_age(ByteView(file).first(file.size() - 1010), file.size() - 1010), Code::kCorrupt,
                 "before its payload");
  expect_refused(parse_age(as_bytes("age-encryption.org/v2\n"), 30), Code::kInvalid, "not an age");
}

TEST(Containers, OpenPgpMessagesOfBothPacketForms) {
  const Bytes file = testing::openpgp_file(noise(1, 1000));
  const Container message = testing::value_of(parse_openpgp(file, file.size()));
  EXPECT_EQ(message.keys, std::vector<std::string>{"openpgp:0123456789abcdef"});
  // Old form: a session key from a passphrase, and a packet to the end.
  Bytes old = {0x8C, 5, 4, 9, 3, 8, 1, 0xA7, 1};
  const Bytes more = noise(2, 500);
  old.insert(old.end(), more.begin(), more.end());
  EXPECT_EQ(type_of(old), "openpgp");
}

TEST(Containers, WhatIsNoOpenPgpMessage) {
  const Bytes file = testing::openpgp_file(noise(1, 1000));
  expect_refused(parse_openpgp(ByteView(file).subspan(15), file.size() - 15), Code::kCorrupt, "no session key");
  expect_refused(parse_openpgp(as_bytes("\xC1\x0D\x07"sv
                                        "0123456789ABC"sv),
                               16),
                 Code::kCorrupt, "unknown version");
  expect_refused(parse_openpgp(as_bytes("plain text"), 10), Code::kCorrupt, "not an OpenPGP");
  EXPECT_EQ(type_of("\xCB\x0C"
                    "b\0literal data"sv),
            "");
}

TEST(Containers, JweInCompactFormAndInJson) {
  const Container jwe = testing::value_of(parse_jwe(testing::jwe_text(noise(1, 200))));
  EXPECT_EQ(jwe.keys, std::vector<std::string>{"jwe:k-7"});
  EXPECT_EQ(jwe.decoded, noise(1, 200));
  EXPECT_EQ(type_of(R"({"protected":"e30","iv":"AAAA","ciphertext":")" + to_base64(noise(1, 300), Base64::kUrl) +
                    R"(","tag":"AAAA"})"),
            "jwe");
  // A signed token has three parts, and everybody reads its payload.
  expect_refused(parse_jwe("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"), Code::kInvalid, "not a JWE");
}

TEST(Containers, CiphertextAsTextBeyondTheHeadIsReadWhole) {
  const Bytes ciphertext = noise(1, 100'000);
  const std::string compact = testing::jwe_text(ciphertext);
  const auto jwe = testing::value_of(parse_container(sample_of(as_bytes(compact))));
  ASSERT_TRUE(jwe.has_value());
  EXPECT_EQ(jwe->keys, std::vector<std::string>{"jwe:k-7"});
  EXPECT_EQ(jwe->decoded, ciphertext);
  EXPECT_EQ(type_of(R"({"protected":"e30","iv":"AAAA","ciphertext":")" + to_base64(ciphertext, Base64::kUrl) +
                    R"(","tag":"AAAA"})"),
            "jwe");
  EXPECT_EQ(type_of(R"({"meta":{},"encrypted_data":")" + to_base64(ciphertext) + R"(","encryption_version":"v0"})"),
            "opentofu-state");
}

TEST(Containers, CiphertextAsTextThatIsTooLargeIsToldByItsHead) {
  const auto start_of = [](const std::string& text) {
    Sample sample = sample_of(as_bytes(text));
    sample.size = std::uint64_t{20} << 20;
    const auto container = testing::value_of(parse_container(sample));
    EXPECT_TRUE(!container || container->keys.empty());
    return container ? std::string(container->type) : "";
  };
  const Bytes ciphertext = noise(1, 100'000);
  EXPECT_EQ(start_of(testing::jwe_text(ciphertext)), "jwe");
  EXPECT_EQ(start_of(R"({"ciphertext": ")" + to_base64(ciphertext, Base64::kUrl)), "jwe");
  EXPECT_EQ(start_of(R"({"meta":{},"encrypted_data":")" + to_base64(ciphertext)), "opentofu-state");
  EXPECT_EQ(start_of(R"({"ciphertext":")" + std::string(100'000, ' ')), "");
  EXPECT_EQ(start_of("eyJhIjoxfQ..." + to_base64(ciphertext, Base64::kUrl)), "");
}

TEST(Containers, LuksOfBothVersions) {
  const Bytes volume = testing::luks1_file(noise(1, 4096));
  const Container luks = testing::value_of(parse_luks(volume, volume.size()));
  EXPECT_EQ(luks.type, "luks1");
  EXPECT_EQ(luks.payload->begin, 4096U);
  Bytes second = volume;
  second[7] = 2;
  EXPECT_EQ(testing::value_of(parse_luks(second, std::uint64_t{32} << 20)).type, "luks2");
  second[7] = 3;
  expect_refused(parse_luks(second, second.size()), Code::kCorrupt, "unknown version");
  Bytes short_volume = volume;
  short_volume[105] = 1;  // 65,544 sectors
  expect_refused(parse_luks(short_volume, short_volume.size()), Code::kCorrupt, "before its data");
}

TEST(Containers, OthersByTheirMarks) {
  EXPECT_EQ(type_of(R"({"meta":{},"encryption_version":"v0","encrypted_data":")" + to_base64(noise(1, 300)) + "\"}"),
            "opentofu-state");
  std::string vault = "$ANSIBLE_VAULT;1.1;AES256\n";
  vault += to_hex(as_bytes(to_hex(noise(1, 32)) + "\n" + to_hex(noise(2, 32)) + "\n" + to_hex(noise(3, 64)))) + "\n";
  EXPECT_EQ(type_of(vault), "ansible-vault");
  EXPECT_EQ(type_of("Salted__12345678" + std::string(as_text(noise(4, 64)))), "openssl-salted");
  Bytes ecryptfs = noise(5, 16384);
  store_le(ecryptfs.data() + 8, std::uint32_t{0x44332211});
  const std::uint32_t mark = 0x11223344U ^ 0x3C81B7F5U;
  for (std::size_t i = 0; i < 4; ++i) ecryptfs[12 + i] = static_cast<std::uint8_t>(mark >> (24 - 8 * i));
  EXPECT_EQ(type_of(ecryptfs), "ecryptfs");
  EXPECT_EQ(type_of("$ANSIBLE_VAULT;1.1;AES256\nnot hexadecimal\n"), "");
}

TEST(Containers, AnArmorIsOpenedOneLevel) {
  const std::string age = "-----BEGIN AGE ENCRYPTED FILE-----\n" + to_base64(testing::age_file(noise(1, 600))) +
                          "\n-----END AGE ENCRYPTED FILE-----\n";
  EXPECT_EQ(type_of(age), "age");
  const std::string gpg = "-----BEGIN PGP MESSAGE-----\nVersion: x\n\n" +
                          to_base64(testing::openpgp_file(noise(1, 600))) + "\n-----END PGP MESSAGE-----\n";
  EXPECT_EQ(type_of(gpg), "openpgp");
  EXPECT_EQ(type_of("-----BEGIN PGP MESSAGE-----\n\nbm90aGluZw==\n"), "");
}

}  // namespace
}  // namespace cloister::posture::content
