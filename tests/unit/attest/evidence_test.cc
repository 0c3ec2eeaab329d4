#include "attest/evidence.h"

#include <gtest/gtest.h>

namespace cloister::attest {
namespace {

EvidenceSet sample() {
  EvidenceSet set;
  set.primary = {Kind::kSnp, {{"report", Bytes(1184, 7)}, {"vcek", {1, 2, 3}}}};
  set.devices.push_back({Kind::kNvidiaGpu, {{"chain", {4}}, {"report", {}}}});
  return set;
}

void expect_refused(const Bytes& bytes) {
  const auto set = decode_evidence(bytes);
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.error().code(), Code::kInvalid) << set.error().message();
}

TEST(Evidence, ComesBackAsItWas) {
  const auto set = decode_evidence(encode(sample()));
  ASSERT_TRUE(set.ok()) << set.error().message();
  EXPECT_EQ(set.value(), sample());
  EXPECT_EQ(set.value().primary.part("vcek").size(), 3U);
  EXPECT_TRUE(set.value().primary.part("ask").empty());
}

TEST(Evidence, CutAnywhere) {
  const Bytes whole = encode(sample());
  for (std::size_t size = 0; size < whole.size(); ++size)
    expect_refused(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
}

TEST(Evidence, TrailingByte) {
  Bytes bytes = encode(sample());
  bytes.push_back(0);
  expect_refused(bytes);
}

TEST(Evidence, UnknownKind) {
  Bytes bytes = encode({{Kind::kTpm, {{"quote", {1}}}}, {}});
  bytes[21] = 'x';  // the first letter of "tpm"
  expect_refused(bytes);
}

TEST(Evidence, PartsOutOfOrder) {
  Bytes bytes = encode({{Kind::kTpm, {{"a", {1}}, {"b", {1}}}}, {}});
  const auto first = std::find(bytes.begin() + 26, bytes.end(), 'a');
  *first = 'b';
  expect_refused(bytes);
}

TEST(Evidence, EveryKindHasAName) {
  for (int i = 0; i <= static_cast<int>(Kind::kInsecureSoftware); ++i) {
    const auto kind = static_cast<Kind>(i);
    EXPECT_EQ(kind_of(kind_name(kind)), kind);
  }
  EXPECT_FALSE(kind_of("sample"));
}

}  // namespace
}  // namespace cloister::attest
