// Bundles of other trust domains: which are taken, and when they are looked for again.
#include "mesh/federation/federated_bundle.h"

#include <gtest/gtest.h>

#include "tests/unit/identity/fixture.h"

namespace cloister::mesh {
namespace {

using identity::domain_of;
using identity::Realm;
using testing::expect_refused;
using testing::value_of;

identity::Bundle bundle(std::optional<std::uint64_t> sequence, std::optional<Duration> hint = {}) {
  static const Realm realm("partner.example", 20);
  identity::BundleContents contents{realm.rotation.bundle().x509_authorities(), {}, sequence, hint};
  return value_of(identity::Bundle::create(domain_of("partner.example"), contents, identity::Conformance::kStrict));
}

Result<identity::Bundle> accept(const identity::Bundle* last, const std::string& document) {
  return accept_bundle(domain_of("partner.example"), last, document);
}

TEST(FederatedBundleTest, NewerAndTheSame) {
  const identity::Bundle last = bundle(7);
  EXPECT_EQ(value_of(accept(nullptr, identity::format_bundle(last))), last);
  EXPECT_TRUE(accept(&last, identity::format_bundle(last)).ok());
  EXPECT_EQ(value_of(accept(&last, identity::format_bundle(bundle(8)))).sequence(), 8U);
}

TEST(FederatedBundleTest, SequenceThatGoesBack) {
  const identity::Bundle last = bundle(7);
  expect_refused(accept(&last, identity::format_bundle(bundle(6))), Code::kCorrupt, "back from 7 to 6");
}

TEST(FederatedBundleTest, WithoutASequenceThereIsNoOrder) {
  const identity::Bundle last = bundle({});
  EXPECT_TRUE(accept(&last, identity::format_bundle(bundle(1))).ok());
  EXPECT_TRUE(accept(&last, identity::format_bundle(bundle({}))).ok());
}

TEST(FederatedBundleTest, EmptyRevokesEverything) {
  const identity::Bundle last = bundle(7);
  EXPECT_TRUE(value_of(accept(&last, R"({"keys":[],"spiffe_sequence":8})")).x509_authorities().empty());
}

TEST(FederatedBundleTest, WhatIsNoBundle) {
  for (const std::string text :
       {"", "{}", "<html>", R"({"keys":{}})", R"({"keys":[{"use":"x509-svid","kty":"EC","x5c":["AA"]}]})"}) {
    expect_refused(accept(nullptr, text), Code::kInvalid, "");
  }
}

TEST(FederatedBundleTest, LookedForAsItSays) {
  EXPECT_EQ(refresh_after(bundle(1)), minutes(5));
  EXPECT_EQ(refresh_after(bundle(1, minutes(2))), minutes(2));
  EXPECT_EQ(refresh_after(bundle(1, seconds(1))), seconds(10));
  EXPECT_EQ(refresh_after(bundle(1, days(30))), days(1));
}

}  // namespace
}  // namespace cloister::mesh
