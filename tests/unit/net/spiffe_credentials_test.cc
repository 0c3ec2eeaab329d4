#include "net/spiffe_credentials.h"

#include <gtest/gtest.h>

#include "net/spiffe_verifier.h"
#include "tests/unit/identity/fixture.h"
#include "tests/unit/net/tls_pair.h"

namespace cloister::net {
namespace {

using identity::Conformance;
using identity::Realm;
using testing::expect_refused;
using testing::key_of_seed;
using testing::kNow;
using testing::value_of;

std::shared_ptr<const identity::Snapshot> snapshot_of(Realm& realm, std::string_view uri, Time now = kNow) {
  return value_of(identity::Snapshot::create(realm.issue(uri, now), key_of_seed(1000), realm.bundles(), now));
}

// A workload with a source of its own, as a service and its clients are put together.
struct Workload {
  explicit Workload(Realm& realm, std::string_view uri, identity::DenyList deny_list = {})
      : source(std::make_shared<identity::Source>(snapshot_of(realm, uri))),
        credentials(value_of(SpiffeCredentials::follow(source))),
        verifier(std::make_shared<SpiffeVerifier>(source, Conformance::kStrict, std::move(deny_list))),
        tls(value_of(MutualTls::create(credentials, verifier, [this] { return now; }))) {}
  Time now = kNow;
  std::shared_ptr<identity::Source> source;
  std::shared_ptr<SpiffeCredentials> credentials;
  std::shared_ptr<SpiffeVerifier> verifier;
  std::shared_ptr<const MutualTls> tls;
};

constexpr std::string_view kKeys = "spiffe://example.org/keys", kTrainer = "spiffe://example.org/trainer";

struct Meeting {
  Meeting(const Workload& at_server, const Workload& at_client, std::string_view expected = kKeys)
      : server(must(at_server.tls->accept(pair.server.descriptor()))),
        client(must(at_client.tls->connect(pair.client.descriptor(), "127.0.0.1", std::string(expected)))),
        ends(shake(*server, *client)) {}
  Pair pair;
  std::unique_ptr<TlsSession> server, client;
  Ends ends;
};

TEST(SpiffeTls, BothEndsAreNamed) {
  Realm realm;
  const Workload keys(realm, kKeys), trainer(realm, kTrainer);
  const Meeting meeting(keys, trainer);
  ASSERT_EQ(meeting.ends.server, Outcome::kDone) << meeting.server->failure().message();
  ASSERT_EQ(meeting.ends.client, Outcome::kDone) << meeting.client->failure().message();
  EXPECT_EQ(meeting.server->peer()->id, kTrainer);
  EXPECT_EQ(meeting.server->peer()->not_after, trainer.source->current()->not_after());
  EXPECT_EQ(meeting.client->peer()->id, kKeys);
}

TEST(SpiffeTls, NotTheServerThatWasMeant) {
  Realm realm;
  const Workload keys(realm, kKeys), trainer(realm, kTrainer);
  const Meeting meeting(keys, trainer, "spiffe://example.org/other");
  ASSERT_EQ(meeting.ends.client, Outcome::kFailed);
  EXPECT_EQ(meeting.client->failure().code(), Code::kDenied);
}

TEST(SpiffeTls, ClientOfAForeignTrustDomain) {
  Realm realm, other("example.com", 20);
  const Workload keys(realm, kKeys), stranger(other, "spiffe://example.com/trainer");
  stranger.source->replace(
      value_of(identity::Snapshot::create(other.issue("spiffe://example.com/trainer"), key_of_seed(1000),
                                          other.bundles().with(realm.rotation.bundle()), kNow)));
  const Meeting meeting(keys, stranger);
  ASSERT_EQ(meeting.ends.server, Outcome::kFailed);
  EXPECT_EQ(meeting.server->failure().code(), Code::kDenied);
  EXPECT_NE(meeting.server->failure().message().find("no bundle"), std::string::npos);
}

TEST(SpiffeTls, DeniedClient) {
  Realm realm;
  const Workload trainer(realm, kTrainer);
  const Workload keys(
      realm, kKeys, value_of(identity::DenyList::create({{identity::id_of(kTrainer), kNow + hours(1), "stolen"}}, {})));
  const Meeting meeting(keys, trainer);
  ASSERT_EQ(meeting.ends.server, Outcome::kFailed);
  EXPECT_EQ(meeting.server->failure().code(), Code::kDenied);
}

TEST(SpiffeTls, RenewalReachesTheNextHandshake) {
  Realm realm;
  Workload keys(realm, kKeys), trainer(realm, kTrainer);
  keys.now = trainer.now = kNow + minutes(70);
  ASSERT_EQ(Meeting(keys, trainer).ends.client, Outcome::kFailed);
  const auto before = keys.credentials->current();
  keys.source->replace(snapshot_of(realm, kKeys, keys.now));
  trainer.source->replace(snapshot_of(realm, kTrainer, trainer.now));
  const Meeting meeting(keys, trainer);
  ASSERT_EQ(meeting.ends.server, Outcome::kDone) << meeting.server->failure().message();
  EXPECT_EQ(meeting.client->peer()->not_after, keys.now + hours(1));
  EXPECT_NE(keys.credentials->current(), before);
  EXPECT_EQ(keys.credentials->current(), keys.credentials->current());
  EXPECT_EQ(keys.credentials->current()->not_after(), keys.now + hours(1));
}

TEST(SpiffeCredentials, ChainThatNobodyWouldTake) {
  Realm realm;
  const auto good = snapshot_of(realm, kKeys);
  std::vector<crypto::Certificate> chain = good->svid().chain();
  while (chain.size() <= PeerVerifier::kChainMax) chain.push_back(realm.rotation.active()->certificate);
  auto svid = value_of(identity::X509Svid::from_chain(chain, Conformance::kStrict));
  const auto unusable = value_of(identity::Snapshot::create(std::move(svid), key_of_seed(1000), realm.bundles(), kNow));
  expect_refused(credentials_of(*unusable), Code::kInvalid, "longer than 8");

  const auto source = std::make_shared<identity::Source>(unusable);
  expect_refused(SpiffeCredentials::follow(source), Code::kInvalid, "use the SVID of spiffe://example.org/keys");
  source->replace(good);
  const auto credentials = value_of(SpiffeCredentials::follow(source));
  const auto last = credentials->current();
  source->replace(unusable);
  EXPECT_EQ(credentials->current(), last);
  expect_refused(credentials->state(), Code::kInvalid, "longer than 8");
  source->replace(snapshot_of(realm, kKeys));
  EXPECT_NE(credentials->current(), last);
  EXPECT_TRUE(credentials->state().ok());
}

}  // namespace
}  // namespace cloister::net
