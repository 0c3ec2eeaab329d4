#include "net/spiffe_verifier.h"

#include <gtest/gtest.h>

#include "tests/support/certificates.h"
#include "tests/support/expect.h"

namespace cloister::net {
namespace {

using namespace testing;
using identity::BundleSet;
using identity::Conformance;
using identity::DenyList;

identity::TrustDomain domain_of(std::string_view name) { return value_of(identity::TrustDomain::parse(name)); }

BundleSet trusting(const BundleSet& others, std::string_view name, const TestAuthority& authority) {
  identity::BundleContents contents;
  contents.x509_authorities.push_back(authority.certificate());
  return others.with(
      value_of(identity::Bundle::create(domain_of(name), std::move(contents), identity::Conformance::kStrict)));
}

DenyList denying(std::string_view uri, Time until) {
  return value_of(DenyList::create({{value_of(identity::SpiffeId::parse(uri)), until, "key found in a ticket"}}, {}));
}

// A verifier of example.org, its authority, and somebody else's.
class Spiffe : public ::testing::Test {
 protected:
  // Own SVID of the verifying workload: of the key of seed 1000.
  std::shared_ptr<const identity::Snapshot> snapshot(BundleSet bundles) {
    auto svid = value_of(identity::X509Svid::from_chain({root_.issue()}, Conformance::kStrict));
    return value_of(identity::Snapshot::create(std::move(svid), key_of_seed(1000), std::move(bundles), kNow));
  }
  Result<Peer> verify(const std::vector<crypto::Certificate>& chain, Time now = kNow) const {
    std::vector<Bytes> der;
    for (const crypto::Certificate& certificate : chain) der.push_back(certificate.der());
    return verifier_.verify(now, der);
  }

  TestAuthority root_{1};
  TestAuthority foreign_{2, {.uri = "spiffe://example.com"}};
  const BundleSet own_ = trusting({}, "example.org", root_);
  const std::shared_ptr<identity::Source> source_ = std::make_shared<identity::Source>(snapshot(own_));
  SpiffeVerifier verifier_{source_, Conformance::kStrict, {}};
};

TEST_F(Spiffe, NamesTheWorkloadAndTheEndOfItsProof) {
  const Peer peer = value_of(verify({root_.issue({.uri = "spiffe://example.org/ns/ml/sa/trainer"})}));
  EXPECT_EQ(peer.id, "spiffe://example.org/ns/ml/sa/trainer");
  EXPECT_EQ(peer.not_after, kNow + hours(1));
}

TEST_F(Spiffe, ProofEndsWithTheFirstCertificateOfThePath) {
  TestAuthority middle(3, {.basic = crypto::extension_authority(0), .not_after = kNow + minutes(20)}, &root_);
  const Peer peer = value_of(verify({middle.issue(), middle.certificate()}));
  EXPECT_EQ(peer.not_after, kNow + minutes(20));
  expect_refused(verify({middle.issue()}), Code::kDenied, "spiffe://example.org/workload");
}

TEST_F(Spiffe, ForeignTrustDomain) {
  const auto leaf = foreign_.issue({.uri = "spiffe://example.com/workload"});
  expect_refused(verify({leaf}), Code::kDenied, "no bundle of its trust domain");
  source_->replace(snapshot(trusting(own_, "example.com", foreign_)));
  EXPECT_EQ(value_of(verify({leaf})).id, "spiffe://example.com/workload");
  source_->replace(snapshot(own_));
  expect_refused(verify({leaf}), Code::kDenied, "no bundle of its trust domain");
}

TEST_F(Spiffe, AuthorityOfAnotherTrustDomain) {
  source_->replace(snapshot(trusting(own_, "example.com", foreign_)));
  expect_refused(verify({foreign_.issue({.uri = "spiffe://example.org/workload"})}), Code::kDenied, "");
  expect_refused(verify({root_.issue({.uri = "spiffe://example.com/workload"})}), Code::kDenied, "");
}

TEST_F(Spiffe, ExpiredAndNotYetValid) {
  const auto leaf = root_.issue();
  expect_refused(verify({leaf}, kNow + hours(2)), Code::kExpired, "spiffe://example.org/workload");
  expect_refused(verify({leaf}, kNow + minutes(-10)), Code::kExpired, "spiffe://example.org/workload");
}

TEST_F(Spiffe, DeniedId) {
  const auto leaf = root_.issue();
  verifier_.replace_deny_list(denying("spiffe://example.org/workload", kNow + minutes(30)));
  expect_refused(verify({leaf}), Code::kDenied, "key found in a ticket");
  EXPECT_TRUE(verify({leaf}, kNow + minutes(30)).ok());
  EXPECT_TRUE(verify({root_.issue({.uri = "spiffe://example.org/other"})}).ok());
  verifier_.replace_deny_list({});
  EXPECT_TRUE(verify({leaf}).ok());
}

TEST_F(Spiffe, DeniedCertificate) {
  const auto stolen = root_.issue();
  verifier_.replace_deny_list(
      value_of(DenyList::create({}, {{domain_of("example.org"), stolen.facts().serial, kNow + hours(1), "stolen"}})));
  expect_refused(verify({stolen}), Code::kDenied, "stolen");
  EXPECT_TRUE(verify({root_.issue()}).ok());
  EXPECT_EQ(verifier_.deny_list()->serials().size(), 1U);
}

TEST_F(Spiffe, DeniedFromTheBeginning) {
  const SpiffeVerifier verifier(source_, Conformance::kStrict,
                                denying("spiffe://example.org/workload", kNow + hours(1)));
  const std::vector<Bytes> chain{root_.issue().der()};
  expect_refused(verifier.verify(kNow, chain), Code::kDenied, "key found in a ticket");
}

TEST_F(Spiffe, NoSpiffeId) {
  expect_refused(verify({root_.issue({.names = names_extension({{2, "example.org"}})})}), Code::kInvalid,
                 "no URI name");
  expect_refused(verify({root_.issue({.uri = "https://example.org/workload"})}), Code::kInvalid, "no SPIFFE ID");
  expect_refused(verify({root_.issue({.uri = "spiffe://example.org"})}), Code::kInvalid, "no path");
}

TEST_F(Spiffe, AuthoritysCertificateAsLeaf) {
  expect_refused(verify({root_.certificate()}), Code::kInvalid, "no path");
  TestAuthority named(3, {.uri = "spiffe://example.org/workload"}, &root_);
  expect_refused(verify({named.certificate()}), Code::kInvalid, "authority's certificate");
}

TEST_F(Spiffe, LeafAsIntermediate) {
  const auto leaf = root_.issue();
  expect_refused(verify({leaf, leaf}), Code::kInvalid, "certificate 2 of the chain");
}

TEST_F(Spiffe, BytesThatAreNoChain) {
  expect_refused(verifier_.verify(kNow, {}), Code::kInvalid, "no certificate");
  Bytes longer = root_.issue().der();
  longer.push_back(0);
  expect_refused(verifier_.verify(kNow, std::vector<Bytes>{longer}), Code::kInvalid, "certificate 1 of the chain");
  const std::vector<Bytes> broken{root_.issue().der(), {0x30, 0x03, 1, 2}};
  expect_refused(verifier_.verify(kNow, broken), Code::kInvalid, "certificate 2 of the chain");
}

TEST_F(Spiffe, CarelessIssuer) {
  const LeafParts careless{.usage = usage_extension(0x80, crypto::Critical::kNo)};
  expect_refused(verify({root_.issue(careless)}), Code::kInvalid, "critical");
  const SpiffeVerifier lenient(source_, Conformance::kGoSpiffe, {});
  EXPECT_TRUE(lenient.verify(kNow, std::vector<Bytes>{root_.issue(careless).der()}).ok());
}

}  // namespace
}  // namespace cloister::net
