// Istio's precedence: each row says what policies there are and what they come to for pods with the label app=vllm in
// the namespace prod.
#include "mesh/manifest/peer_authentication.h"

#include <gtest/gtest.h>

#include "tests/support/value_of.h"

namespace cloister::mesh {
namespace {

using cloister::testing::value_of;

EffectiveMtls effective(const std::string& text, IstioProxy proxy = IstioProxy::kSidecar) {
  static std::vector<std::vector<Resource>> kept;  // policies are views
  kept.push_back(value_of(read_manifest("a", text)));
  PeerAuthentications all;
  for (const Resource& resource : kept.back()) all.add(read_peer_authentication(resource, resource.name_space));
  const YamlValue labels = value_of(parse_yaml("app: vllm"))[0];
  return all.effective("prod", labels, proxy);
}

std::string policy(const std::string& name_space, const std::string& spec, const std::string& created = "") {
  return "---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata:\n  name: x\n  namespace: " +
         name_space + (created.empty() ? "" : "\n  creationTimestamp: \"" + created + "\"") + "\nspec: " + spec + "\n";
}

const std::string kRootStrict = policy("istio-system", "{mtls: {mode: STRICT}}");
const std::string kSelect = "selector: {matchLabels: {app: vllm}}";

TEST(PeerAuthenticationTest, NothingIsPermissive) {
  EXPECT_EQ(effective("").mode, MtlsMode::kPermissive);
  EXPECT_EQ(effective("").decided_by, nullptr);
  EXPECT_EQ(effective(policy("other", "{mtls: {mode: STRICT}}")).mode, MtlsMode::kPermissive);
}

TEST(PeerAuthenticationTest, WorkloadBeforeNamespaceBeforeMesh) {
  EXPECT_EQ(effective(kRootStrict).mode, MtlsMode::kStrict);
  EXPECT_EQ(effective(kRootStrict + policy("prod", "{mtls: {mode: PERMISSIVE}}")).mode, MtlsMode::kPermissive);
  EXPECT_EQ(effective(policy("prod", "{" + kSelect + ", mtls: {mode: DISABLE}}") + kRootStrict +
                      policy("prod", "{mtls: {mode: PERMISSIVE}}"))
                .mode,
            MtlsMode::kDisable);
}

TEST(PeerAuthenticationTest, UnsetInherits) {
  EXPECT_EQ(effective(kRootStrict + policy("prod", "{mtls: {mode: UNSET}}")).mode, MtlsMode::kStrict);
  EXPECT_EQ(effective(kRootStrict + policy("prod", "{}")).mode, MtlsMode::kStrict);
  EXPECT_EQ(effective(policy("istio-system", "{}")).mode, MtlsMode::kPermissive);
  EXPECT_EQ(effective(policy("istio-system", "{mtls: {mode: strict}}")).mode, MtlsMode::kPermissive);
}

TEST(PeerAuthenticationTest, ASelectorThatDoesNotFit) {
  EXPECT_EQ(
      effective(kRootStrict + policy("prod", "{selector: {matchLabels: {app: other}}, mtls: {mode: DISABLE}}")).mode,
      MtlsMode::kStrict);
}

TEST(PeerAuthenticationTest, OneThatSelectsInTheRootNamespaceIsNotUsed) {
  EXPECT_EQ(effective(policy("istio-system", "{" + kSelect + ", mtls: {mode: STRICT}}")).mode, MtlsMode::kPermissive);
}

TEST(PeerAuthenticationTest, PortsCountOnlyWithASelector) {
  EXPECT_TRUE(effective(policy("prod", "{mtls: {mode: STRICT}, portLevelMtls: {80: {mode: DISABLE}}}")).ports.empty());
  EXPECT_TRUE(effective(policy("prod", "{selector: {}, portLevelMtls: {80: {mode: DISABLE}}}")).ports.empty());
  const EffectiveMtls with =
      effective(kRootStrict + policy("prod", "{" + kSelect + ", portLevelMtls: {80: {mode: DISABLE}, 81: {}}}"));
  EXPECT_EQ(with.mode, MtlsMode::kStrict);
  EXPECT_EQ(with.ports.at("80"), MtlsMode::kDisable);
  EXPECT_EQ(with.ports.at("81"), MtlsMode::kStrict);
}

TEST(PeerAuthenticationTest, TheOldestWins) {
  const std::string older = policy("prod", "{mtls: {mode: STRICT}}", "2026-01-01T00:00:00Z");
  const std::string newer = policy("prod", "{mtls: {mode: DISABLE}}", "2026-02-01T00:00:00Z");
  EXPECT_EQ(effective(older + newer).mode, MtlsMode::kStrict);
  EXPECT_EQ(effective(newer + older).mode, MtlsMode::kStrict);
}

TEST(PeerAuthenticationTest, WithoutTimesTheWeakestIsAssumed) {
  const std::string strict = policy("prod", "{mtls: {mode: STRICT}}"), off = policy("prod", "{mtls: {mode: DISABLE}}");
  EXPECT_EQ(effective(strict + off).mode, MtlsMode::kDisable);
  EXPECT_EQ(effective(off + strict).mode, MtlsMode::kDisable);
  EXPECT_EQ(effective(kRootStrict + strict + policy("prod", "{mtls: {mode: PERMISSIVE}}")).mode, MtlsMode::kPermissive);
}

TEST(PeerAuthenticationTest, ANodeProxyDoesNotKnowDisable) {
  const std::string off = kRootStrict + policy("prod", "{mtls: {mode: DISABLE}}");
  EXPECT_EQ(effective(off).mode, MtlsMode::kDisable);
  EXPECT_EQ(effective(off, IstioProxy::kNode).mode, MtlsMode::kStrict);
}

}  // namespace
}  // namespace cloister::mesh
