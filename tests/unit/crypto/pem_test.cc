#include "crypto/pem.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/hex.h"

namespace cloister::crypto {
namespace {

using cloister::testing::expect_refused;
using cloister::testing::secret_of;
using cloister::testing::value_of;

constexpr std::string_view kLabel = "CERTIFICATE";

TEST(Pem, ReadsWhatItWrites) {
  for (const std::size_t size : {1, 47, 48, 49, 96, 300}) {
    const Bytes der(size, 0xA5);
    const std::string text = to_pem(der, kLabel);
    EXPECT_TRUE(text.starts_with("-----BEGIN CERTIFICATE-----\n"));
    EXPECT_TRUE(text.ends_with("=\n-----END CERTIFICATE-----\n") || size % 3 == 0) << text;
    const auto blocks = value_of(parse_pem("explanation\n" + text + "\n" + text, kLabel, 2));
    EXPECT_EQ(blocks, (std::vector<Bytes>{der, der}));
    const Secret secret = value_of(parse_secret_pem(to_secret_pem(Secret::copy_of(der), "PRIVATE KEY"), "PRIVATE KEY"));
    EXPECT_TRUE(equal(secret.expose(), der));
  }
}

TEST(Pem, LinesAreSixtyFourCharacters) {
  const std::string text = to_pem(Bytes(49, 0), kLabel);
  EXPECT_EQ(text, "-----BEGIN CERTIFICATE-----\n" + std::string(64, 'A') + "\nAA==\n-----END CERTIFICATE-----\n");
}

TEST(Pem, CarriageReturnsAndTrailingSpaces) {
  EXPECT_EQ(value_of(parse_pem("-----BEGIN CERTIFICATE-----\r\nAAAA \t\r\n-----END CERTIFICATE-----", kLabel, 1))[0],
            Bytes(3, 0));
}

TEST(Pem, Malformed) {
  for (const std::string_view text : {
           "-----BEGIN CERTIFICATE-----\n",
           "-----BEGIN CERTIFICATE-----\nAAAA\n",
           "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE----\n",
           "-----BEGIN CERTIFICATE-----\nAAAA\n-----END PRIVATE KEY-----\n",
           "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
           "-----BEGIN CERTIFICATE-----\n\nAAAA\n-----END CERTIFICATE-----\n",
           "-----BEGIN CERTIFICATE-----\nAA AA\n-----END CERTIFICATE-----\n",
           "-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n",
           "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END CERTIFICATE-----\n",
           "-----BEGIN CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
       }) {
    expect_refused(parse_pem(text, kLabel, 1), Code::kInvalid, "malformed");
    expect_refused(parse_secret_pem(secret_of(text), kLabel), Code::kInvalid, "malformed");
  }
  const std::string long_line =
      "-----BEGIN CERTIFICATE-----\n" + std::string(80, 'A') + "\n-----END CERTIFICATE-----\n";
  expect_refused(parse_pem(long_line, kLabel, 1), Code::kInvalid, "malformed");
}

TEST(Pem, NothingThere) {
  for (const std::string_view text :
       {"", "no block", "----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    expect_refused(parse_pem(text, kLabel, 1), Code::kInvalid, "no PEM block");
    expect_refused(parse_secret_pem(secret_of(text), kLabel), Code::kInvalid, "no PEM block");
  }
}

TEST(Pem, AnotherLabel) {
  const std::string text = to_pem(Bytes(3), kLabel) + to_pem(Bytes(3), "PRIVATE KEY");
  expect_refused(parse_pem(text, kLabel, 9), Code::kInvalid, "isn't a CERTIFICATE");
  expect_refused(parse_secret_pem(secret_of(to_pem(Bytes(3), "ENCRYPTED PRIVATE KEY")), "PRIVATE KEY"), Code::kInvalid,
                 "isn't a PRIVATE KEY");
}

TEST(Pem, TooManyBlocks) {
  const std::string text = to_pem(Bytes(3), kLabel) + to_pem(Bytes(3), kLabel);
  expect_refused(parse_pem(text, kLabel, 1), Code::kInvalid, "more than 1");
  expect_refused(parse_secret_pem(secret_of(text), kLabel), Code::kInvalid, "more than one");
}

}  // namespace
}  // namespace cloister::crypto
