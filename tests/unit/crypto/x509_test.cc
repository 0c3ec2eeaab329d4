#include "crypto/x509.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "crypto/der.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"

namespace cloister::crypto {
namespace {

using namespace cloister::testing;

constexpr std::uint8_t kEmail = 1, kDns = 2, kUri = 6, kIp = 7, kRegisteredId = 8;

TEST(Certificate, FactsOfALeaf) {
  TestAuthority authority(1);
  const std::vector<std::pair<std::uint8_t, std::string>> names = {
      {kUri, "spiffe://example.org/a"}, {kDns, "a.example.org"}, {kDns, "*.example.org"},
      {kEmail, "a@example.org"},        {kIp, "\x7f\0\0\1"},     {kRegisteredId, "*"}};
  const Certificate leaf =
      authority.issue({.names = names_extension(names, Critical::kNo), .subject = common_name("a")});
  const CertificateFacts& facts = leaf.facts();
  EXPECT_EQ(facts.names.uris, (std::vector<std::string>{"spiffe://example.org/a"}));
  EXPECT_EQ(facts.names.dns_names, (std::vector<std::string>{"a.example.org", "*.example.org"}));
  EXPECT_EQ(facts.names.emails, (std::vector<std::string>{"a@example.org"}));
  EXPECT_EQ(facts.names.ip_addresses.size(), 1U);
  EXPECT_TRUE(facts.names.others);
  EXPECT_FALSE(facts.names_critical);
  EXPECT_FALSE(facts.is_authority);
  EXPECT_FALSE(facts.has_name_constraints);
  EXPECT_TRUE(facts.has_subject);
  EXPECT_EQ(facts.subject, common_name("a"));
  EXPECT_EQ(facts.issuer, authority.certificate().facts().subject);
  EXPECT_EQ(facts.serial, Bytes{2});
  EXPECT_EQ(facts.not_before, kNow + minutes(-5));
  EXPECT_EQ(facts.not_after, kNow + hours(1));
  EXPECT_EQ(facts.authority_key_id, key_id_of(authority.signer().public_key()));
  EXPECT_EQ(facts.subject_key_id, key_id_of(key_of_seed(1000).public_key()));
  ASSERT_TRUE(facts.key_usage && facts.extended_key_usage && facts.public_key);
  EXPECT_TRUE(facts.key_usage->critical && facts.key_usage->digital_signature);
  EXPECT_FALSE(facts.key_usage->certificate_sign || facts.key_usage->crl_sign);
  EXPECT_TRUE(facts.extended_key_usage->server && facts.extended_key_usage->client);
  EXPECT_EQ(value_of(leaf.public_key()), key_of_seed(1000).public_key());
}

TEST(Certificate, FactsOfAnAuthority) {
  const TestAuthority authority(1, {.permitted_host = "example.org"});
  const CertificateFacts& facts = authority.certificate().facts();
  EXPECT_TRUE(facts.is_authority);
  EXPECT_TRUE(facts.has_name_constraints);
  EXPECT_TRUE(facts.key_usage->certificate_sign && facts.key_usage->crl_sign);
  EXPECT_FALSE(facts.key_usage->digital_signature);
  EXPECT_FALSE(facts.extended_key_usage);
  EXPECT_TRUE(facts.authority_key_id.empty());
}

TEST(Certificate, TellsApartAndAlike) {
  TestAuthority authority(1);
  const Certificate one = authority.issue();
  const Certificate other = authority.issue();
  EXPECT_EQ(one, value_of(Certificate::parse(one.der())));
  EXPECT_FALSE(one == other);
  EXPECT_EQ(one.fingerprint(), sha256(one.der()));
  EXPECT_NE(one.fingerprint(), other.fingerprint());
}

TEST(Certificate, SeveralInARow) {
  TestAuthority authority(1);
  const Certificate leaf = authority.issue();
  Bytes both = leaf.der();
  both.insert(both.end(), authority.certificate().der().begin(), authority.certificate().der().end());
  EXPECT_EQ(value_of(Certificate::parse_all(both, 2)), (std::vector{leaf, authority.certificate()}));
  expect_refused(Certificate::parse_all(both, 1), Code::kInvalid, "more than 1");
  expect_refused(Certificate::parse_all({}, 1), Code::kInvalid, "no certificate");
  expect_refused(Certificate::parse_all(ByteView(both).first(both.size() - 1), 2), Code::kInvalid, "DER");
  expect_refused(Certificate::parse(both), Code::kInvalid, "follow");
  const std::string text = leaf.to_pem() + authority.certificate().to_pem();
  EXPECT_EQ(value_of(Certificate::parse_pem(text, 2)), (std::vector{leaf, authority.certificate()}));
  expect_refused(Certificate::parse_pem(text, 1), Code::kInvalid, "more than 1");
}

TEST(Certificate, DamagedBytes) {
  ERR_clear_error();
  TestAuthority authority(1);
  const Bytes good = authority.issue().der();
  for (std::size_t size = 0; size < good.size(); ++size) {
    ASSERT_FALSE(Certificate::parse(ByteView(good).first(size)).ok()) << size;
  }
  expect_refused(Certificate::parse(Bytes(kCertificateSizeMax + 1)), Code::kInvalid, "65536");
  expect_refused(Certificate::parse(unhex("3000")), Code::kInvalid, "no certificate");
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Certificate, VersionOne) {
  TestAuthority authority(1);
  Bytes changed = authority.issue().der();
  const auto version = std::ranges::search(changed, unhex("a003020102")).begin();
  *(version + 4) = 0;
  expect_refused(Certificate::parse(changed), Code::kInvalid, "");
}

TEST(Certificate, SerialThatIsNotPositive) {
  TestAuthority authority(1);
  Bytes changed = authority.issue().der();
  const auto serial = std::ranges::search(changed, unhex("a003020102020102")).begin() + 7;
  *serial = 0;
  expect_refused(Certificate::parse(changed), Code::kInvalid, "positive");
  *serial = 0x80;
  expect_refused(Certificate::parse(changed), Code::kInvalid, "positive");
}

// What TestAuthority can't issue, because the result wouldn't parse.
Result<Certificate> with_extensions(std::vector<Bytes> extensions) {
  MemorySigner signer(key_of_seed(1));
  return sign_certificate(
      {{1}, common_name("x"), common_name("x"), kNow, kNow + hours(1), signer.public_key(), std::move(extensions)},
      signer);
}

TEST(Certificate, MalformedExtensions) {
  EXPECT_TRUE(with_extensions({extension_leaf()}).ok());
  expect_refused(with_extensions({extension_leaf(), extension_leaf()}), Code::kInvalid, "");
  expect_refused(
      with_extensions({raw_extension("2a0304", Critical::kNo, {}), raw_extension("2a0304", Critical::kNo, {})}),
      Code::kInvalid, "twice");
  expect_refused(with_extensions({raw_extension("551d11", Critical::kNo, unhex("3000"))}), Code::kInvalid,
                 "alternative");
  expect_refused(with_extensions({raw_extension("551d11", Critical::kNo, unhex("8603616161"))}), Code::kInvalid, "");
  expect_refused(with_extensions({raw_extension("551d11", Critical::kNo, unhex("30050c03616161"))}), Code::kInvalid,
                 "");
  expect_refused(with_extensions({raw_extension("551d0f", Critical::kNo, unhex("0101ff"))}), Code::kInvalid, "");
  expect_refused(with_extensions({raw_extension("551d13", Critical::kNo, unhex("0500"))}), Code::kInvalid, "");
  expect_refused(with_extensions({raw_extension("551d1e", Critical::kNo, unhex("3003"))}), Code::kInvalid, "");
  std::vector<Bytes> many;
  for (int i = 0; i < 65; ++i)
    many.push_back(raw_extension("2a03" + to_hex(Bytes{std::uint8_t(i)}), Critical::kNo, {}));
  expect_refused(with_extensions(many), Code::kInvalid, "too many");
}

TEST(Certificate, KeyOfAKindThatIsNotUsed) {
  // The key's bytes are looked at when the key is asked for; the certificate can still be shown and compared.
  TestAuthority authority(1);
  Bytes changed = authority.issue().der();
  const auto curve = std::ranges::search(changed, unhex("2a8648ce3d030107")).begin();
  *(curve + 7) = 1;  // prime192v1
  const auto certificate = Certificate::parse(changed);
  if (certificate.ok()) expect_refused(certificate->public_key(), Code::kUnsupported, "kind");
}

class Chain : public ::testing::Test {
 protected:
  static Result<std::vector<Certificate>> verify(const Certificate& leaf, std::vector<Certificate> intermediates,
                                                 std::vector<Certificate> anchors, Time at = kNow,
                                                 Purpose purpose = Purpose::kServerAndClient) {
    return verify_chain(leaf, {intermediates, anchors, purpose, at});
  }

  TestAuthority root_{1};
  TestAuthority middle_{2, {.basic = extension_authority(0)}, &root_};
};

TEST_F(Chain, LeadsToTheAnchor) {
  const Certificate leaf = middle_.issue();
  EXPECT_EQ(value_of(verify(leaf, {middle_.certificate()}, {root_.certificate()})),
            (std::vector{leaf, middle_.certificate(), root_.certificate()}));
  EXPECT_EQ(value_of(verify(root_.issue(), {}, {root_.certificate()})).size(), 2U);
  // In any order, among others that don't belong.
  const TestAuthority stranger(9);
  EXPECT_TRUE(verify(leaf, {stranger.certificate(), root_.certificate(), middle_.certificate()},
                     {stranger.certificate(), root_.certificate()})
                  .ok());
}

TEST_F(Chain, AnchorThatIsNotSelfSigned) {
  EXPECT_EQ(value_of(verify(middle_.issue(), {}, {middle_.certificate()})).size(), 2U);
}

TEST_F(Chain, NoAnchors) { expect_refused(verify(root_.issue(), {root_.certificate()}, {}), Code::kDenied, ""); }

TEST_F(Chain, AnotherAnchor) {
  const TestAuthority stranger(9);
  expect_refused(verify(root_.issue(), {root_.certificate()}, {stranger.certificate()}), Code::kDenied, "");
}

TEST_F(Chain, MissingIntermediate) {
  expect_refused(verify(middle_.issue(), {}, {root_.certificate()}), Code::kDenied, "");
}

TEST_F(Chain, AnotherKeyOfTheSameName) {
  TestAuthority first(7);
  MemorySigner other(key_of_seed(8));
  const Certificate forged = value_of(sign_certificate(
      {{1},
       common_name("test authority 7"),
       empty_name(),
       kNow,
       kNow + hours(1),
       key_of_seed(1000).public_key(),
       {extension_leaf(), extension_leaf_key_usage(), extension_uri("spiffe://example.org/a", Critical::kYes)}},
      other));
  expect_refused(verify(forged, {}, {first.certificate()}), Code::kDenied, "");
}

TEST_F(Chain, ChangedByte) {
  const Bytes good = root_.issue().der();
  std::size_t parsed = 0;
  for (std::size_t i = 0; i < good.size(); i += 3) {
    Bytes changed = good;
    changed[i] ^= 1;
    const auto leaf = Certificate::parse(changed);
    if (!leaf.ok()) continue;
    ++parsed;
    ASSERT_FALSE(verify(*leaf, {}, {root_.certificate()}).ok()) << i;
  }
  EXPECT_GT(parsed, 50U);
}

TEST_F(Chain, BeforeAndAfterItsTime) {
  const Certificate leaf = root_.issue();
  const auto at = [&](Time time) { return verify(leaf, {}, {root_.certificate()}, time); };
  EXPECT_TRUE(at(leaf.facts().not_before).ok());
  EXPECT_TRUE(at(leaf.facts().not_after + seconds(-1)).ok());
  expect_refused(at(leaf.facts().not_before + seconds(-1)), Code::kExpired, "not yet valid");
  expect_refused(at(leaf.facts().not_after), Code::kExpired, "expired");
  expect_refused(at(leaf.facts().not_after + days(3650)), Code::kExpired, "expired");
}

TEST_F(Chain, ExpiredAuthority) {
  TestAuthority old(5, {.not_after = kNow + seconds(-1)});
  expect_refused(verify(old.issue(), {}, {old.certificate()}), Code::kExpired, "depth 1");
}

TEST_F(Chain, LeafThatIsAnAuthority) {
  expect_refused(verify(middle_.certificate(), {}, {root_.certificate()}), Code::kDenied, "authority");
}

TEST_F(Chain, LeafAmongTheAnchors) {
  const Certificate leaf = root_.issue();
  expect_refused(verify(leaf, {}, {leaf}), Code::kDenied, "");
  EXPECT_TRUE(verify(leaf, {leaf}, {root_.certificate()}).ok());
}

TEST_F(Chain, SignedByALeaf) {
  MemorySigner leaf_key(key_of_seed(1000));
  const Certificate leaf = root_.issue({.subject = common_name("leaf")});
  const Certificate below = value_of(sign_certificate(
      {{1},
       common_name("leaf"),
       empty_name(),
       kNow,
       kNow + hours(1),
       key_of_seed(1001).public_key(),
       {extension_leaf(), extension_leaf_key_usage(), extension_uri("spiffe://example.org/a", Critical::kYes),
        extension_authority_key_id(key_id_of(leaf_key.public_key()))}},
      leaf_key));
  expect_refused(verify(below, {leaf}, {root_.certificate()}), Code::kDenied, "");
  expect_refused(verify(below, {}, {leaf}), Code::kDenied, "");
}

TEST_F(Chain, PathLengthExceeded) {
  TestAuthority below(3, {.basic = extension_authority(0)}, &middle_);
  expect_refused(verify(below.issue(), {below.certificate(), middle_.certificate()}, {root_.certificate()}),
                 Code::kDenied, "path length");
}

TEST_F(Chain, AuthorityWithoutKeyCertSign) {
  TestAuthority weak(5, {.usage = usage_extension(0x02)});
  expect_refused(verify(weak.issue(), {}, {weak.certificate()}), Code::kDenied, "");
}

TEST_F(Chain, PurposeOfTheLeaf) {
  const auto verdict = [&](const std::vector<std::uint8_t>& uses, Purpose purpose) {
    return verify(root_.issue({.extended = extended_usage_extension(uses)}), {}, {root_.certificate()}, kNow, purpose)
        .ok();
  };
  using enum Purpose;
  for (const Purpose purpose : {kServer, kClient, kServerAndClient, kAny}) EXPECT_TRUE(verdict({1, 2}, purpose));
  EXPECT_TRUE(verdict({1}, kServer));
  EXPECT_TRUE(verdict({1}, kAny));
  EXPECT_FALSE(verdict({1}, kClient));
  EXPECT_FALSE(verdict({1}, kServerAndClient));
  EXPECT_TRUE(verdict({2}, kClient));
  EXPECT_FALSE(verdict({2}, kServer));
  EXPECT_FALSE(verdict({2}, kServerAndClient));
  EXPECT_FALSE(verdict({3}, kServer));
  EXPECT_TRUE(verify(root_.issue({.extended = {}}), {}, {root_.certificate()}).ok());
}

TEST_F(Chain, PurposeOfAnAuthority) {
  TestAuthority servers(5, {.more = extended_usage_extension({1})}, &root_);
  const auto verdict = [&](Purpose purpose) {
    return verify(servers.issue(), {servers.certificate()}, {root_.certificate()}, kNow, purpose).ok();
  };
  EXPECT_TRUE(verdict(Purpose::kServer));
  EXPECT_FALSE(verdict(Purpose::kClient));
  EXPECT_FALSE(verdict(Purpose::kServerAndClient));
}

TEST_F(Chain, UriOutsideTheNameConstraints) {
  TestAuthority bound(5, {.permitted_host = "example.org"});
  const auto verdict = [&](const std::string& uri) {
    return verify(bound.issue({.uri = uri}), {}, {bound.certificate()});
  };
  EXPECT_TRUE(verdict("spiffe://example.org/a").ok());
  expect_refused(verdict("spiffe://example.com/a"), Code::kDenied, "permitted subtree");
  expect_refused(verdict("spiffe://sub.example.org/a"), Code::kDenied, "permitted subtree");
  expect_refused(verdict("spiffe://example.org.evil.com/a"), Code::kDenied, "permitted subtree");
  expect_refused(verdict("spiffe://xexample.org/a"), Code::kDenied, "permitted subtree");
}

TEST_F(Chain, NameConstraintsReachThroughIntermediates) {
  TestAuthority bound(5, {.permitted_host = "example.org"});
  TestAuthority below(6, {}, &bound);
  const auto verdict = [&](const std::string& uri) {
    return verify(below.issue({.uri = uri}), {below.certificate()}, {bound.certificate()});
  };
  EXPECT_TRUE(verdict("spiffe://example.org/a").ok());
  expect_refused(verdict("spiffe://example.com/a"), Code::kDenied, "permitted subtree");
}

TEST_F(Chain, UnknownCriticalExtension) {
  expect_refused(verify(root_.issue({.more = raw_extension("2a0304", Critical::kYes, {})}), {}, {root_.certificate()}),
                 Code::kDenied, "critical");
  EXPECT_TRUE(
      verify(root_.issue({.more = raw_extension("2a0304", Critical::kNo, {})}), {}, {root_.certificate()}).ok());
}

TEST_F(Chain, LeafWithNameConstraints) {
  expect_refused(verify(root_.issue({.more = extension_permitted_uri_host("example.org")}), {}, {root_.certificate()}),
                 Code::kDenied, "name constraints");
}

TEST_F(Chain, MalformedNames) {
  const auto verdict = [&](std::uint8_t number, const std::string& name) {
    return verify(root_.issue({.names = names_extension({{kUri, "spiffe://example.org/a"}, {number, name}})}), {},
                  {root_.certificate()});
  };
  for (const char* name : {"a.example.org", "*.example.org", "a_b.example", "localhost"}) {
    EXPECT_TRUE(verdict(kDns, name).ok()) << name;
  }
  for (const char* name : {".example.org", "a..b", "a.b.", "*", "a.*.b", "a b", "\xc3\xa9.org", "*a.example.org"}) {
    expect_refused(verdict(kDns, name), Code::kDenied, "DNS name");
  }
  expect_refused(verdict(kDns, std::string("a\0b", 3)), Code::kDenied, "DNS name");
  expect_refused(verdict(kDns, std::string(64, 'a')), Code::kDenied, "DNS name");
  EXPECT_TRUE(verdict(kEmail, "a@example.org").ok());
  for (const char* name : {"a", "@b", "a@", "a@b@c", "a@*.b"})
    expect_refused(verdict(kEmail, name), Code::kDenied, "e-mail");
}

TEST_F(Chain, TooManyCertificates) {
  const Certificate leaf = root_.issue();
  const Certificate& anchor = root_.certificate();
  EXPECT_TRUE(verify(leaf, std::vector(kChainLengthMax, anchor), {anchor}).ok());
  expect_refused(verify(leaf, std::vector(kChainLengthMax + 1, anchor), {anchor}), Code::kInvalid, "too many");
  expect_refused(verify(leaf, {}, std::vector(kAnchorsMax + 1, anchor)), Code::kInvalid, "too many");
}

TEST_F(Chain, LeavesNoErrorBehind) {
  ERR_clear_error();
  ASSERT_FALSE(verify(root_.issue(), {}, {}).ok());
  ASSERT_FALSE(Certificate::parse(unhex("30030101ff")).ok());
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST_F(Chain, FromManyThreads) {
  const Certificate leaf = middle_.issue();
  std::vector<std::jthread> threads;
  std::atomic<int> verified{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 20; ++j)
        verified += verify(leaf, {middle_.certificate()}, {root_.certificate()}).ok() ? 1 : 0;
    });
  }
  threads.clear();
  EXPECT_EQ(verified, 80);
}

TEST(NamesHost, AlternativeNamesAlone) {
  TestAuthority authority(1);
  const Certificate leaf = authority.issue({.names = names_extension({{kDns, "a.example.org"},
                                                                      {kDns, "*.apps.example.org"},
                                                                      {kDns, "10.0.0.2"},
                                                                      {kIp, std::string("\x0a\0\0\1", 4)}}),
                                            .subject = common_name("common.example.org")});
  for (const char* host : {"a.example.org", "A.Example.Org", "x.apps.example.org", "10.0.0.1"}) {
    EXPECT_TRUE(names_host(leaf, host)) << host;
  }
  for (const char* host : {"", "example.org", "b.example.org", "common.example.org", "x.y.apps.example.org",
                           "apps.example.org", ".apps.example.org", "10.0.0.2", "10.0.0.3"}) {
    EXPECT_FALSE(names_host(leaf, host)) << host;
  }
  EXPECT_FALSE(names_host(leaf, std::string_view("a.example.org\0", 14)));
}

}  // namespace
}  // namespace cloister::crypto
