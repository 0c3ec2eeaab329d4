#include "attest/collateral/merge.h"

#include <gtest/gtest.h>

#include "crypto/crl.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/ocsp_maker.h"
#include "tests/support/revocation_lists.h"

namespace cloister::attest {
namespace {

using cloister::testing::expect_refused;
using cloister::testing::value_of;

const CollateralNeed kTcbInfo{CollateralKind::kIntelTcbInfo, "tdx/00806f050000"};

Bytes tcb_info(std::string_view issued, unsigned number) {
  const std::string text = R"({"tcbInfo":{"id":"TDX","issueDate":")" + std::string(issued) +
                           R"(","nextUpdate":"2027-01-01T00:00:00Z","tcbEvaluationDataNumber":)" +
                           std::to_string(number) + R"(},"signature":"00"})";
  return to_bytes(as_bytes(text));
}

CollateralItem item(std::string_view issued, unsigned number, std::int64_t fetched = 1) {
  return value_of(make_collateral(kTcbInfo, tcb_info(issued, number), "", Time{fetched}));
}

TEST(CollateralMerge, DatesAreReadFromTheBody) {
  const CollateralItem one = item("2026-11-01T00:00:00Z", 18);
  EXPECT_EQ(to_rfc3339(*one.issued), "2026-11-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339(*one.expires), "2027-01-01T00:00:00.000Z");
  EXPECT_EQ(collateral_facts(one.kind, one.body)->number, 18U);
}

TEST(CollateralMerge, DatesOfCertificates) {
  const testing::TestAuthority root(1);
  const CollateralNeed vcek{CollateralKind::kAmdCertificate, "Milan/00/00"};
  const CollateralItem one = value_of(make_collateral(vcek, root.certificate().der(), "", Time{1}));
  EXPECT_EQ(one.expires, root.certificate().facts().not_after);
  const CollateralNeed chain{CollateralKind::kAmdChain, "Milan/vcek"};
  const std::string pem = root.certificate().to_pem();
  EXPECT_EQ(value_of(make_collateral(chain, to_bytes(as_bytes(pem)), "", Time{1})).issued,
            root.certificate().facts().not_before);
}

TEST(CollateralMerge, DatesOfLists) {
  const Bytes der = testing::pss_revocation_list();
  const auto list = value_of(crypto::RevocationList::parse(der));
  const CollateralItem one = value_of(make_collateral({CollateralKind::kAmdCrl, "Milan/vcek"}, der, "", Time{1}));
  EXPECT_EQ(one.issued, list.this_update());
  EXPECT_EQ(one.expires, list.next_update());
}

TEST(CollateralMerge, DatesOfOcsp) {
  testing::TestAuthority root(1);
  testing::OcspParts parts;
  parts.serial = {7};
  parts.this_update = Time{1'795'526'589'000};
  parts.next_update = Time{1'795'526'589'000} + days(2);
  const Bytes der = testing::make_ocsp(parts, root.signer());
  const CollateralItem one = value_of(make_collateral({CollateralKind::kNvidiaOcsp, "07"}, der, "", Time{1}));
  EXPECT_EQ(one.issued, parts.this_update);
  EXPECT_EQ(one.expires, parts.next_update);
}

// However new it is, it must not take the place of the answer about that certificate.
TEST(CollateralMerge, OcspAnswerAboutAnother) {
  testing::TestAuthority root(1);
  testing::OcspParts parts;
  parts.serial = {0, 0x87};
  parts.this_update = Time{1'795'526'589'000};
  const Bytes der = testing::make_ocsp(parts, root.signer());
  EXPECT_TRUE(make_collateral({CollateralKind::kNvidiaOcsp, "87"}, der, "", Time{1}).ok());
  expect_refused(make_collateral({CollateralKind::kNvidiaOcsp, "07"}, der, "", Time{1}), Code::kInvalid,
                 "another certificate");
}

TEST(CollateralMerge, BodyOfAnotherKind) {
  const Bytes page = to_bytes(as_bytes("<html>log in first</html>"));
  for (int i = 0; i <= static_cast<int>(CollateralKind::kTpmCrl); ++i) {
    expect_refused(make_collateral({static_cast<CollateralKind>(i), "key"}, page, "", Time{1}), Code::kInvalid,
                   "is no");
  }
  EXPECT_FALSE(make_collateral(kTcbInfo, {}, "", Time{1}).ok());
  EXPECT_FALSE(make_collateral(kTcbInfo, to_bytes(as_bytes(R"({"tcbInfo":{}})")), "", Time{1}).ok());
  EXPECT_FALSE(
      make_collateral({CollateralKind::kIntelTcbInfo, "../x"}, tcb_info("2026-11-01T00:00:00Z", 1), "", {}).ok());
}

TEST(CollateralMerge, TheNewerIsKept) {
  Collateral kept;
  EXPECT_EQ(merge(kept, item("2026-11-02T00:00:00Z", 18)), Merged::kAdded);
  EXPECT_EQ(merge(kept, item("2026-11-02T00:00:00Z", 18)), Merged::kSame);
  EXPECT_EQ(merge(kept, item("2026-11-01T00:00:00Z", 18, 9)), Merged::kOlder);
  EXPECT_EQ(merge(kept, item("2026-11-03T00:00:00Z", 18)), Merged::kReplaced);
  EXPECT_EQ(*kept.find(kTcbInfo.kind, kTcbInfo.key), item("2026-11-03T00:00:00Z", 18));
}

TEST(CollateralMerge, LowerEvaluationNumberWithALaterDate) {
  Collateral kept;
  merge(kept, item("2026-11-02T00:00:00Z", 18));
  EXPECT_EQ(merge(kept, item("2026-11-09T00:00:00Z", 17)), Merged::kOlder);
  EXPECT_EQ(merge(kept, item("2026-10-01T00:00:00Z", 19)), Merged::kReplaced);
}

TEST(CollateralMerge, FetchedAgainUnchanged) {
  Collateral kept;
  merge(kept, item("2026-11-02T00:00:00Z", 18, 1));
  EXPECT_EQ(merge(kept, item("2026-11-02T00:00:00Z", 18, 5)), Merged::kSame);
  EXPECT_EQ(kept.find(kTcbInfo.kind, kTcbInfo.key)->fetched, Time{5});
}

TEST(CollateralMerge, FloorsOnlyRise) {
  Floors floors{{"a", 5}};
  EXPECT_FALSE(raise(floors, {{"a", 4}}));
  EXPECT_FALSE(raise(floors, {{"a", 5}}));
  EXPECT_TRUE(raise(floors, {{"a", 6}, {"b", 1}}));
  EXPECT_EQ(floors, (Floors{{"a", 6}, {"b", 1}}));
}

OpenedBundle bundle_of(std::int64_t at, CollateralItem one, Floors floors = {}) {
  OpenedBundle opened{{Time{at}, {}, std::move(floors)}, "lab"};
  opened.bundle.collateral.add(std::move(one));
  return opened;
}

TEST(CollateralMerge, OlderBundle) {
  Collateral kept;
  Floors floors;
  const auto taken = take_bundle(bundle_of(10, item("2026-11-02T00:00:00Z", 18), {{"x", 3}}), kept, floors);
  EXPECT_EQ(value_of(taken).added, 1U);
  EXPECT_EQ(floors.at("x"), 3U);
  const Floors before = floors;
  expect_refused(take_bundle(bundle_of(9, item("2026-11-09T00:00:00Z", 19), {{"x", 9}}), kept, floors), Code::kDenied,
                 "older than");
  EXPECT_EQ(floors, before);
  EXPECT_EQ(*kept.find(kTcbInfo.kind, kTcbInfo.key), item("2026-11-02T00:00:00Z", 18));
  EXPECT_TRUE(take_bundle(bundle_of(10, item("2026-11-02T00:00:00Z", 18)), kept, floors).ok());
}

TEST(CollateralMerge, FloorsOfOtherBundlesAreNotTaken) {
  Collateral kept;
  Floors floors;
  const Floors carried = {{bundle_floor("lab"), 1'000}, {bundle_floor("office"), 1'000}, {"x", 3}};
  ASSERT_TRUE(take_bundle(bundle_of(10, item("2026-11-02T00:00:00Z", 18), carried), kept, floors).ok());
  EXPECT_EQ(floors, (Floors{{bundle_floor("lab"), 10}, {"x", 3}}));
  OpenedBundle other = bundle_of(20, item("2026-11-02T00:00:00Z", 18));
  other.signer = "office";
  EXPECT_TRUE(take_bundle(other, kept, floors).ok());
}

TEST(CollateralMerge, NewerBundleWithOlderItems) {
  Collateral kept;
  Floors floors;
  merge(kept, item("2026-11-02T00:00:00Z", 18));
  const auto report = value_of(take_bundle(bundle_of(10, item("2026-11-01T00:00:00Z", 18)), kept, floors));
  EXPECT_EQ(report.older, std::vector<std::string>{kTcbInfo.name()});
}

}  // namespace
}  // namespace cloister::attest
