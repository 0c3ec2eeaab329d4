#include "seal/footer.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"
#include "tests/unit/seal/sealed_object.h"

namespace cloister::seal {
namespace {

const crypto::Secret& footer_key() {
  static const crypto::Secret key = testing::secret_of("0123456789abcdef0123456789abcdef");
  return key;
}

Footer example() {
  Footer footer;
  footer.object_id.fill(1);
  footer.run_id.fill(2);
  footer.plaintext_len = 150'000;
  footer.chunk_count = 3;
  footer.tags_digest.fill(3);
  return footer;
}

// The example with one byte changed by somebody who holds the key.
Result<Footer> parse_with(std::size_t offset, std::uint8_t value, const Footer& footer = example()) {
  FooterPage page = serialize_footer(footer, footer_key());
  page[offset] = value;
  const auto mac = crypto::hmac_sha256(footer_key(), ByteView(page).first(4064));
  std::ranges::copy(mac, page.begin() + 4064);
  return parse_footer(page, footer_key());
}

TEST(Footer, ReadsWhatItWrote) {
  Footer footer = example();
  footer.encrypted_digest.emplace().fill(9);
  const auto read = parse_footer(serialize_footer(footer, footer_key()), footer_key());
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read.value().object_id, footer.object_id);
  EXPECT_EQ(read.value().run_id, footer.run_id);
  EXPECT_EQ(read.value().plaintext_len, 150'000U);
  EXPECT_EQ(read.value().chunk_count, 3U);
  EXPECT_EQ(read.value().tags_digest, footer.tags_digest);
  EXPECT_EQ(read.value().encrypted_digest, footer.encrypted_digest);
  EXPECT_FALSE(parse_footer(serialize_footer(example(), footer_key()), footer_key()).value().encrypted_digest);
}

TEST(Footer, NotThere) {
  FooterPage page{};
  expect_refused(parse_footer(page, footer_key()), Code::kCorrupt, "no footer");
  expect_refused(parse_footer(ByteView(page).first(100), footer_key()), Code::kCorrupt, "cut off");
}

TEST(Footer, EveryFlippedBitIsRefused) {
  const FooterPage page = serialize_footer(example(), footer_key());
  for (std::size_t bit = 0; bit < 8 * kPage; ++bit) {
    FooterPage changed = page;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    ASSERT_FALSE(parse_footer(changed, footer_key()).ok()) << "bit " << bit;
  }
}

TEST(Footer, OfAnotherKey) {
  expect_refused(parse_footer(serialize_footer(example(), testing::secret_of("something else")), footer_key()),
                 Code::kCorrupt, "mac");
}

TEST(Footer, MalformedUnderARightMac) {
  expect_refused(parse_with(88, 2), Code::kCorrupt, "unknown kind 2");
  expect_refused(parse_with(89, 1), Code::kCorrupt, "unknown kind 256");
  expect_refused(parse_with(90, 1), Code::kCorrupt, "reserved");
  expect_refused(parse_with(95, 1), Code::kCorrupt, "reserved");
  expect_refused(parse_with(96, 1), Code::kCorrupt, "announce");
  expect_refused(parse_with(144, 1), Code::kCorrupt, "rest");
  expect_refused(parse_with(4063, 1), Code::kCorrupt, "rest");
}

}  // namespace
}  // namespace cloister::seal
