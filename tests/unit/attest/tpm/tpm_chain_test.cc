// TPM keys that their vendor certified, as Google does for its virtual TPMs.
#include <gtest/gtest.h>

#include "attest/tpm/tpm.h"
#include "tests/support/certificates.h"
#include "tests/support/revocation_lists.h"
#include "tests/support/simulated_tpm.h"
#include "tests/support/verdicts.h"

namespace cloister::attest {
namespace {

using cloister::testing::AuthorityParts;
using cloister::testing::expect_failed;
using cloister::testing::expect_only;
using cloister::testing::expect_passed_but;
using cloister::testing::kNow;
using cloister::testing::LeafParts;
using cloister::testing::make_revocation_list;
using cloister::testing::names_of;
using cloister::testing::SimulatedTpm;
using cloister::testing::TestAuthority;

constexpr std::uint64_t kKeySeed = 61;  // of TpmParts

CollateralItem revocations(const crypto::Certificate& certificate, crypto::Signer& signer,
                           const std::vector<Bytes>& serials = {}, Time until = kNow + days(7)) {
  CollateralItem item;
  item.kind = CollateralKind::kTpmCrl;
  item.key = to_hex(crypto::sha256(certificate.spki()));
  item.body = make_revocation_list(
      {.issuer = {}, .serials = serials, .this_update = kNow + days(-1), .next_update = until}, certificate, signer);
  return item;
}

// A vendor of a test's own, its intermediate authority, and a TPM whose key it certified.
struct Vendor {
  TestAuthority root{81, {.uri = {}}};
  TestAuthority intermediate{82, {.uri = {}}, &root};
  SimulatedTpm tpm;
  Anchors anchors = Anchors::insecure({{Root::kGoogleTpm, crypto::sha256(root.certificate().spki())}});
  Collateral collateral;

  Vendor() {
    collateral.add(revocations(root.certificate(), root.signer()));
    collateral.add(revocations(intermediate.certificate(), intermediate.signer()));
  }

  Evidence evidence(const LeafParts& leaf = {}, std::uint64_t key_seed = kKeySeed) {
    return with_chain(intermediate.issue(leaf, key_seed));
  }
  Evidence with_chain(const crypto::Certificate& leaf) const {
    Evidence evidence = tpm.evidence();
    const std::string chain = leaf.to_pem() + intermediate.certificate().to_pem() + root.certificate().to_pem();
    evidence.parts["ak-chain"] = to_bytes(as_bytes(chain));
    return evidence;
  }
  Verdict judged(const Evidence& evidence, Time at = kNow) const {
    return verify(evidence,
                  {.now = at, .report_data = Bytes(64, 0x5A), .collateral = &collateral, .anchors = &anchors});
  }
};

TEST(TpmChain, UpToTheVendorsRoot) {
  Vendor vendor;
  const Verdict verdict = vendor.judged(vendor.evidence());
  expect_passed_but(verdict, {});
  EXPECT_TRUE(verdict.sound());
  EXPECT_EQ(verdict.assurance, Assurance::kInsecureSoftware);  // the root is a test's
  EXPECT_EQ(names_of(verdict),
            (std::vector<std::string>{"parse", "published-key", "certificate-chain", "certificate-dates", "revocation",
                                      "rollback", "ak-attributes", "endorsement", "quote-signature", "pcr-digest",
                                      "report-data"}));
  EXPECT_EQ(verdict.used.size(), 2U);
}

TEST(TpmChain, RootOfSomebodyElse) {
  Vendor vendor;
  vendor.anchors = Anchors::production();
  const Verdict verdict = vendor.judged(vendor.evidence());
  expect_failed(verdict, "certificate-chain", Reason::kUntrustedRoot);
  expect_failed(verdict, "endorsement", Reason::kBadChain);
  EXPECT_EQ(verdict.assurance, Assurance::kInsecureSoftware);
}

TEST(TpmChain, CertificateOfAnotherKey) {
  Vendor vendor;
  expect_only(vendor.judged(vendor.evidence({}, 62)), "endorsement", Reason::kBindingMismatch);
}

TEST(TpmChain, CertificateThatAnotherAuthoritySigned) {
  Vendor vendor;
  TestAuthority stranger(82 + 1, {.uri = {}});
  const Verdict verdict = vendor.judged(vendor.with_chain(stranger.issue({}, kKeySeed)));
  expect_failed(verdict, "certificate-chain", Reason::kBadChain);
  expect_failed(verdict, "endorsement", Reason::kBadChain);
}

TEST(TpmChain, OutOfItsTime) {
  Vendor vendor;
  const Evidence evidence = vendor.evidence();
  EXPECT_EQ(vendor.judged(evidence, kNow + hours(2)).find("certificate-dates")->reason, Reason::kExpired);
  EXPECT_EQ(vendor.judged(evidence, kNow + hours(-2)).find("certificate-dates")->reason, Reason::kNotYetValid);
}

TEST(TpmChain, RevokedOrNotKnown) {
  Vendor vendor;
  const crypto::Certificate leaf = vendor.intermediate.issue({}, kKeySeed);
  const Evidence evidence = vendor.with_chain(leaf);
  vendor.collateral.add(
      revocations(vendor.intermediate.certificate(), vendor.intermediate.signer(), {leaf.facts().serial}));
  expect_only(vendor.judged(evidence), "revocation", Reason::kRevoked);
  vendor.collateral.add(revocations(vendor.intermediate.certificate(), vendor.intermediate.signer(), {}, kNow));
  expect_passed_but(vendor.judged(evidence), {"revocation"});
  vendor.collateral.add(revocations(vendor.intermediate.certificate(), vendor.root.signer()));
  expect_passed_but(vendor.judged(evidence), {"revocation"});
  vendor.collateral = {};
  expect_passed_but(vendor.judged(evidence), {"revocation", "rollback"});
  EXPECT_EQ(vendor.judged(evidence).find("revocation")->reason, Reason::kRevocationUnknown);
}

TEST(TpmChain, RevokedBehindOneThatIsntKnown) {
  Vendor vendor;
  const Evidence evidence = vendor.evidence();
  vendor.collateral = {};
  vendor.collateral.add(
      revocations(vendor.root.certificate(), vendor.root.signer(), {vendor.intermediate.certificate().facts().serial}));
  expect_only(vendor.judged(evidence), "revocation", Reason::kRevoked);
}

TEST(TpmChain, OlderListThanWasSeen) {
  Vendor vendor;
  const Evidence evidence = vendor.evidence();
  const Verdict verdict = vendor.judged(evidence);
  EXPECT_EQ(verdict.seen.size(), 2U);
  const std::string source = "tpm/crl/" + to_hex(crypto::sha256(vendor.intermediate.certificate().spki()));
  const auto issued = static_cast<std::uint64_t>((kNow + days(-1)).unix_ms / 1000);
  EXPECT_EQ(verdict.seen.at(source), issued);
  Floors floors = verdict.seen;
  Question question{.now = kNow,
                    .report_data = Bytes(64, 0x5A),
                    .collateral = &vendor.collateral,
                    .anchors = &vendor.anchors,
                    .floors = &floors};
  EXPECT_TRUE(verify(evidence, question).sound());
  floors[source] = issued + 1;
  expect_only(verify(evidence, question), "rollback", Reason::kRollback);
}

TEST(TpmChain, ListsOfSomebodyElsesAuthoritiesAreNoFloors) {
  Vendor vendor;
  vendor.anchors = Anchors::production();
  const Verdict verdict = vendor.judged(vendor.evidence());
  EXPECT_TRUE(verdict.seen.empty());
  EXPECT_EQ(verdict.find("rollback")->state, CheckState::kNotEvaluated);
}

TEST(TpmChain, OutOfOrder) {
  Vendor vendor;
  TestAuthority lower(84, {.uri = {}}, &vendor.intermediate);
  vendor.collateral.add(revocations(lower.certificate(), lower.signer()));
  const std::string leaf = lower.issue({}, kKeySeed).to_pem(), below = lower.certificate().to_pem();
  const std::string above = vendor.intermediate.certificate().to_pem(), root = vendor.root.certificate().to_pem();
  Evidence evidence = vendor.tpm.evidence();
  evidence.parts["ak-chain"] = to_bytes(as_bytes(leaf + below + above + root));
  expect_passed_but(vendor.judged(evidence), {});
  evidence.parts["ak-chain"] = to_bytes(as_bytes(leaf + above + below + root));
  expect_only(vendor.judged(evidence), "revocation", Reason::kBadChain);
}

TEST(TpmChain, ChainThatIsNone) {
  Vendor vendor;
  Evidence evidence = vendor.evidence();
  evidence.parts["ak-chain"] = to_bytes(as_bytes(vendor.root.certificate().to_pem()));
  expect_only(vendor.judged(evidence), "parse", Reason::kMalformed);
  evidence.parts["ak-chain"] = {1, 2, 3};
  expect_only(vendor.judged(evidence), "parse", Reason::kMalformed);
}

TEST(TpmChain, Needs) {
  Vendor vendor;
  const auto wanted = needs(vendor.evidence());
  ASSERT_EQ(wanted.size(), 2U);
  for (const CollateralNeed& need : wanted) EXPECT_NE(vendor.collateral.find(need.kind, need.key), nullptr);
}

}  // namespace
}  // namespace cloister::attest
