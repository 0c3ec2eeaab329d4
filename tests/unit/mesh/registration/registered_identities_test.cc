// Callers and what they are given, by a real authority and the entries of a test.
#include "mesh/registration/registered_identities.h"

#include <gtest/gtest.h>

#include "identity/jwt_svid.h"
#include "tests/unit/identity/fixture.h"

namespace cloister::mesh {
namespace {

using identity::domain_of;
using identity::id_of;
using identity::Realm;
using testing::expect_refused;
using testing::kNow;
using testing::value_of;

class TestAuthority final : public IssuingAuthority {
 public:
  explicit TestAuthority(Realm& realm) : realm_(realm) {
    trust_ = std::make_shared<const TrustView>(TrustView{domain_of(), realm.bundles()});
  }

  Result<identity::X509Svid> issue_x509(const IssueOrder& order, const crypto::PublicKey& key) override {
    if (failure) return *failure;
    ++issued;
    return realm_.authority().issue_x509_svid(order.entry.spiffe_id, key, order.now, realm_.random,
                                              order.entry.x509_ttl);
  }
  Result<std::string> issue_jwt(const IssueOrder& order, const std::vector<std::string>& audience) override {
    return realm_.authority().issue_jwt_svid(order.entry.spiffe_id, audience, order.now, order.entry.jwt_ttl);
  }
  Status check_id(const identity::SpiffeId& id, Time) override {
    return denied && *denied == id ? Status(Error(Code::kDenied, "denied")) : Status();
  }
  std::shared_ptr<const TrustView> trust() override { return trust_; }

  void set_bundles(identity::BundleSet bundles) {
    trust_ = std::make_shared<const TrustView>(TrustView{domain_of(), std::move(bundles)});
  }

  int issued = 0;
  std::optional<Error> failure;
  std::optional<identity::SpiffeId> denied;

 private:
  Realm& realm_;
  std::shared_ptr<const TrustView> trust_;
};

RegistrationEntry entry(int age, const std::string& uri, std::initializer_list<std::string> selectors) {
  RegistrationEntry made{{}, id_of(uri), {}, {}, {}, {}, {}, {}, {}};
  for (const std::string& one : selectors) made.selectors.push_back(value_of(parse_selector(one)));
  CLOISTER_CHECK(check_entry(made).ok());
  made.created = Time{age};
  return made;
}

// A caller is its uid; process 1 runs /usr/bin/vllm, the others nothing in particular.
class RegisteredIdentitiesTest : public ::testing::Test {
 protected:
  RegisteredIdentitiesTest()
      : identities_({[](const net::UnixPeer& caller, AttestWith) -> Result<Attested> {
                       if (caller.pid == 404) return Error(Code::kDenied, "the calling process has ended");
                       Attested attested{caller.pid, caller.uid, caller.gid, {}, {}};
                       attested.selectors.insert({"unix", "uid:" + std::to_string(caller.uid)});
                       if (caller.pid == 1) attested.selectors.insert({"unix", "path:/usr/bin/vllm"});
                       return attested;
                     },
                     authority_, realm_.random, [this] { return now_; }}) {}

  Result<std::shared_ptr<const WorkloadState>> state(uid_t uid, pid_t pid = 1) {
    return identities_.state_of({pid, uid, uid, nullptr});
  }

  Time now_ = kNow;
  Realm realm_;
  TestAuthority authority_{realm_};
  RegisteredIdentities identities_;
};

TEST_F(RegisteredIdentitiesTest, EveryEntryThatMatches) {
  RegistrationEntry first = entry(1, "spiffe://example.org/vllm", {"unix:uid:7", "unix:path:/usr/bin/vllm"});
  RegistrationEntry second = entry(2, "spiffe://example.org/user", {"unix:uid:7"});
  first.hint = "serving";
  identities_.replace_entries({second, first});
  const auto both = value_of(state(7));
  ASSERT_EQ(both->svids.size(), 2U);
  EXPECT_EQ(both->svids[0].svid.id(), first.spiffe_id);
  EXPECT_EQ(both->svids[0].hint, "serving");
  EXPECT_TRUE(verify_x509_svid(both->svids[0].svid, both->bundles, now_).ok());
  EXPECT_EQ(value_of(both->svids[0].svid.leaf().public_key()), both->svids[0].key->public_key());
  const auto other = value_of(state(7, 2));
  ASSERT_EQ(other->svids.size(), 1U);
  EXPECT_EQ(other->svids[0].svid.id(), second.spiffe_id);
}

TEST_F(RegisteredIdentitiesTest, NobodyWithoutAnEntry) {
  expect_refused(state(7), Code::kDenied, "nothing is registered");
  identities_.replace_entries({entry(1, "spiffe://example.org/vllm", {"unix:uid:8"})});
  expect_refused(state(7), Code::kDenied, "nothing is registered");
  expect_refused(identities_.tokens_for({1, 7, 7, nullptr}, {"a"}, {}), Code::kDenied, "nothing is registered");
}

TEST_F(RegisteredIdentitiesTest, ProcessThatEnded) {
  identities_.replace_entries({entry(1, "spiffe://example.org/vllm", {"unix:uid:7"})});
  expect_refused(state(7, 404), Code::kDenied, "ended");
}

TEST_F(RegisteredIdentitiesTest, OneKeyForTheProcessesOfAUserAndNoneForAnother) {
  identities_.replace_entries({entry(1, "spiffe://example.org/vllm", {"unix:path:/usr/bin/vllm"})});
  const auto first = value_of(state(7));
  EXPECT_EQ(value_of(state(7))->svids[0].key, first->svids[0].key);
  EXPECT_NE(value_of(state(8))->svids[0].key, first->svids[0].key);
  EXPECT_EQ(authority_.issued, 2);
}

TEST_F(RegisteredIdentitiesTest, RenewedBeforeHalfOfItsLife) {
  RegistrationEntry one = entry(1, "spiffe://example.org/vllm", {"unix:uid:7"});
  one.x509_ttl = minutes(10);
  identities_.replace_entries({one});
  const auto first = value_of(state(7));
  EXPECT_EQ(first->svids[0].svid.leaf().facts().not_after, kNow + minutes(10));
  int told = 0;
  const auto watch = identities_.watch([&] { ++told; });
  now_ = kNow + minutes(3);
  identities_.refresh();
  EXPECT_EQ(told, 0);
  EXPECT_EQ(value_of(state(7))->svids[0].key, first->svids[0].key);
  now_ = kNow + minutes(5);
  identities_.refresh();
  EXPECT_EQ(told, 1);
  const auto second = value_of(state(7));
  EXPECT_NE(second->svids[0].key, first->svids[0].key);
  EXPECT_EQ(second->svids[0].svid.leaf().facts().not_after, kNow + minutes(15));
  // What nobody asks for again isn't told of again and again.
  identities_.refresh();
  EXPECT_EQ(told, 1);
}

TEST_F(RegisteredIdentitiesTest, EntriesThatComeChangeAndGo) {
  int told = 0;
  auto watch = identities_.watch([&] { ++told; });
  RegistrationEntry one = entry(1, "spiffe://example.org/vllm", {"unix:uid:7"});
  identities_.replace_entries({one});
  EXPECT_EQ(told, 1);
  identities_.replace_entries({one});
  EXPECT_EQ(told, 1);
  const auto before = value_of(state(7));
  one.spiffe_id = id_of("spiffe://example.org/other");
  identities_.replace_entries({one});
  EXPECT_EQ(told, 2);
  EXPECT_EQ(value_of(state(7))->svids[0].svid.id(), one.spiffe_id);
  watch.reset();
  identities_.replace_entries({});
  EXPECT_EQ(told, 2);
  expect_refused(state(7), Code::kDenied, "nothing is registered");
}

TEST_F(RegisteredIdentitiesTest, EntryThatExpires) {
  RegistrationEntry one = entry(1, "spiffe://example.org/vllm", {"unix:uid:7"});
  one.expires = kNow + minutes(1);
  identities_.replace_entries({one});
  EXPECT_TRUE(state(7).ok());
  int told = 0;
  const auto watch = identities_.watch([&] { ++told; });
  now_ = kNow + minutes(1);
  identities_.refresh();
  EXPECT_EQ(told, 1);
  expect_refused(state(7), Code::kDenied, "nothing is registered");
}

TEST_F(RegisteredIdentitiesTest, DeniedId) {
  RegistrationEntry one = entry(1, "spiffe://example.org/vllm", {"unix:uid:7"});
  identities_.replace_entries({one});
  EXPECT_TRUE(state(7).ok());
  authority_.denied = one.spiffe_id;
  expect_refused(state(7), Code::kDenied, "nothing is registered");
  expect_refused(identities_.tokens_for({1, 7, 7, nullptr}, {"a"}, {}), Code::kDenied, "nothing is registered");
}

TEST_F(RegisteredIdentitiesTest, BundlesOfWhomItsEntriesFederateWith) {
  Realm partner("partner.example", 20), stranger("stranger.example", 30);
  authority_.set_bundles(realm_.bundles().with(partner.rotation.bundle()).with(stranger.rotation.bundle()));
  RegistrationEntry one = entry(1, "spiffe://example.org/vllm", {"unix:uid:7"});
  one.federates_with = {domain_of("absent.example"), domain_of("partner.example")};
  identities_.replace_entries({one});
  const auto with = value_of(state(7));
  EXPECT_NE(with->bundles.find(domain_of()), nullptr);
  EXPECT_NE(with->bundles.find(domain_of("partner.example")), nullptr);
  EXPECT_EQ(with->bundles.find(domain_of("stranger.example")), nullptr);
  int told = 0;
  const auto watch = identities_.watch([&] { ++told; });
  authority_.set_bundles(realm_.bundles());
  identities_.refresh();
  EXPECT_EQ(told, 1);
  EXPECT_EQ(value_of(state(7))->bundles.find(domain_of("partner.example")), nullptr);
  EXPECT_EQ(value_of(state(7))->svids[0].key, with->svids[0].key) << "its own bundle is the same";
}

TEST_F(RegisteredIdentitiesTest, EntryOfAnotherTrustDomain) {
  identities_.replace_entries({entry(1, "spiffe://elsewhere.example/vllm", {"unix:uid:7"})});
  expect_refused(state(7), Code::kDenied, "doesn't speak for");
  RegistrationEntry good = entry(2, "spiffe://example.org/vllm", {"unix:uid:7"});
  identities_.replace_entries({entry(1, "spiffe://elsewhere.example/vllm", {"unix:uid:7"}), good});
  EXPECT_EQ(value_of(state(7))->svids.size(), 1U);
}

TEST_F(RegisteredIdentitiesTest, AuthorityThatIsAway) {
  identities_.replace_entries({entry(1, "spiffe://example.org/vllm", {"unix:uid:7"})});
  authority_.failure = Error(Code::kUnavailable, "nobody signs for the trust domain");
  expect_refused(state(7), Code::kUnavailable, "nobody signs");
  authority_.failure.reset();
  EXPECT_TRUE(state(7).ok());
}

TEST_F(RegisteredIdentitiesTest, Tokens) {
  RegistrationEntry first = entry(1, "spiffe://example.org/vllm", {"unix:uid:7"});
  RegistrationEntry second = entry(2, "spiffe://example.org/user", {"unix:uid:7"});
  second.jwt_ttl = seconds(30);
  identities_.replace_entries({first, second});
  const net::UnixPeer caller{1, 7, 7, nullptr};
  const auto both = value_of(identities_.tokens_for(caller, {"db"}, {}));
  ASSERT_EQ(both.size(), 2U);
  const auto svid = value_of(identity::verify_jwt_svid(both[1].token, realm_.bundles(), {"db", now_, {}}));
  EXPECT_EQ(svid.id, second.spiffe_id);
  EXPECT_EQ(svid.expires, now_ + seconds(30));
  const auto one = value_of(identities_.tokens_for(caller, {"db"}, second.spiffe_id));
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].id, second.spiffe_id);
  expect_refused(identities_.tokens_for(caller, {"db"}, id_of("spiffe://example.org/root")), Code::kDenied,
                 "isn't the calling process's");
  expect_refused(identities_.tokens_for(caller, {}, {}), Code::kInvalid, "audience");
}

TEST_F(RegisteredIdentitiesTest, EntriesThatSayTooLittle) {
  std::vector<RegistrationEntry> many;
  for (std::size_t i = 0; i <= kIdentitiesMax; ++i) {
    many.push_back(entry(1, "spiffe://example.org/w" + std::to_string(i), {"unix:uid:7"}));
  }
  identities_.replace_entries(many);
  expect_refused(state(7), Code::kDenied, "more than 256");
}

}  // namespace
}  // namespace cloister::mesh
