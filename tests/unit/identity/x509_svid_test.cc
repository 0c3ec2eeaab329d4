#include "identity/x509_svid.h"

#include <gtest/gtest.h>

#include "tests/unit/identity/fixture.h"

namespace cloister::identity {
namespace {

using namespace testing;
using crypto::Certificate;
using crypto::Critical;

constexpr std::uint8_t kDns = 2, kUri = 6;
constexpr Conformance kBoth[] = {Conformance::kStrict, Conformance::kGoSpiffe};

class Leaf : public ::testing::Test {
 protected:
  Result<SpiffeId> check(const LeafParts& parts, Conformance conformance = Conformance::kStrict) {
    return check_leaf(authority_.issue(parts), conformance);
  }
  void refused_by_both(const LeafParts& parts, std::string_view word) {
    for (const Conformance conformance : kBoth) expect_refused(check(parts, conformance), Code::kInvalid, word);
  }
  void refused_by_strict(const LeafParts& parts, std::string_view word) {
    expect_refused(check(parts), Code::kInvalid, word);
    EXPECT_TRUE(check(parts, Conformance::kGoSpiffe).ok());
  }
  TestAuthority authority_{1};
};

TEST_F(Leaf, NamesItsId) {
  for (const Conformance conformance : kBoth) {
    EXPECT_EQ(value_of(check({}, conformance)).uri(), "spiffe://example.org/workload");
    EXPECT_TRUE(check({.extended = {}}, conformance).ok());
    EXPECT_TRUE(check({.subject = crypto::common_name("a")}, conformance).ok());
    EXPECT_TRUE(
        check({.names = names_extension({{kUri, "spiffe://a/b"}, {kDns, "a"}, {kDns, "b"}})}, conformance).ok());
    EXPECT_TRUE(check({.usage = usage_extension(0x80 | 0x20 | 0x08)}, conformance).ok());
  }
}

TEST_F(Leaf, NoUriOrMoreThanOne) {
  refused_by_both({.names = names_extension({{kDns, "example.org"}})}, "no URI");
  refused_by_both({.names = Bytes()}, "no URI");
  refused_by_both({.names = names_extension({{kUri, "spiffe://a/b"}, {kUri, "spiffe://a/c"}})}, "more than one");
  refused_by_both({.names = names_extension({{kUri, "spiffe://a/b"}, {kUri, "https://a/c"}})}, "more than one");
  refused_by_both({.names = names_extension({{kUri, "spiffe://a/b"}, {kUri, "spiffe://a/b"}})}, "more than one");
}

TEST_F(Leaf, UriThatIsNoSpiffeId) {
  for (const char* uri : {"https://example.org/a", "spiffe://example.org/a/", "spiffe://example.org/a?b", "spiffe:///a",
                          "spiffe://a:1/b"}) {
    refused_by_both({.uri = uri}, "no SPIFFE ID");
  }
  refused_by_both({.uri = std::string("spiffe://example.org/a\0b", 24)}, "no SPIFFE ID");
}

TEST_F(Leaf, IdOfATrustDomain) { refused_by_both({.uri = "spiffe://example.org"}, "no path"); }

TEST_F(Leaf, AuthoritysCertificate) { refused_by_both({.basic = crypto::extension_authority(0)}, "authority"); }

TEST_F(Leaf, KeyUsage) {
  refused_by_both({.usage = {}}, "signatures");
  refused_by_both({.usage = usage_extension(0x20)}, "signatures");
  refused_by_both({.usage = usage_extension(0x80 | 0x04)}, "may sign");
  refused_by_both({.usage = usage_extension(0x80 | 0x02)}, "may sign");
  refused_by_strict({.usage = usage_extension(0x80, Critical::kNo)}, "critical");
}

TEST_F(Leaf, OneSidedExtendedKeyUsage) {
  refused_by_strict({.extended = extended_usage_extension({1})}, "servers and clients");
  refused_by_strict({.extended = extended_usage_extension({2})}, "servers and clients");
  refused_by_strict({.extended = extended_usage_extension({3})}, "servers and clients");
}

TEST_F(Leaf, NoSubjectAndNamesNotCritical) {
  refused_by_strict({.names = names_extension({{kUri, "spiffe://a/b"}}, Critical::kNo)}, "subject");
  EXPECT_TRUE(
      check({.names = names_extension({{kUri, "spiffe://a/b"}}, Critical::kNo), .subject = crypto::common_name("a")})
          .ok());
}

TEST(SigningCertificate, Checklist) {
  const auto check = [](const AuthorityParts& parts, Conformance conformance) {
    return check_signing_certificate(TestAuthority(1, parts).certificate(), conformance);
  };
  for (const Conformance conformance : kBoth) {
    EXPECT_TRUE(check({}, conformance).ok());
    EXPECT_TRUE(check({.uri = {}}, conformance).ok());
    EXPECT_TRUE(check({.uri = "https://example.org/policy"}, conformance).ok());
    expect_refused(check({.basic = crypto::extension_leaf()}, conformance), Code::kInvalid, "authority");
    expect_refused(check({.basic = {}}, conformance), Code::kInvalid, "authority");
    expect_refused(check({.usage = usage_extension(0x02)}, conformance), Code::kInvalid, "may not sign");
    expect_refused(check({.usage = {}}, conformance), Code::kInvalid, "may not sign");
  }
  const auto strict_only = [&](const AuthorityParts& parts, std::string_view word) {
    expect_refused(check(parts, Conformance::kStrict), Code::kInvalid, word);
    EXPECT_TRUE(check(parts, Conformance::kGoSpiffe).ok());
  };
  strict_only({.usage = usage_extension(0x06, Critical::kNo)}, "critical");
  strict_only({.uri = "spiffe://example.org/a"}, "path");
  strict_only({.uri = "SPIFFE://example.org/a"}, "path");
  strict_only({.uri = "spiffe://example.org/"}, "no SPIFFE ID");
}

TEST(X509Svid, ChainsThatAreNone) {
  TestAuthority root(1);
  TestAuthority weak(2, {.basic = crypto::extension_leaf()}, &root);
  const Certificate leaf = root.issue();
  EXPECT_EQ(value_of(X509Svid::from_chain({leaf, root.certificate()}, Conformance::kStrict)).chain().size(), 2U);
  expect_refused(X509Svid::from_chain({}, Conformance::kStrict), Code::kInvalid, "no certificate");
  expect_refused(X509Svid::from_chain({root.certificate()}, Conformance::kStrict), Code::kInvalid, "");
  expect_refused(X509Svid::from_chain({leaf, weak.certificate()}, Conformance::kStrict), Code::kInvalid,
                 "certificate 2");
  expect_refused(X509Svid::from_chain({leaf, leaf}, Conformance::kGoSpiffe), Code::kInvalid, "certificate 2");
  expect_refused(X509Svid::from_chain(std::vector(11, leaf), Conformance::kStrict), Code::kInvalid, "too long");
}

class Verify : public ::testing::Test {
 protected:
  static BundleSet trusting(const TestAuthority& authority, std::string_view name = "example.org") {
    return BundleSet().with(
        value_of(Bundle::create(domain_of(name), {{authority.certificate()}, {}, {}, {}}, Conformance::kStrict)));
  }
  static Result<VerifiedSvid> verify(std::vector<Certificate> chain, const BundleSet& bundles, Time now = kNow,
                                     Conformance conformance = Conformance::kStrict) {
    CLOISTER_TRY(const X509Svid svid, X509Svid::from_chain(std::move(chain), conformance));
    return verify_x509_svid(svid, bundles, now);
  }
  TestAuthority root_{1};
};

TEST_F(Verify, AgainstItsOwnBundle) {
  const Certificate leaf = root_.issue();
  const VerifiedSvid peer = value_of(verify({leaf}, trusting(root_)));
  EXPECT_EQ(peer.id, id_of("spiffe://example.org/workload"));
  EXPECT_EQ(peer.serial, leaf.facts().serial);
  EXPECT_EQ(peer.not_after, leaf.facts().not_after);
}

TEST_F(Verify, EndsWithTheFirstCertificateThatEnds) {
  TestAuthority middle(2, {.not_after = kNow + minutes(10)}, &root_);
  EXPECT_EQ(value_of(verify({middle.issue(), middle.certificate()}, trusting(root_))).not_after, kNow + minutes(10));
}

TEST_F(Verify, NoBundleOfItsTrustDomain) {
  expect_refused(verify({root_.issue()}, {}), Code::kDenied, "no bundle");
  expect_refused(verify({root_.issue()}, trusting(root_, "example.com")), Code::kDenied, "no bundle");
}

TEST_F(Verify, AuthorityOfAnotherTrustDomain) {
  // Both are trusted, each for its own: one's authority can't vouch for the other's workloads.
  TestAuthority other(2, {.uri = "spiffe://example.com"});
  const BundleSet both = trusting(root_).with(
      value_of(Bundle::create(domain_of("example.com"), {{other.certificate()}, {}, {}, {}}, Conformance::kStrict)));
  EXPECT_TRUE(verify({root_.issue()}, both).ok());
  EXPECT_TRUE(verify({other.issue({.uri = "spiffe://example.com/a"})}, both).ok());
  for (const Conformance conformance : kBoth) {
    expect_refused(verify({other.issue()}, both, kNow, conformance), Code::kDenied, "example.org");
    expect_refused(verify({other.issue(), other.certificate()}, both, kNow, conformance), Code::kDenied, "");
    expect_refused(verify({root_.issue({.uri = "spiffe://example.com/a"})}, both, kNow, conformance), Code::kDenied,
                   "");
  }
}

TEST_F(Verify, EmptyBundleTrustsNobody) {
  const Bundle empty = value_of(Bundle::create(domain_of(), {}, Conformance::kStrict));
  expect_refused(verify({root_.issue()}, BundleSet().with(empty)), Code::kDenied, "");
}

TEST_F(Verify, TooEarlyAndTooLate) {
  const Certificate leaf = root_.issue();
  expect_refused(verify({leaf}, trusting(root_), leaf.facts().not_before + seconds(-1)), Code::kExpired,
                 "not yet valid");
  expect_refused(verify({leaf}, trusting(root_), leaf.facts().not_after), Code::kExpired, "expired");
}

TEST_F(Verify, GoSpiffeTakesAOneSidedPeer) {
  const Certificate client = root_.issue({.extended = extended_usage_extension({2})});
  expect_refused(verify({client}, trusting(root_)), Code::kInvalid, "servers and clients");
  EXPECT_TRUE(verify({client}, trusting(root_), kNow, Conformance::kGoSpiffe).ok());
}

TEST_F(Verify, AuthorityForServersAlone) {
  TestAuthority servers(3, {.more = extended_usage_extension({1})}, &root_);
  const std::vector<Certificate> chain = {servers.issue(), servers.certificate()};
  expect_refused(verify(chain, trusting(root_)), Code::kDenied, "clients");
  EXPECT_TRUE(verify(chain, trusting(root_), kNow, Conformance::kGoSpiffe).ok());
}

TEST_F(Verify, NameConstraintsOfTheAuthority) {
  TestAuthority bound(4, {.permitted_host = "example.org"});
  EXPECT_TRUE(verify({bound.issue()}, trusting(bound)).ok());
  // Even if somebody trusts it for another trust domain.
  for (const Conformance conformance : kBoth) {
    expect_refused(
        verify({bound.issue({.uri = "spiffe://example.com/a"})}, trusting(bound, "example.com"), kNow, conformance),
        Code::kDenied, "permitted subtree");
  }
}

}  // namespace
}  // namespace cloister::identity
