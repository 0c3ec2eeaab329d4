#include "crypto/crl.h"

#include <gtest/gtest.h>

#include "crypto/der.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"
#include "tests/support/revocation_lists.h"

namespace cloister::crypto {
namespace {

using namespace cloister::testing;

RevocationParts usual() { return {{}, {{0x0A, 0x0B}, {0xFF, 0x01}}, kNow, kNow + days(30)}; }

Bytes made(const RevocationParts& parts, TestAuthority& authority) {
  return make_revocation_list(parts, authority.certificate(), authority.signer());
}

TEST(RevocationList, SaysWhatItRevokes) {
  TestAuthority authority(1);
  const auto list = value_of(RevocationList::parse(made(usual(), authority)));
  EXPECT_EQ(list.size(), 2U);
  EXPECT_EQ(list.issuer(), authority.certificate().facts().subject);
  EXPECT_EQ(list.this_update(), kNow);
  EXPECT_EQ(list.next_update(), kNow + days(30));
  EXPECT_EQ(list.number(), Bytes{1});
  EXPECT_TRUE(list.verify(authority.certificate()).ok());
  EXPECT_TRUE(list.contains(Bytes{0x0A, 0x0B}));
  EXPECT_TRUE(list.contains(Bytes{0, 0x0A, 0x0B}));
  EXPECT_TRUE(list.contains(Bytes{0xFF, 0x01}));
  EXPECT_FALSE(list.contains(Bytes{0x0A}));
  EXPECT_FALSE(list.contains(Bytes{0x0A, 0x0B, 0}));
  EXPECT_FALSE(list.contains(Bytes{}));
}

TEST(RevocationList, AnEmptyOneAndSerialNumberZero) {
  TestAuthority authority(1);
  RevocationParts parts = usual();
  parts.serials.clear();
  parts.number.clear();
  const auto empty = value_of(RevocationList::parse(made(parts, authority)));
  EXPECT_EQ(empty.size(), 0U);
  EXPECT_FALSE(empty.number());
  EXPECT_FALSE(empty.contains(Bytes{0}));
  parts.serials = {{0}};
  EXPECT_TRUE(value_of(RevocationList::parse(made(parts, authority))).contains(Bytes{0}));
}

TEST(RevocationList, SignedByRsaPss) {
  const auto authority = value_of(Certificate::parse_pem(pss_authority_pem(), 1)).front();
  Bytes der = pss_revocation_list();
  const auto list = value_of(RevocationList::parse(der));
  EXPECT_TRUE(list.verify(authority).ok());
  EXPECT_TRUE(list.contains(Bytes{0x0A, 0x0B}));
  EXPECT_TRUE(list.contains(Bytes{0xFF, 0x00}));  // on hold
  EXPECT_EQ(list.size(), 2U);
  der.back() ^= 1;
  expect_refused(value_of(RevocationList::parse(der)).verify(authority), Code::kCorrupt, "signature");
}

TEST(RevocationList, RsaPssWithAnotherSalt) {
  Bytes der = pss_revocation_list();
  const Bytes salt = unhex("a203020130");
  for (std::size_t i = 0; i + salt.size() <= der.size(); ++i) {
    if (equal(ByteView(der).subspan(i, salt.size()), salt)) der[i + 4] = 0x20;
  }
  expect_refused(RevocationList::parse(der), Code::kUnsupported, "RSA-PSS");
}

TEST(RevocationList, AnotherKeyOrIssuer) {
  TestAuthority authority(1), other(2);
  RevocationParts parts = usual();
  const auto list = value_of(RevocationList::parse(made(parts, authority)));
  expect_refused(list.verify(other.certificate()), Code::kDenied, "another issuer");
  parts.issuer = authority.certificate().facts().subject;
  const auto forged = value_of(RevocationList::parse(made(parts, other)));
  expect_refused(forged.verify(authority.certificate()), Code::kCorrupt, "signature");
}

TEST(RevocationList, SignerThatMayNotSignLists) {
  TestAuthority without(1, {.usage = usage_extension(0x04)});
  const auto list = value_of(RevocationList::parse(made(usual(), without)));
  expect_refused(list.verify(without.certificate()), Code::kDenied, "may not sign");
  TestAuthority authority(2);
  const Certificate leaf = authority.issue({.subject = common_name("leaf")});
  MemorySigner leaf_key(key_of_seed(1000));
  const auto by_leaf = value_of(RevocationList::parse(make_revocation_list(usual(), leaf, leaf_key)));
  expect_refused(by_leaf.verify(leaf), Code::kDenied, "may not sign");
}

TEST(RevocationList, CriticalExtensions) {
  TestAuthority authority(1);
  RevocationParts delta = usual();
  delta.more = raw_extension("551d1b", Critical::kYes, der_small_integer(1));
  expect_refused(RevocationList::parse(made(delta, authority)), Code::kUnsupported, "2.5.29.27");
  RevocationParts indirect = usual();
  indirect.entry_more = raw_extension("551d1d", Critical::kYes, der_element(der::kSequence, {}));
  expect_refused(RevocationList::parse(made(indirect, authority)), Code::kUnsupported, "2.5.29.29");
}

TEST(RevocationList, NumberTwice) {
  TestAuthority authority(1);
  RevocationParts parts = usual();
  parts.more = raw_extension("551d14", Critical::kNo, der_small_integer(9));
  expect_refused(RevocationList::parse(made(parts, authority)), Code::kInvalid, "number");
}

TEST(RevocationList, EndsBeforeItBegins) {
  TestAuthority authority(1);
  RevocationParts parts = usual();
  parts.next_update = parts.this_update;
  expect_refused(RevocationList::parse(made(parts, authority)), Code::kInvalid, "validity");
}

TEST(RevocationList, EveryByteFlippedAndEveryLength) {
  TestAuthority authority(1);
  const Bytes der = made(usual(), authority);
  for (std::size_t i = 0; i < der.size(); ++i) {
    for (const std::uint8_t bit : {0x01, 0x80}) {
      Bytes flipped = der;
      flipped[i] ^= bit;
      const auto list = RevocationList::parse(flipped);
      EXPECT_FALSE(list.ok() && list->verify(authority.certificate()).ok()) << i;
    }
    EXPECT_FALSE(RevocationList::parse(ByteView(der).first(i)).ok());
  }
  Bytes longer = der;
  longer.push_back(0);
  EXPECT_FALSE(RevocationList::parse(longer).ok());
}

TEST(RevocationList, TooLarge) {
  expect_refused(RevocationList::parse(Bytes(kRevocationListSizeMax + 1)), Code::kInvalid, "at most");
}

}  // namespace
}  // namespace cloister::crypto
