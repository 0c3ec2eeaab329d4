#include "audit/anomaly/names.h"

#include <gtest/gtest.h>

#include <bit>
#include <set>

namespace cloister::audit::anomaly {
namespace {

TEST(Families, VersionsReplicasAndPods) {
  EXPECT_EQ(family_of("spiffe://a/ns/serve/sa/llm-v41"), "spiffe://a/ns/serve/sa/llm-v#");
  EXPECT_EQ(family_of("spiffe://a/ns/serve/sa/llm-v42"), family_of("spiffe://a/ns/serve/sa/llm-v7"));
  EXPECT_EQ(family_of("spiffe://a/pod/llm-7f9c4d-x"), family_of("spiffe://a/pod/llm-0ab77d12-x"));
  EXPECT_NE(family_of("spiffe://a/pod/facade"), family_of("spiffe://a/pod/decade"));  // words, not numbers
  EXPECT_NE(family_of("spiffe://a/ns/serve/sa/llm"), family_of("spiffe://a/ns/data/sa/llm"));
  EXPECT_EQ(family_of(""), "");
}

TEST(Parents, AreWhatComesBeforeTheLastSlash) {
  EXPECT_EQ(parent_of("spiffe://a/ns/serve/sa/llm"), "spiffe://a/ns/serve/sa");
  EXPECT_EQ(parent_of("alone"), "");
}

TEST(Neighbourhoods, OfAddressesAndHosts) {
  EXPECT_EQ(source_group_of("10.1.2.3"), "10.1.2.");
  EXPECT_EQ(source_group_of("10.1.2.77"), "10.1.2.");
  EXPECT_NE(source_group_of("10.1.3.3"), "10.1.2.");
  EXPECT_EQ(source_group_of("2001:db8:1:2::3"), "2001:db8:1:");
  EXPECT_EQ(source_group_of("gpu-17.cluster"), source_group_of("gpu-3.cluster"));
  EXPECT_EQ(source_group_of("10.1"), "10.1");
  EXPECT_EQ(source_group_of("::1"), "::1");
  EXPECT_EQ(source_group_of("::ffff:10.1.2.3"), "10.1.2.");
}

TEST(Names, DependOnSeedKindAndEveryByte) {
  const Names names(1), others(2);
  std::set<std::uint64_t> hashes;
  std::string text(200, 'a');
  for (std::size_t i = 0; i < text.size(); ++i) {
    text[i] = 'b';
    hashes.insert(names.of(NameKind::kKey, text));
    text[i] = 'a';
    hashes.insert(names.of(NameKind::kKey, std::string_view(text).substr(0, i + 1)));
  }
  EXPECT_EQ(hashes.size(), 400U);
  EXPECT_NE(names.of(NameKind::kKey, "model"), names.of(NameKind::kDataset, "model"));
  EXPECT_NE(names.of(NameKind::kKey, "model"), others.of(NameKind::kKey, "model"));
  EXPECT_EQ(names.of(NameKind::kKey, "model"), Names(1).of(NameKind::kKey, "model"));
  EXPECT_EQ(names.of(NameKind::kKey, ""), 0U);
  EXPECT_NE(names.of(NameKind::kKey, std::string_view("\0", 1)), 0U);
}

TEST(Names, OfTwoAreOrdered) {
  const Names names(1);
  EXPECT_NE(names.of(std::uint64_t{3}, std::uint64_t{4}), names.of(std::uint64_t{4}, std::uint64_t{3}));
  EXPECT_NE(names.of(std::uint64_t{0}, std::uint64_t{0}), 0U);
}

TEST(Names, AreWellMixed) {
  const Names names(1);
  int flipped = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string text = "spiffe://a/" + std::to_string(i);
    std::string other = text;
    other[3] ^= 1;
    flipped += std::popcount(names.of(NameKind::kPrincipal, text) ^ names.of(NameKind::kPrincipal, other));
  }
  EXPECT_NEAR(flipped / 1000.0, 32, 1);
}

TEST(Names, VeryLongTextCostsNoMore) {
  const Names names(1);
  const std::string text(1 << 20, 'a');
  EXPECT_NE(names.of(NameKind::kKey, text), names.of(NameKind::kKey, std::string_view(text).substr(0, kNameMax)));
  EXPECT_LE(family_of(text).size(), kNameMax);
}

}  // namespace
}  // namespace cloister::audit::anomaly
