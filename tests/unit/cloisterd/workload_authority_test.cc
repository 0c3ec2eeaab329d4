// What the authority gives to callers of the Workload API, and what it leaves on record.
#include "cloisterd/workload_authority.h"

#include <gtest/gtest.h>

#include "identity/jwt_svid.h"
#include "tests/support/expect.h"
#include "tests/unit/cloisterd/domain.h"
#include "tests/unit/identity/fixture.h"

namespace cloister::daemon {
namespace {

using testing::expect_refused;
using testing::value_of;

class WorkloadAuthorityTest : public ::testing::Test {
 protected:
  mesh::RegistrationEntry entry(const std::string& uri) {
    mesh::RegistrationEntry made{{}, id_of(uri), {{"unix", "uid:7"}}, minutes(10), seconds(30), {}, {}, {}, {}};
    CLOISTER_CHECK(mesh::check_entry(made).ok());
    return made;
  }
  Result<identity::X509Svid> issue(const mesh::RegistrationEntry& one) {
    return authority.issue_x509({one, caller, domain.now}, testing::key_of_seed(5).public_key());
  }

  Domain domain{"acme.test"};
  std::shared_ptr<const identity::BundleSet> federated = std::make_shared<identity::BundleSet>();
  bool store_fails = false;
  WorkloadAuthority authority{{[this]() -> Result<keys::Store> {
                                 if (store_fails) return Error(Code::kUnavailable, "no store");
                                 return domain.home.place.open();
                               },
                               *domain.issuer, domain.verifier, domain.own->id(), [this] { return federated; },
                               domain.home.random, domain.metrics}};
  const mesh::Attested caller{4711, 7, 8, "/usr/bin/vllm", {{"unix", "uid:7"}}};
};

TEST_F(WorkloadAuthorityTest, CertificateOnRecord) {
  const auto one = entry("spiffe://acme.test/ml/vllm");
  const identity::X509Svid svid = value_of(issue(one));
  EXPECT_EQ(svid.leaf().facts().not_after, keys::kStart + minutes(10));
  const auto rows = domain.events("identity.issue");
  ASSERT_EQ(rows.size(), 2U) << "the server's own is the first";
  EXPECT_EQ(rows[1].actor, "uid:7 pid:4711");
  EXPECT_EQ(rows[1].subject, "spiffe://acme.test/ml/vllm");
  EXPECT_EQ(rows[1].detail, "serial " + to_hex(svid.leaf().facts().serial) + " until " +
                                to_rfc3339(svid.leaf().facts().not_after) + "; entry " + one.id +
                                ", gid 8, path /usr/bin/vllm, selectors unix:uid:7");
  EXPECT_EQ(domain.metrics.workload_svids, 1U);
}

TEST_F(WorkloadAuthorityTest, TokenOnRecord) {
  const auto one = entry("spiffe://acme.test/ml/vllm");
  const std::string token = value_of(authority.issue_jwt({one, caller, domain.now}, {"db", "cache"}));
  const auto svid = value_of(identity::verify_jwt_svid(token, authority.trust()->bundles, {"db", keys::kStart, {}}));
  EXPECT_EQ(svid.expires, keys::kStart + seconds(30));
  const auto rows = domain.events("identity.issue-token");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_TRUE(rows[0].detail.starts_with("for db and 1 more; entry ")) << rows[0].detail;
}

TEST_F(WorkloadAuthorityTest, WhatIsNotOnRecordIsNotGiven) {
  store_fails = true;
  expect_refused(issue(entry("spiffe://acme.test/ml/vllm")), Code::kUnavailable, "no store");
  EXPECT_EQ(domain.metrics.workload_svids, 0U);
  store_fails = false;
  EXPECT_TRUE(issue(entry("spiffe://acme.test/ml/vllm")).ok());
}

TEST_F(WorkloadAuthorityTest, AnotherTrustDomain) {
  expect_refused(issue(entry("spiffe://other.test/ml/vllm")), Code::kDenied, "doesn't speak for");
}

TEST_F(WorkloadAuthorityTest, IdsThatNobodyMayHave) {
  const auto id = id_of("spiffe://acme.test/ml/vllm");
  EXPECT_TRUE(authority.check_id(id, keys::kStart).ok());
  expect_refused(authority.check_id(domain.own->id(), keys::kStart), Code::kDenied, "own name");
  domain.verifier.replace_deny_list(value_of(identity::DenyList::create({{id, keys::kStart + days(1), "leaked"}}, {})));
  EXPECT_FALSE(authority.check_id(id, keys::kStart).ok());
}

TEST_F(WorkloadAuthorityTest, TrustIsAnotherWhenSomethingChanged) {
  const auto first = authority.trust();
  EXPECT_EQ(authority.trust(), first);
  EXPECT_EQ(*first->bundles.find(first->own), domain.issuer->current()->bundle());
  const identity::Realm partner("partner.example", 20);
  federated = std::make_shared<const identity::BundleSet>(federated->with(partner.rotation.bundle()));
  const auto second = authority.trust();
  EXPECT_NE(second, first);
  EXPECT_NE(second->bundles.find(partner.rotation.trust_domain()), nullptr);
}

}  // namespace
}  // namespace cloister::daemon
