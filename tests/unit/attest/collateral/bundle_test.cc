#include "attest/collateral/bundle.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/reader.h"
#include "tests/support/expect.h"

namespace cloister::attest {
namespace {

using cloister::testing::expect_refused;
using cloister::testing::value_of;

constexpr Time kAt{1'795'526'589'000};

CollateralBundle sample() {
  CollateralBundle bundle;
  bundle.at = kAt;
  const std::string chain = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
  bundle.collateral.add({CollateralKind::kIntelTcbInfo, "tdx/00806f050000", {1, 2}, chain, kAt, Time{5}, Time{9}});
  bundle.collateral.add({CollateralKind::kIntelQeIdentity, "tdx", {3}, chain, kAt, Time{5}, Time{9}});
  bundle.collateral.add({CollateralKind::kAmdCertificate, "Milan/00ff/0a", {1, 2}, "", kAt, {}, {}});
  bundle.floors = {{"intel/tdx/00806f050000", 18}};
  return bundle;
}

// A signature of tests: the name and the text.
std::string signed_by(std::string_view signer, const std::string& text) { return std::string(signer) + "\n" + text; }

NoteVerifier trusting(std::string signer) {
  return [signer](std::string_view note) -> Result<SignedText> {
    if (!note.starts_with(signer + "\n")) return Error(Code::kDenied, "no trusted key signed it");
    return SignedText{std::string(note.substr(signer.size() + 1)), signer};
  };
}

Bytes signed_sample() {
  const CollateralBundle bundle = sample();
  return value_of(encode_bundle(bundle, signed_by("lab", bundle_text(bundle))));
}

TEST(CollateralBundle, ComesBackAsItWas) {
  const OpenedBundle opened = value_of(open_bundle(signed_sample(), trusting("lab")));
  EXPECT_EQ(opened.signer, "lab");
  EXPECT_EQ(opened.bundle.at, kAt);
  EXPECT_EQ(opened.bundle.collateral.items(), sample().collateral.items());
  EXPECT_EQ(opened.bundle.floors, sample().floors);
}

TEST(CollateralBundle, EqualPiecesAreThereOnce) {
  CollateralBundle one;
  one.at = kAt;
  const Bytes large(100'000, 7);
  one.collateral.add({CollateralKind::kIntelCrl, "root", large, "", kAt, {}, {}});
  const std::size_t size = value_of(encode_bundle(one, "")).size();
  one.collateral.add({CollateralKind::kIntelCrl, "platform", large, "", kAt, {}, {}});
  EXPECT_LT(value_of(encode_bundle(one, "")).size(), size + 1000);
}

TEST(CollateralBundle, NobodySigned) {
  const Bytes bytes = value_of(encode_bundle(sample(), ""));
  expect_refused(open_bundle(bytes, trusting("lab")), Code::kDenied, "nobody signed");
  EXPECT_EQ(value_of(open_unsigned_bundle(bytes)).collateral.items(), sample().collateral.items());
}

TEST(CollateralBundle, SignedByAStranger) {
  expect_refused(open_bundle(signed_sample(), trusting("other")), Code::kDenied, "no trusted key");
}

TEST(CollateralBundle, SignatureOfOtherContents) {
  CollateralBundle other = sample();
  const std::string note = signed_by("lab", bundle_text(other));
  other.floors["intel/tdx/00806f050000"] = 17;
  expect_refused(open_bundle(value_of(encode_bundle(other, note)), trusting("lab")), Code::kCorrupt, "what was signed");
}

TEST(CollateralBundle, CutAnywhere) {
  const Bytes whole = signed_sample();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(open_bundle(ByteView(whole).first(size), trusting("lab")).ok()) << size;
  }
}

TEST(CollateralBundle, TrailingByte) {
  Bytes bytes = signed_sample();
  bytes.push_back(0);
  expect_refused(open_bundle(bytes, trusting("lab")), Code::kInvalid, "isn't collateral");
}

TEST(CollateralBundle, AnyByteChanged) {
  const Bytes whole = signed_sample();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    Bytes changed = whole;
    changed[i] ^= 0x21;
    EXPECT_FALSE(open_bundle(changed, trusting("lab")).ok()) << i;
  }
}

// Built by hand: an index that names pieces, and the pieces.
Bytes file_of(ByteView index, const std::vector<Bytes>& pieces) {
  Writer writer;
  writer.bytes(as_bytes("CLOISTER-COLLATERAL-1")).u32(0);
  writer.u32(static_cast<std::uint32_t>(index.size())).bytes(index).u32(static_cast<std::uint32_t>(pieces.size()));
  for (const Bytes& piece : pieces) writer.u32(static_cast<std::uint32_t>(piece.size())).bytes(piece);
  return writer.take();
}

Bytes index_of_one(std::string_view key, const Bytes& body) {
  Writer writer;
  writer.u64(1).u32(1).text16("intel-crl").text16(key).u64(1).u64(0).u64(0);
  writer.bytes(crypto::sha256(body)).bytes(crypto::Sha256Digest{}).u32(0);
  return writer.take();
}

TEST(CollateralBundle, ByHand) { EXPECT_TRUE(open_unsigned_bundle(file_of(index_of_one("root", {7}), {{7}})).ok()); }

TEST(CollateralBundle, PieceMissing) {
  expect_refused(open_unsigned_bundle(file_of(index_of_one("root", {7}), {{8}})), Code::kInvalid, "missing");
}

TEST(CollateralBundle, PieceOfNoItem) {
  std::vector<Bytes> pieces = {{7}, {8}};
  std::ranges::sort(pieces, {}, [](const Bytes& piece) { return crypto::sha256(piece); });
  expect_refused(open_unsigned_bundle(file_of(index_of_one("root", {7}), pieces)), Code::kInvalid, "no item");
}

TEST(CollateralBundle, PieceTwice) {
  expect_refused(open_unsigned_bundle(file_of(index_of_one("root", {7}), {{7}, {7}})), Code::kInvalid, "in order");
}

TEST(CollateralBundle, KeyThatClimbs) {
  for (const std::string_view key : {"../../etc/passwd", "a//b", "/a", "a/", ".", "a b", "a\n", ""}) {
    EXPECT_FALSE(open_unsigned_bundle(file_of(index_of_one(key, {7}), {{7}})).ok()) << key;
    EXPECT_FALSE(is_collateral_key(key)) << key;
  }
  EXPECT_TRUE(is_collateral_key("NV_GPU_DRIVER_GH100_535.86.09"));
}

TEST(CollateralBundle, MoreItemsThanThereCanBe) {
  Writer index;
  index.u64(1).u32(0xFFFFFFFF);
  expect_refused(open_unsigned_bundle(file_of(index.view(), {})), Code::kInvalid, "too many items");
}

constexpr std::size_t kTooMany = kCollateralBundleSizeMax / kCollateralItemSizeMax + 1;
std::string numbered(std::size_t i) { return std::to_string(100 + i); }

TEST(CollateralBundle, OnePieceOfManyItems) {
  const Bytes body(kCollateralItemSizeMax, 7);
  Writer index;
  index.u64(1).u32(static_cast<std::uint32_t>(kTooMany));
  for (std::size_t i = 0; i < kTooMany; ++i) {
    index.text16("intel-crl").text16(numbered(i)).u64(1).u64(0).u64(0);
    index.bytes(crypto::sha256(body)).bytes(crypto::Sha256Digest{});
  }
  index.u32(0);
  expect_refused(open_unsigned_bundle(file_of(index.view(), {body})), Code::kInvalid, "larger than allowed");
}

TEST(CollateralBundle, ManyItemsWithOneBody) {
  CollateralBundle bundle;
  bundle.at = kAt;
  for (std::size_t i = 0; i < kTooMany; ++i) {
    bundle.collateral.add({CollateralKind::kIntelCrl, numbered(i), Bytes(kCollateralItemSizeMax, 7), "", kAt, {}, {}});
  }
  expect_refused(encode_bundle(bundle, ""), Code::kInvalid, "larger than allowed");
}

TEST(CollateralBundle, WhatCouldNotBeReadIsNotWritten) {
  CollateralBundle bundle = sample();
  bundle.collateral.add({CollateralKind::kIntelCrl, "../root", {1}, "", kAt, {}, {}});
  EXPECT_FALSE(encode_bundle(bundle, "").ok());
  bundle = sample();
  bundle.collateral.add({CollateralKind::kIntelCrl, "root", Bytes(kCollateralItemSizeMax + 1), "", kAt, {}, {}});
  EXPECT_FALSE(encode_bundle(bundle, "").ok());
}

}  // namespace
}  // namespace cloister::attest
