#include "service/issuer.h"

#include <gtest/gtest.h>

#include "crypto/certificate_request.h"
#include "service/authentic_settings.h"
#include "service/own_identity.h"
#include "tests/support/expect.h"
#include "tests/unit/keys/home.h"

namespace cloister::service {
namespace {

using keys::expect_ok;
using keys::Home;
using keys::kStart;
using testing::expect_refused;
using testing::value_of;

IssuerOptions options() { return {value_of(identity::TrustDomain::parse("acme.example")), {}}; }
identity::SpiffeId own_id() { return value_of(identity::SpiffeId::parse("spiffe://acme.example/cloister/keys")); }

std::unique_ptr<Issuer> open(Home& home, Duration later = {}) {
  return value_of(Issuer::open(home.keys->store(), *home.root, home.random, options(), home.caller(later)));
}

std::size_t count(Home& home, std::string_view action) {
  std::size_t found = 0;
  for (const audit::Row& row : home.audit_rows()) found += row.event.action == action ? 1 : 0;
  return found;
}

TEST(Issuer, MadeOnceUsedByAll) {
  Home home;
  const auto first = open(home);
  const auto second = open(home);
  EXPECT_EQ(first->current()->bundle(), second->current()->bundle());
  EXPECT_NE(first->current()->authority(), nullptr);
  EXPECT_EQ(count(home, "identity.begin"), 1U);
}

TEST(Issuer, RotatesWithoutAGapAndOnce) {
  Home home;
  const auto one = open(home), other = open(home);
  const auto before = one->current();
  const Duration half = hours(84);  // of seven days
  for (Issuer* issuer : {one.get(), other.get(), one.get()}) {
    expect_ok(issuer->refresh(home.keys->store(), home.caller(half)));
  }
  EXPECT_EQ(count(home, "identity.publish"), 1U);
  EXPECT_EQ(one->current()->bundle().x509_authorities().size(), 2U);
  EXPECT_EQ(one->current()->authority()->certificate(), before->authority()->certificate());

  const Duration propagated{half.ms + hours(24).ms};
  expect_ok(other->refresh(home.keys->store(), home.caller(propagated)));
  expect_ok(one->refresh(home.keys->store(), home.caller(propagated)));
  EXPECT_EQ(count(home, "identity.activate"), 1U);
  EXPECT_NE(one->current()->authority()->certificate(), before->authority()->certificate());
  EXPECT_EQ(one->current()->bundle().x509_authorities().size(), 2U);

  expect_ok(one->refresh(home.keys->store(), home.caller(Duration{propagated.ms + hours(2).ms})));
  EXPECT_EQ(count(home, "identity.drop"), 1U);
  EXPECT_EQ(one->current()->bundle().x509_authorities().size(), 1U);
}

TEST(Issuer, AsleepForMonths) {
  Home home;
  open(home);
  const auto later = open(home, days(90));
  ASSERT_NE(later->current()->authority(), nullptr);
  EXPECT_TRUE(
      later->current()
          ->authority()
          ->issue_x509_svid(own_id(),
                            value_of(crypto::PrivateKey::generate(crypto::KeyType::kEcP256, home.random)).public_key(),
                            kStart + days(90), home.random)
          .ok());
}

TEST(Issuer, AnotherServerIsFasterInTheMiddleOfAStep) {
  Home home;
  keys::HookedRoot hooked(*home.root);
  const auto slow = value_of(Issuer::open(home.keys->store(), hooked, home.random, options(), home.caller()));
  const auto fast = open(home);
  hooked.hook = [&] { expect_ok(fast->refresh(home.keys->store(), home.caller(hours(84)))); };
  expect_ok(slow->refresh(home.keys->store(), home.caller(hours(84))));
  EXPECT_EQ(count(home, "identity.publish"), 1U);
  EXPECT_EQ(slow->current()->bundle(), fast->current()->bundle());
}

TEST(Issuer, StoredAuthoritiesChangedOrGone) {
  Home home;
  const auto issuer = open(home);
  const std::string good = value_of(home.keys->store().setting("identity_authorities"));
  const auto before = issuer->current();
  home.sql("UPDATE settings SET value = 'AAAA' || substr(value, 5) WHERE name = 'identity_authorities'");
  expect_refused(issuer->refresh(home.keys->store(), home.caller()), Code::kCorrupt, "authorities");
  EXPECT_EQ(issuer->current(), before);
  home.sql("DELETE FROM settings WHERE name = 'identity_authorities'");
  expect_refused(issuer->refresh(home.keys->store(), home.caller()), Code::kCorrupt, "gone");
}

TEST(Issuer, OlderAuthoritiesPutBack) {
  Home home;
  const auto issuer = open(home);
  const std::string old = value_of(home.keys->store().setting("identity_authorities"));
  expect_ok(issuer->refresh(home.keys->store(), home.caller(hours(84))));
  home.sql("UPDATE settings SET value = '" + old + "' WHERE name = 'identity_authorities'");
  expect_refused(issuer->refresh(home.keys->store(), home.caller(hours(84))), Code::kCorrupt, "older than they were");
}

TEST(Issuer, AnotherTrustDomain) {
  Home home;
  open(home);
  IssuerOptions other{value_of(identity::TrustDomain::parse("rival.example")), {}};
  expect_refused(Issuer::open(home.keys->store(), *home.root, home.random, other, home.caller()), Code::kCorrupt,
                 "acme.example");
}

TEST(Issuer, RulesThatCannotWork) {
  Home home;
  IssuerOptions wrong = options();
  wrong.rules.authority_lifetime = minutes(10);
  expect_refused(Issuer::open(home.keys->store(), *home.root, home.random, wrong, home.caller()), Code::kInvalid, "");
}

TEST(OwnIdentity, RenewedBeforeHalfOfItsLife) {
  Home home;
  const auto issuer = open(home);
  const auto own = value_of(OwnIdentity::create(*issuer, own_id(), home.keys->store(), home.random, home.caller()));
  const auto first = own->source()->current();
  EXPECT_EQ(first->svid().id(), own_id());
  expect_ok(own->refresh(*issuer, home.keys->store(), home.caller(minutes(20))));
  EXPECT_EQ(own->source()->current(), first);
  expect_ok(own->refresh(*issuer, home.keys->store(), home.caller(minutes(30))));
  EXPECT_NE(own->source()->current(), first);
  EXPECT_EQ(count(home, "identity.issue"), 2U);
}

TEST(OwnIdentity, FollowsTheBundle) {
  Home home;
  const auto issuer = open(home);
  const auto own =
      value_of(OwnIdentity::create(*issuer, own_id(), home.keys->store(), home.random, home.caller(hours(84))));
  expect_ok(issuer->refresh(home.keys->store(), home.caller(hours(84))));
  expect_ok(own->refresh(*issuer, home.keys->store(), home.caller(hours(84))));
  const auto* bundle = own->source()->current()->bundles().find(issuer->trust_domain());
  ASSERT_NE(bundle, nullptr);
  EXPECT_EQ(bundle->x509_authorities().size(), 2U);
}

TEST(OwnIdentity, KeepsTheOldOneWhenTheStoreFails) {
  Home home;
  const auto issuer = open(home);
  const auto own = value_of(OwnIdentity::create(*issuer, own_id(), home.keys->store(), home.random, home.caller()));
  const auto first = own->source()->current();
  home.sql("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END");
  EXPECT_FALSE(own->refresh(*issuer, home.keys->store(), home.caller(minutes(30))).ok());
  EXPECT_EQ(own->source()->current(), first);
  home.sql("DROP TRIGGER full");
  expect_ok(own->refresh(*issuer, home.keys->store(), home.caller(minutes(31))));
  EXPECT_NE(own->source()->current(), first);
}

AuthenticSettings settings_of(Home& home) {
  return value_of(AuthenticSettings::open(home.keys->store(), *home.root, home.random, home.caller()));
}

Status put(Home& home, const AuthenticSettings& settings, std::string_view name, std::string_view value) {
  const audit::Event event{kStart, "test", "test.put", "", "", audit::Outcome::kAllowed, ""};
  return home.keys->store().change(event,
                                   [&](keys::Store::Change& change) { return settings.put(change, name, value); });
}

TEST(AuthenticSettings, OneKeyForAllServers) {
  Home home;
  const AuthenticSettings one = settings_of(home), other = settings_of(home);
  expect_ok(put(home, one, "service_test", "a value\nof two lines"));
  EXPECT_EQ(value_of(other.read(home.keys->store(), "service_test")), "a value\nof two lines");
  expect_refused(one.read(home.keys->store(), "service_none"), Code::kNotFound, "service_none");
}

TEST(AuthenticSettings, WrittenByAnIntruder) {
  Home home;
  const AuthenticSettings settings = settings_of(home);
  expect_ok(put(home, settings, "service_a", "yes"));
  expect_ok(put(home, settings, "service_b", "no"));
  home.sql(
      "UPDATE settings SET value = (SELECT value FROM settings WHERE name = 'service_a') WHERE name = 'service_b'");
  expect_refused(settings.read(home.keys->store(), "service_b"), Code::kCorrupt, "wasn't written by this service");
  for (const char* value : {"", "yes", "0000000000000000000000000000000000000000000000000000000000000000\nyes"}) {
    home.sql(std::string("UPDATE settings SET value = '") + value + "' WHERE name = 'service_a'");
    expect_refused(settings.read(home.keys->store(), "service_a"), Code::kCorrupt, "service_a");
  }
}

TEST(AuthenticSettings, KeyOfAnotherHome) {
  Home home, other;
  settings_of(other);
  const std::string foreign = value_of(other.keys->store().setting("service_key"));
  settings_of(home);
  home.sql("UPDATE settings SET value = '" + foreign + "' WHERE name = 'service_key'");
  EXPECT_FALSE(AuthenticSettings::open(home.keys->store(), *home.root, home.random, home.caller()).ok());
  home.sql("UPDATE settings SET value = 'zz' WHERE name = 'service_key'");
  EXPECT_FALSE(AuthenticSettings::open(home.keys->store(), *home.root, home.random, home.caller()).ok());
}

}  // namespace
}  // namespace cloister::service
