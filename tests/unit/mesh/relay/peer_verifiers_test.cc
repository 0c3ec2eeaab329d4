#include "mesh/relay/peer_verifiers.h"

#include "tests/unit/identity/fixture.h"

namespace cloister::mesh {
namespace {

using identity::Conformance;
using identity::Realm;
using testing::expect_refused;
using testing::kNow;
using testing::value_of;

std::shared_ptr<identity::Source> source_of(Realm& realm) {
  return std::make_shared<identity::Source>(value_of(identity::Snapshot::create(
      realm.issue("spiffe://example.org/me"), testing::key_of_seed(1000), realm.bundles(), kNow)));
}

std::vector<Bytes> chain_of(Realm& realm, std::string_view id) { return {realm.issue(id).leaf().der()}; }

TEST(RememberingVerifier, TheSameAnswerTwice) {
  Realm realm;
  const RememberingVerifier verifier(source_of(realm), Conformance::kStrict);
  const auto chain = chain_of(realm, "spiffe://example.org/trainer");
  const net::Peer first = value_of(verifier.verify(kNow, chain)), again = value_of(verifier.verify(kNow, chain));
  EXPECT_EQ(first.id, "spiffe://example.org/trainer");
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.not_after, first.not_after);
}

TEST(RememberingVerifier, AProofThatHasRunOut) {
  Realm realm;
  const RememberingVerifier verifier(source_of(realm), Conformance::kStrict);
  const auto chain = chain_of(realm, "spiffe://example.org/trainer");
  const Time end = value_of(verifier.verify(kNow, chain)).not_after;
  EXPECT_TRUE(verifier.verify(Time{end.unix_ms - 1000}, chain).ok());
  expect_refused(verifier.verify(end + seconds(1), chain), Code::kExpired, "");
}

TEST(RememberingVerifier, AClockThatGoesBack) {
  Realm realm;
  const RememberingVerifier verifier(source_of(realm), Conformance::kStrict);
  const auto chain = chain_of(realm, "spiffe://example.org/trainer");
  EXPECT_TRUE(verifier.verify(kNow, chain).ok());
  expect_refused(verifier.verify(kNow + hours(-1), chain), Code::kExpired, "");
}

TEST(RememberingVerifier, AuthorityThatIsTrustedNoMore) {
  Realm realm, next("example.org", 30);
  const auto source = source_of(realm);
  const RememberingVerifier verifier(source, Conformance::kStrict);
  const auto chain = chain_of(realm, "spiffe://example.org/trainer");
  EXPECT_TRUE(verifier.verify(kNow, chain).ok());
  source->replace(value_of(identity::Snapshot::create(next.issue("spiffe://example.org/me"), testing::key_of_seed(1000),
                                                      next.bundles(), kNow)));
  expect_refused(verifier.verify(kNow, chain), Code::kDenied, "");
}

TEST(RememberingVerifier, RefusalsAreLookedAtAnew) {
  Realm realm, other("example.com", 20);
  const RememberingVerifier verifier(source_of(realm), Conformance::kStrict);
  const auto chain = chain_of(other, "spiffe://example.com/trainer");
  expect_refused(verifier.verify(kNow, chain), Code::kDenied, "no bundle");
  expect_refused(verifier.verify(kNow, chain), Code::kDenied, "no bundle");
}

TEST(RememberingVerifier, OneByteOfAKnownChainChanged) {
  Realm realm;
  const RememberingVerifier verifier(source_of(realm), Conformance::kStrict);
  auto chain = chain_of(realm, "spiffe://example.org/trainer");
  EXPECT_TRUE(verifier.verify(kNow, chain).ok());
  chain[0].back() ^= 1;
  EXPECT_FALSE(verifier.verify(kNow, chain).ok());
}

TEST(AdmittingVerifier, KnownAndNotAllowed) {
  Realm realm;
  const std::string pattern = "spiffe://example.org/trainer";
  const AdmittingVerifier verifier(std::make_shared<RememberingVerifier>(source_of(realm), Conformance::kStrict),
                                   value_of(AllowList::parse(std::span(&pattern, 1))));
  EXPECT_EQ(value_of(verifier.verify(kNow, chain_of(realm, pattern))).id, pattern);
  expect_refused(verifier.verify(kNow, chain_of(realm, "spiffe://example.org/trainers")), Code::kDenied,
                 "isn't allowed here");
}

}  // namespace
}  // namespace cloister::mesh
