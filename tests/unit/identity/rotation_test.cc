#include "identity/rotation.h"

#include <gtest/gtest.h>

#include "crypto/certificate_writer.h"
#include "identity/authority_store.h"
#include "identity/software_signer.h"
#include "tests/support/local_key.h"
#include "tests/unit/identity/fixture.h"

namespace cloister::identity {
namespace {

using namespace testing;

class RotationTest : public ::testing::Test {
 protected:
  AuthorityRecord make(std::uint64_t seed, Time now, std::string_view name = "example.org") {
    Signers signers(seed);
    return value_of(make_authority(domain_of(name), {}, signers.both(), {}, now, realm_.random));
  }
  const AuthorityId& id(std::size_t i) { return realm_.rotation.records()[i].id; }
  std::vector<AuthorityState> states() {
    std::vector<AuthorityState> all;
    for (const AuthorityRecord& record : realm_.rotation.records()) all.push_back(record.state);
    return all;
  }

  Realm realm_;
  Rotation& rotation_ = realm_.rotation;
};

using enum AuthorityState;

TEST_F(RotationTest, BeginsWithOneThatSigns) {
  EXPECT_EQ(states(), std::vector{kActive});
  EXPECT_EQ(rotation_.sequence(), 1U);
  const Bundle bundle = rotation_.bundle();
  EXPECT_EQ(bundle.x509_authorities().size(), 1U);
  EXPECT_EQ(bundle.jwt_authorities().size(), 1U);
  EXPECT_EQ(bundle.sequence(), 1U);
  EXPECT_EQ(bundle.refresh_hint(), minutes(5));
  EXPECT_FALSE(rotation_.next_step(kNow));
}

TEST_F(RotationTest, GoesItsWay) {
  const X509Svid old_svid = realm_.issue("spiffe://example.org/a", kNow + hours(83));
  const Time half = kNow + minutes(-1) + Duration{(days(7).ms + minutes(1).ms) / 2};
  EXPECT_FALSE(rotation_.next_step(half + Duration{-1}));
  EXPECT_EQ(rotation_.next_step(half)->kind, RotationStepKind::kPublish);

  ASSERT_TRUE(rotation_.publish(make(11, half), half).ok());
  EXPECT_EQ(states(), (std::vector{kActive, kPublished}));
  EXPECT_EQ(rotation_.bundle().x509_authorities().size(), 2U);
  EXPECT_EQ(rotation_.sequence(), 2U);
  EXPECT_EQ(rotation_.active()->id, id(0));
  EXPECT_FALSE(rotation_.next_step(half + hours(24) + Duration{-1}));

  const Time turn = half + hours(24);
  EXPECT_EQ(rotation_.next_step(turn)->kind, RotationStepKind::kActivate);
  EXPECT_EQ(rotation_.next_step(turn)->id, id(1));
  ASSERT_TRUE(rotation_.activate(id(1), turn).ok());
  EXPECT_EQ(states(), (std::vector{kRetired, kActive}));
  EXPECT_EQ(rotation_.sequence(), 2U);
  EXPECT_TRUE(verify_x509_svid(old_svid, realm_.bundles(), kNow + hours(83)).ok());

  const Time empty = turn + hours(1) + minutes(1);
  EXPECT_FALSE(rotation_.next_step(empty + Duration{-1}));
  EXPECT_EQ(rotation_.next_step(empty)->kind, RotationStepKind::kDrop);
  ASSERT_TRUE(rotation_.drop(id(0), empty).ok());
  EXPECT_EQ(states(), std::vector{kActive});
  EXPECT_EQ(rotation_.sequence(), 3U);
  expect_refused(verify_x509_svid(old_svid, realm_.bundles(), kNow + hours(83)), Code::kDenied, "");
}

TEST_F(RotationTest, ActivatedTooEarly) {
  ASSERT_TRUE(rotation_.publish(make(11, kNow), kNow).ok());
  expect_refused(rotation_.activate(id(1), kNow + hours(24) + Duration{-1}), Code::kUnavailable, "may sign from");
  EXPECT_EQ(states(), (std::vector{kActive, kPublished}));
  EXPECT_TRUE(rotation_.activate(id(1), kNow + hours(24)).ok());
}

TEST_F(RotationTest, ActivatedInTheWrongState) {
  expect_refused(rotation_.activate(id(0), kNow), Code::kDenied, "waiting");
  expect_refused(rotation_.activate(AuthorityId{}, kNow), Code::kNotFound, "no authority");
}

TEST_F(RotationTest, ExpiredOneNeedNotBeWaitedFor) {
  const Time after = kNow + days(7);
  EXPECT_EQ(rotation_.next_step(after)->kind, RotationStepKind::kPublish);
  ASSERT_TRUE(rotation_.publish(make(11, after), after).ok());
  EXPECT_EQ(rotation_.next_step(after)->kind, RotationStepKind::kActivate);
  ASSERT_TRUE(rotation_.activate(id(1), after).ok());
  EXPECT_EQ(rotation_.next_step(after)->kind, RotationStepKind::kDrop);
  EXPECT_TRUE(rotation_.drop(id(0), after).ok());
}

TEST_F(RotationTest, DroppedTooEarly) {
  expect_refused(rotation_.drop(id(0), kNow), Code::kDenied, "retired");
  expect_refused(rotation_.drop(AuthorityId{}, kNow), Code::kNotFound, "no authority");
  ASSERT_TRUE(rotation_.publish(make(11, kNow), kNow).ok());
  ASSERT_TRUE(rotation_.activate(id(1), kNow + hours(24)).ok());
  expect_refused(rotation_.drop(id(0), kNow + hours(25)), Code::kUnavailable, "may be dropped from");
  EXPECT_TRUE(rotation_.drop(id(0), kNow + hours(25) + minutes(1)).ok());
}

TEST_F(RotationTest, TwoAtOnce) {
  ASSERT_TRUE(rotation_.publish(make(11, kNow), kNow).ok());
  expect_refused(rotation_.publish(make(12, kNow), kNow), Code::kExists, "waits");
}

TEST_F(RotationTest, SameKeyAgain) {
  expect_refused(rotation_.publish(make(10, kNow), kNow), Code::kExists, "key");
  AuthorityRecord mixed = make(11, kNow);
  mixed.jwt_key = rotation_.records()[0].jwt_key;
  expect_refused(rotation_.publish(mixed, kNow), Code::kExists, "key");
  mixed.jwt_key = value_of(rotation_.records()[0].certificate.public_key());
  expect_refused(rotation_.publish(mixed, kNow), Code::kExists, "key");
}

TEST_F(RotationTest, AuthorityThatDoesNotBelong) {
  expect_refused(rotation_.publish(make(11, kNow, "example.com"), kNow), Code::kInvalid, "isn't one of trust domain");
  AuthorityRecord record = make(11, kNow);
  record.jwt_key = key_of_seed(12, crypto::KeyType::kEcP384).public_key();
  expect_refused(rotation_.publish(record, kNow), Code::kInvalid, "P-256");
  record = make(11, kNow);
  record.jwt_key = value_of(record.certificate.public_key());
  expect_refused(rotation_.publish(record, kNow), Code::kInvalid, "different keys");
  record = make(11, kNow);
  record.signer = Bytes(kSignerReferenceMax + 1);
  expect_refused(rotation_.publish(record, kNow), Code::kInvalid, "too long");
  TestAuthority root(20);
  record = make(11, kNow);
  crypto::MemorySigner nameless(key_of_seed(21));
  record.certificate =
      value_of(crypto::sign_certificate({{1},
                                         crypto::common_name("x"),
                                         crypto::common_name("x"),
                                         kNow,
                                         kNow + days(7),
                                         nameless.public_key(),
                                         {crypto::extension_authority(0), crypto::extension_authority_key_usage(),
                                          crypto::extension_uri("spiffe://example.org", crypto::Critical::kNo)}},
                                        nameless));
  expect_refused(rotation_.publish(record, kNow), Code::kInvalid, "key identifier");
  record = make(11, kNow);
  record.certificate = root.issue();
  expect_refused(rotation_.publish(record, kNow), Code::kInvalid, "signing certificate");
  expect_refused(Rotation::begin(domain_of("example.com"), {}, make(11, kNow), kNow), Code::kInvalid, "isn't one of");
}

TEST_F(RotationTest, LeakedKeyOfTheActiveOne) {
  const X509Svid stolen = realm_.issue();
  ASSERT_TRUE(rotation_.publish(make(11, kNow), kNow).ok());
  ASSERT_TRUE(rotation_.distrust(id(0), kNow + minutes(1)).ok());
  EXPECT_EQ(states(), std::vector{kActive});
  EXPECT_EQ(rotation_.sequence(), 3U);
  EXPECT_EQ(rotation_.active()->changed_at, kNow + minutes(1));
  expect_refused(verify_x509_svid(stolen, realm_.bundles(), kNow), Code::kDenied, "");
}

TEST_F(RotationTest, LeakedKeyOfTheOnlyOne) {
  ASSERT_TRUE(rotation_.distrust(id(0), kNow).ok());
  EXPECT_EQ(rotation_.active(), nullptr);
  EXPECT_TRUE(rotation_.bundle().x509_authorities().empty());
  EXPECT_EQ(rotation_.next_step(kNow)->kind, RotationStepKind::kPublish);
  ASSERT_TRUE(rotation_.publish(make(11, kNow), kNow).ok());
  EXPECT_EQ(rotation_.next_step(kNow)->kind, RotationStepKind::kActivate);
  EXPECT_TRUE(rotation_.activate(id(0), kNow).ok());
  expect_refused(rotation_.distrust(AuthorityId{}, kNow), Code::kNotFound, "no authority");
}

TEST_F(RotationTest, LeakedKeyOfTheOneThatWaits) {
  ASSERT_TRUE(rotation_.publish(make(11, kNow), kNow).ok());
  ASSERT_TRUE(rotation_.distrust(id(1), kNow).ok());
  EXPECT_EQ(states(), std::vector{kActive});
}

TEST_F(RotationTest, ManyInARow) {
  Time now = kNow;
  for (std::uint64_t seed = 11; seed < 11 + kAuthoritiesMax; ++seed) {
    now = now + hours(24);
    const Status published = rotation_.publish(make(seed, now), now);
    if (rotation_.records().size() == kAuthoritiesMax && !published.ok()) break;
    ASSERT_TRUE(published.ok());
    ASSERT_TRUE(rotation_.distrust(id(0), now).ok());
  }
  EXPECT_EQ(rotation_.records().size(), 1U);
}

TEST_F(RotationTest, RestoredStateThatCannotBe) {
  const auto restore = [&](std::vector<AuthorityRecord> records, std::uint64_t sequence = 1) {
    return Rotation::restore(domain_of(), {}, sequence, std::move(records));
  };
  AuthorityRecord first = make(11, kNow), second = make(12, kNow);
  first.state = second.state = kActive;
  expect_refused(restore({first, second}), Code::kCorrupt, "fit together");
  first.state = second.state = kPublished;
  expect_refused(restore({first, second}), Code::kCorrupt, "fit together");
  second.state = kActive;
  EXPECT_TRUE(restore({first, second}).ok());
  EXPECT_TRUE(restore({}).ok());
  expect_refused(restore({first, second}, 0), Code::kCorrupt, "fit together");
  second.id = first.id;
  expect_refused(restore({first, second}), Code::kCorrupt, "fit together");
  expect_refused(restore({make(13, kNow, "example.com")}), Code::kCorrupt, "isn't one of");
}

class Stored : public RotationTest {
 protected:
  Stored() {
    CLOISTER_CHECK(rotation_.publish(make(11, kNow), kNow + minutes(1)).ok());
    bytes_ = value_of(serialize_rotation(rotation_, "acme", root_, realm_.random));
  }
  Result<Rotation> parse(ByteView bytes, std::string_view name = "example.org", const std::string& tenant = "acme") {
    return parse_rotation(bytes, domain_of(name), tenant, {}, root_);
  }
  LocalKey root_{9, realm_.random};
  Bytes bytes_;
};

TEST_F(Stored, ReadsWhatItWrites) {
  const Rotation again = value_of(parse(bytes_));
  EXPECT_EQ(again.sequence(), 2U);
  ASSERT_EQ(again.records().size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const AuthorityRecord& was = rotation_.records()[i];
    const AuthorityRecord& is = again.records()[i];
    EXPECT_EQ(is.id, was.id);
    EXPECT_EQ(is.state, was.state);
    EXPECT_EQ(is.certificate, was.certificate);
    EXPECT_EQ(is.jwt_key, was.jwt_key);
    EXPECT_EQ(is.published_at, was.published_at);
    EXPECT_EQ(is.changed_at, was.changed_at);
  }
  EXPECT_EQ(again.bundle(), rotation_.bundle());
}

TEST_F(Stored, EveryChangedByte) {
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    Bytes changed = bytes_;
    changed[i] ^= 1;
    ASSERT_FALSE(parse(changed).ok()) << i;
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{8}, std::size_t{31}, std::size_t{40}, bytes_.size() - 1}) {
    EXPECT_FALSE(parse(ByteView(bytes_).first(size)).ok()) << size;
  }
  Bytes longer = bytes_;
  longer.push_back(0);
  EXPECT_FALSE(parse(longer).ok());
}

TEST_F(Stored, OfAnotherTrustDomainOrTenant) {
  expect_refused(parse(bytes_, "example.com"), Code::kCorrupt, "not of example.com");
  expect_refused(parse(bytes_, "example.org", "umbrella"), Code::kCorrupt, "authorities of");
}

// Of an authority whose signers are in software: what a home stores.
class StoredWithSigners : public ::testing::Test {
 protected:
  StoredWithSigners() {
    auto x509 = value_of(SoftwareSigner::create(context_, root_, random_));
    auto jwt = value_of(SoftwareSigner::create(context_, root_, random_));
    auto record = value_of(make_authority(domain_of(), {}, {&x509.signer, &jwt.signer},
                                          serialize_signers({x509.stored, jwt.stored}), kNow, random_));
    const auto begun = value_of(Rotation::begin(domain_of(), {}, std::move(record), kNow));
    bytes_ = value_of(serialize_rotation(begun, "acme", root_, random_));
  }
  crypto::SystemRandom random_;
  LocalKey root_{9, random_}, other_{10, random_};
  const SignerContext context_{"acme", domain_of()};
  Bytes bytes_;
};

TEST_F(StoredWithSigners, UnderAnotherRootTheyAreTheSame) {
  EXPECT_EQ(value_of(rotation_roots(bytes_)), std::vector<std::string>{"local-9"});
  const Bytes moved = value_of(rewrap_rotation(bytes_, root_, other_, random_));
  EXPECT_EQ(value_of(rotation_roots(moved)), std::vector<std::string>{"local-10"});
  expect_refused(parse_rotation(moved, domain_of(), "acme", {}, root_), Code::kNotFound, "");
  const Rotation was = value_of(parse_rotation(bytes_, domain_of(), "acme", {}, root_));
  const Rotation is = value_of(parse_rotation(moved, domain_of(), "acme", {}, other_));
  EXPECT_EQ(is.bundle(), was.bundle());
  EXPECT_EQ(is.sequence(), was.sequence());
  const WrappedSigners signers = value_of(parse_signers(is.records().front().signer));
  EXPECT_TRUE(SoftwareSigner::open(signers.x509, context_, other_).ok());
  EXPECT_TRUE(SoftwareSigner::open(signers.jwt, context_, other_).ok());
}

TEST_F(StoredWithSigners, NeitherRootIsThere) {
  FailingKey away(Error(Code::kUnavailable, "the token is away"));
  expect_refused(rewrap_rotation(bytes_, away, other_, random_), Code::kUnavailable, "away");
  expect_refused(rewrap_rotation(bytes_, root_, away, random_), Code::kUnavailable, "away");
  expect_refused(rewrap_rotation(bytes_, other_, root_, random_), Code::kNotFound, "");
}

TEST_F(StoredWithSigners, ChangedByteBeforeAMove) {
  for (std::size_t i = 0; i < bytes_.size(); i += 7) {
    Bytes changed = bytes_;
    changed[i] ^= 1;
    ASSERT_FALSE(rewrap_rotation(changed, root_, other_, random_).ok()) << i;
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{31}, bytes_.size() - 1}) {
    EXPECT_FALSE(rewrap_rotation(ByteView(bytes_).first(size), root_, other_, random_).ok()) << size;
    EXPECT_FALSE(rotation_roots(ByteView(bytes_).first(size)).ok()) << size;
  }
}

TEST_F(Stored, UnderAnotherRoot) {
  LocalKey other(10, realm_.random);
  expect_refused(parse_rotation(bytes_, domain_of(), "acme", {}, other), Code::kNotFound, "");
  FailingKey away(Error(Code::kUnavailable, "the token is away"));
  expect_refused(parse_rotation(bytes_, domain_of(), "acme", {}, away), Code::kUnavailable, "away");
  expect_refused(serialize_rotation(rotation_, "acme", away, realm_.random), Code::kUnavailable, "away");
}

}  // namespace
}  // namespace cloister::identity
