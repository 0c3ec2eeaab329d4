#include "identity/authority.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "crypto/certificate_writer.h"
#include "crypto/der.h"
#include "crypto/jws.h"
#include "identity/jwt_svid.h"
#include "tests/unit/identity/fixture.h"

namespace cloister::identity {
namespace {

using namespace testing;
using crypto::Critical;
using crypto::KeyType;

const crypto::PublicKey& worker_key() {
  static const crypto::PublicKey key = key_of_seed(1000).public_key();
  return key;
}

TEST(Authority, IssuesWhatVerifies) {
  Realm realm;
  const X509Svid svid = realm.issue();
  ASSERT_EQ(svid.chain().size(), 1U);
  const VerifiedSvid peer = value_of(verify_x509_svid(svid, realm.bundles(), kNow));
  EXPECT_EQ(peer.id, id_of());
  EXPECT_EQ(peer.not_after, kNow + hours(1));
  const crypto::CertificateFacts& facts = svid.leaf().facts();
  EXPECT_EQ(facts.not_before, kNow + minutes(-1));
  EXPECT_EQ(facts.not_after, kNow + hours(1));
  EXPECT_EQ(facts.serial.size(), 16U);
  EXPECT_EQ(facts.serial[0] & 0xC0, 0x40);
  EXPECT_FALSE(facts.has_subject);
  EXPECT_TRUE(facts.names_critical);
  EXPECT_EQ(value_of(svid.leaf().public_key()), worker_key());
  EXPECT_FALSE(realm.issue().leaf().facts().serial == facts.serial);
}

TEST(Authority, CertificateOfItsOwn) {
  Realm realm;
  const crypto::CertificateFacts& facts = realm.authority().certificate().facts();
  EXPECT_TRUE(facts.is_authority && facts.has_name_constraints);
  EXPECT_EQ(facts.names.uris, (std::vector<std::string>{"spiffe://example.org"}));
  EXPECT_EQ(facts.subject, facts.issuer);
  EXPECT_EQ(facts.not_before, kNow + minutes(-1));
  EXPECT_EQ(facts.not_after, kNow + days(7));
  EXPECT_TRUE(check_signing_certificate(realm.authority().certificate(), Conformance::kStrict).ok());
}

TEST(Authority, WithoutNameConstraintsWhenTheRulesSaySo) {
  AuthorityRules rules;
  rules.name_constraints = NameConstraints::kNone;
  Realm realm("example.org", 10, rules);
  EXPECT_FALSE(realm.authority().certificate().facts().has_name_constraints);
  EXPECT_TRUE(verify_x509_svid(realm.issue(), realm.bundles(), kNow).ok());
}

TEST(Authority, EveryKindOfWorkloadKey) {
  Realm realm;
  for (const KeyType type : {KeyType::kEcP256, KeyType::kEcP384, KeyType::kEd25519}) {
    const auto svid = realm.authority().issue_x509_svid(id_of(), key_of_seed(3, type).public_key(), kNow, realm.random);
    EXPECT_TRUE(verify_x509_svid(value_of(svid), realm.bundles(), kNow).ok());
  }
}

TEST(Authority, AnotherIdThanItMaySpeakFor) {
  Realm realm;
  const Authority authority = realm.authority();
  const auto refused = [&](std::string_view uri, std::string_view word) {
    expect_refused(authority.issue_x509_svid(id_of(uri), worker_key(), kNow, realm.random), Code::kDenied, word);
    expect_refused(authority.issue_jwt_svid(id_of(uri), {"a"}, kNow), Code::kDenied, word);
  };
  refused("spiffe://example.com/worker", "doesn't speak for");
  refused("spiffe://sub.example.org/worker", "doesn't speak for");
  refused("spiffe://example.org", "names a trust domain");
}

TEST(Authority, ItsOwnKey) {
  Realm realm;
  for (const crypto::Signer* signer : {&realm.signers.x509, &realm.signers.jwt}) {
    expect_refused(realm.authority().issue_x509_svid(id_of(), signer->public_key(), kNow, realm.random), Code::kDenied,
                   "own key");
  }
}

TEST(Authority, SvidNeverOutlivesIt) {
  Realm realm;
  const Time late = kNow + days(7) + minutes(-10);
  EXPECT_EQ(realm.issue("spiffe://example.org/worker", late).leaf().facts().not_after, kNow + days(7));
  const auto token = value_of(realm.authority().issue_jwt_svid(id_of(), {"a"}, kNow + days(7) + seconds(-10)));
  EXPECT_EQ(value_of(verify_jwt_svid(token, realm.bundles(), {"a", kNow + days(7) + seconds(-5), {}})).expires,
            kNow + days(7));
  for (const Time time : {kNow + days(7), kNow + minutes(-2)}) {
    expect_refused(realm.authority().issue_x509_svid(id_of(), worker_key(), time, realm.random), Code::kExpired,
                   "valid from");
    expect_refused(realm.authority().issue_jwt_svid(id_of(), {"a"}, time), Code::kExpired, "valid from");
  }
}

TEST(Authority, ShorterLifeWhereItIsAskedForAndNeverLonger) {
  Realm realm;
  const auto ends = [&](Duration lifetime) {
    return value_of(realm.authority().issue_x509_svid(id_of(), worker_key(), kNow, realm.random, lifetime))
        .leaf()
        .facts()
        .not_after;
  };
  EXPECT_EQ(ends(minutes(10)), kNow + minutes(10));
  EXPECT_EQ(ends(days(1)), kNow + hours(1));
  const auto expires = [&](Duration lifetime) {
    const auto token = value_of(realm.authority().issue_jwt_svid(id_of(), {"a"}, kNow, lifetime));
    return value_of(verify_jwt_svid(token, realm.bundles(), {"a", kNow, {}})).expires;
  };
  EXPECT_EQ(expires(seconds(30)), kNow + seconds(30));
  EXPECT_EQ(expires(hours(1)), kNow + minutes(5));
}

TEST(Authority, FromARequest) {
  Realm realm;
  crypto::MemorySigner worker(key_of_seed(1000));
  for (const std::string_view uri : {"", "spiffe://example.org/worker", "SPIFFE://Example.org/worker"}) {
    const auto request =
        value_of(crypto::CertificateRequest::parse(value_of(crypto::write_certificate_request(uri, worker))));
    const auto svid = realm.authority().issue_x509_svid(id_of(), request, kNow, realm.random);
    EXPECT_EQ(value_of(value_of(svid).leaf().public_key()), worker_key());
    EXPECT_EQ(svid->id(), id_of());
  }
  for (const std::string_view uri : {"spiffe://example.org/other", "spiffe://example.com/worker", "https://example.org",
                                     "spiffe://example.org/worker/"}) {
    const auto request =
        value_of(crypto::CertificateRequest::parse(value_of(crypto::write_certificate_request(uri, worker))));
    expect_refused(realm.authority().issue_x509_svid(id_of(), request, kNow, realm.random), Code::kDenied,
                   "another id");
  }
}

// A request whose alternative names hold more than a URI, as openssl would write it.
Bytes request_for(const std::vector<std::pair<std::uint8_t, std::string>>& names) {
  namespace der = crypto::der;
  using crypto::der_element;
  static constexpr std::uint8_t kExtensionRequest[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x0E};
  const crypto::PrivateKey key = key_of_seed(1000);
  const Bytes attribute =
      der_element(der::kSequence, {crypto::der_oid(kExtensionRequest),
                                   der_element(der::kSet, {der_element(der::kSequence, {names_extension(names)})})});
  const Bytes body =
      der_element(der::kSequence, {crypto::der_small_integer(0), crypto::empty_name(), key.public_key().spki(),
                                   der_element(der::constructed(0), {attribute})});
  return der_element(der::kSequence,
                     {body, crypto::signature_algorithm_identifier(crypto::SignatureAlgorithm::kEcdsaSha256),
                      crypto::der_bit_string(key.sign(body))});
}

TEST(Authority, RequestForMoreThanOneUri) {
  Realm realm;
  const std::string uri = "spiffe://example.org/worker";
  EXPECT_TRUE(realm.authority()
                  .issue_x509_svid(id_of(), value_of(crypto::CertificateRequest::parse(request_for({{6, uri}}))), kNow,
                                   realm.random)
                  .ok());
  for (const std::vector<std::pair<std::uint8_t, std::string>>& names :
       {std::vector<std::pair<std::uint8_t, std::string>>{{6, uri}, {2, "a.example.org"}},
        {{6, uri}, {6, uri}},
        {{6, uri}, {1, "a@b"}},
        {{6, uri}, {7, "\x7f\1\1\1"}},
        {{6, uri}, {8, "*"}}}) {
    const auto request = value_of(crypto::CertificateRequest::parse(request_for(names)));
    expect_refused(realm.authority().issue_x509_svid(id_of(), request, kNow, realm.random), Code::kDenied,
                   "names besides");
  }
}

TEST(Authority, TokensThatVerify) {
  Realm realm;
  const std::string token =
      value_of(realm.authority().issue_jwt_svid(id_of(), {"reports", "spiffe://example.org/b"}, kNow));
  const JwtSvid svid = value_of(verify_jwt_svid(token, realm.bundles(), {"reports", kNow, {}}));
  EXPECT_EQ(svid.id, id_of());
  EXPECT_EQ(svid.expires, kNow + minutes(5));
  EXPECT_EQ(svid.claims.serialize(),
            "{\"aud\":[\"reports\",\"spiffe://example.org/b\"],\"exp\":1795526889,\"iat\":1795526589,"
            "\"sub\":\"spiffe://example.org/worker\"}");
  EXPECT_EQ(value_of(crypto::Jws::parse(token)).header().key_id, realm.rotation.active()->jwt_key_id());
  expect_refused(verify_jwt_svid(token, realm.bundles(), {"reports", kNow + minutes(5), {}}), Code::kExpired,
                 "expired");
}

TEST(Authority, AudienceThatIsNone) {
  Realm realm;
  const auto refused = [&](const std::vector<std::string>& audience) {
    expect_refused(realm.authority().issue_jwt_svid(id_of(), audience, kNow), Code::kInvalid, "audiences");
  };
  refused({});
  refused({""});
  refused({"a", ""});
  refused({std::string(513, 'a')});
  refused({"a\n"});
  refused({"\xff"});
  refused(std::vector<std::string>(17, "a"));
}

TEST(Authority, NotOpenedWithOtherKeys) {
  Realm realm;
  Signers other(11);
  expect_refused(Authority::open(realm.rotation, other.both()), Code::kDenied, "aren't those");
  expect_refused(Authority::open(realm.rotation, {&realm.signers.x509, &other.jwt}), Code::kDenied, "aren't those");
  expect_refused(Authority::open(realm.rotation, {&realm.signers.jwt, &realm.signers.x509}), Code::kDenied,
                 "aren't those");
}

TEST(Authority, NextOneDoesNotSignBeforeItsTurn) {
  Realm realm;
  Signers next(11);
  ASSERT_TRUE(
      realm.rotation.publish(value_of(make_authority(domain_of(), {}, next.both(), {}, kNow, realm.random)), kNow)
          .ok());
  expect_refused(Authority::open(realm.rotation, next.both()), Code::kDenied, "aren't those");
  ASSERT_TRUE(realm.rotation.activate(realm.rotation.records()[1].id, kNow + hours(24)).ok());
  EXPECT_TRUE(Authority::open(realm.rotation, next.both()).ok());
  expect_refused(Authority::open(realm.rotation, realm.signers.both()), Code::kDenied, "aren't those");
}

TEST(Authority, NobodyIsActive) {
  Realm realm;
  ASSERT_TRUE(realm.rotation.distrust(realm.rotation.active()->id, kNow).ok());
  expect_refused(Authority::open(realm.rotation, realm.signers.both()), Code::kNotFound, "no active authority");
}

TEST(MakeAuthority, KeysOfTheWrongKind) {
  DeterministicRandom random(1);
  crypto::MemorySigner p256(key_of_seed(1));
  crypto::MemorySigner p384(key_of_seed(1, KeyType::kEcP384));
  crypto::MemorySigner edwards(key_of_seed(1, KeyType::kEd25519));
  const auto make = [&](crypto::Signer& x509, crypto::Signer& jwt) {
    return make_authority(domain_of(), {}, {&x509, &jwt}, {}, kNow, random);
  };
  EXPECT_TRUE(make(p384, p256).ok());
  expect_refused(make(edwards, p256), Code::kInvalid, "P-256 or P-384");
  expect_refused(make(p256, p384), Code::kInvalid, "P-256");
  expect_refused(make(p256, edwards), Code::kInvalid, "P-256");
  expect_refused(make(p256, p256), Code::kInvalid, "different keys");
}

TEST(MakeAuthority, TrustDomainThatNoConstraintHolds) {
  DeterministicRandom random(1);
  Signers signers(10);
  AuthorityRules unbound;
  unbound.name_constraints = NameConstraints::kNone;
  for (const std::string& name :
       std::vector<std::string>{"10.0.0.1", "1", "a..b", ".a", "a.", std::string(64, 'a') + ".org"}) {
    expect_refused(make_authority(domain_of(name), {}, signers.both(), {}, kNow, random), Code::kUnsupported,
                   "trust domain");
    EXPECT_TRUE(make_authority(domain_of(name), unbound, signers.both(), {}, kNow, random).ok()) << name;
  }
  for (const std::string& name : std::vector<std::string>{"a", "a_b.c-d", "1a.2", std::string(63, 'a')}) {
    EXPECT_TRUE(make_authority(domain_of(name), {}, signers.both(), {}, kNow, random).ok()) << name;
  }
}

TEST(AuthorityRules, ThatCannotWork) {
  EXPECT_TRUE(check_rules({}).ok());
  const auto refused = [](auto change) {
    AuthorityRules rules;
    change(rules);
    EXPECT_EQ(check_rules(rules).error().code(), Code::kInvalid);
    DeterministicRandom random(1);
    Signers signers(10);
    EXPECT_FALSE(make_authority(domain_of(), rules, signers.both(), {}, kNow, random).ok());
  };
  refused([](auto& r) { r.authority_lifetime = {}; });
  refused([](auto& r) { r.authority_lifetime = days(367); });
  refused([](auto& r) { r.x509_svid_lifetime = {}; });
  refused([](auto& r) { r.x509_svid_lifetime = hours(25); });
  refused([](auto& r) { r.jwt_svid_lifetime = {}; });
  refused([](auto& r) { r.jwt_svid_lifetime = minutes(61); });
  refused([](auto& r) { r.backdating = {}; });
  refused([](auto& r) { r.backdating = minutes(11); });
  refused([](auto& r) { r.refresh_hint = {}; });
  refused([](auto& r) { r.refresh_hint = days(2); });
  refused([](auto& r) { r.propagation = minutes(9); });
  refused([](auto& r) { r.propagation = days(4); });
  refused([](auto& r) { r.authority_lifetime = days(2); });
}

TEST(Authority, SameInputSameBytes) {
  // Pinned, so that a change of what is issued is seen: docs/formats/identity.md, ID-5 to ID-13.
  Realm realm;
  const X509Svid svid = realm.issue();
  EXPECT_EQ(svid.leaf().der(), Realm().issue().leaf().der());
  const std::string hex = to_hex(svid.leaf().der());
  for (const char* part : {
           "300c0603551d130101ff04023000",
           "300e0603551d0f0101ff040403020780",
           "301d0603551d250416301406082b0601050507030106082b06010505070302",
           "301f0603551d23041830168014",
           "301d0603551d0e04160414",
           "30290603551d110101ff041f301d861b7370696666653a2f2f6578616d706c652e6f72672f776f726b6572",
       }) {
    EXPECT_NE(hex.find(part), std::string::npos) << part;
  }
  const std::string authority = to_hex(realm.authority().certificate().der());
  for (const char* part : {
           "30120603551d130101ff040830060101ff020100",
           "300e0603551d0f0101ff040403020106",
           "301d0603551d0e04160414",
           "301f0603551d1104183016861473706966"
           "66653a2f2f6578616d706c652e6f7267",
           "301d0603551d1e0101ff04133011a00f300d860b6578616d706c652e6f7267",
       }) {
    EXPECT_NE(authority.find(part), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace cloister::identity
