// Signatures by certificates: whose chain counts, for what, and until when.
#include "tests/support/hex.h"
#include "tests/unit/model/model_files.h"

namespace cloister::model {
namespace {

using testing::expect_refused;
using testing::kNow;
using testing::LeafParts;
using testing::TestAuthority;
using testing::value_of;

constexpr std::uint64_t kLeafSeed = 1000;

Bytes email_names() { return testing::names_extension({{1, "release@example.org"}}, crypto::Critical::kNo); }

LeafParts release_leaf() {
  LeafParts parts;
  parts.names = email_names();
  parts.extended = testing::extended_usage_extension({3});
  parts.not_after = kNow + days(2);
  return parts;
}

class ModelCertificates : public ::testing::Test {
 protected:
  ModelCertificates() : root_(1), authority_(2, authority_parts(), &root_) {}

  static testing::AuthorityParts authority_parts() {
    testing::AuthorityParts parts;
    parts.uri.clear();
    parts.basic = crypto::extension_authority(0);
    return parts;
  }

  Bundle signed_by(const crypto::Certificate& leaf) {
    crypto::MemorySigner signer(testing::key_of_seed(kLeafSeed));
    const std::vector<crypto::Certificate> chain = {leaf, authority_.certificate()};
    return value_of(sign_statement(model_.statement(), signer, chain));
  }
  std::vector<TrustedSigner> trusting_root(const std::vector<std::string>& identities) const {
    TrustedSigner signer;
    signer.name = "ci";
    signer.roots = {root_.certificate()};
    signer.identities = identities;
    return {signer};
  }
  Result<Signed> verify(const Bundle& bundle, std::span<const TrustedSigner> trusted, Time now = kNow) {
    return verify_signature(bundle, trusted, now);
  }

  ModelFiles model_;
  TestAuthority root_, authority_;
};

TEST_F(ModelCertificates, OfAnIdentityThatCounts) {
  const Bundle bundle = signed_by(authority_.issue(release_leaf()));
  const Signed what = value_of(verify(bundle, trusting_root({"release@example.org"})));
  EXPECT_EQ(what.signer, "ci");
  EXPECT_EQ(what.identity, "release@example.org");
  EXPECT_TRUE(value_of(parse_bundle(serialize_bundle(bundle))).certificates == bundle.certificates);
}

TEST_F(ModelCertificates, OfSomebodyElse) {
  const Bundle bundle = signed_by(authority_.issue(release_leaf()));
  expect_refused(verify(bundle, trusting_root({"other@example.org"})), Code::kDenied, "somebody else");
  expect_refused(verify(bundle, trusting_root({})), Code::kDenied, "somebody else");
  std::vector<TrustedSigner> any = trusting_root({});
  any.front().any_identity = true;
  EXPECT_TRUE(verify(bundle, any).ok());
}

TEST_F(ModelCertificates, AnotherRoot) {
  const TestAuthority stranger(3);
  std::vector<TrustedSigner> trusted = trusting_root({"release@example.org"});
  trusted.front().roots = {stranger.certificate()};
  expect_refused(verify(signed_by(authority_.issue(release_leaf())), trusted), Code::kDenied, "certificate");
}

TEST_F(ModelCertificates, Expired) {
  const Bundle bundle = signed_by(authority_.issue(release_leaf()));
  const auto trusted = trusting_root({"release@example.org"});
  expect_refused(verify(bundle, trusted, kNow + days(3)), Code::kExpired, "certificate");
  expect_refused(verify(bundle, trusted, kNow + days(-1)), Code::kExpired, "certificate");
}

TEST_F(ModelCertificates, OfWhoCountsUnderAnotherName) {
  const Bundle bundle = signed_by(authority_.issue(release_leaf()));
  std::vector<TrustedSigner> trusted = trusting_root({"release@example.org"});
  trusted.front().until = kNow;
  expect_refused(verify(bundle, trusted), Code::kExpired, "no longer");
  trusted.push_back(trusting_root({"release@example.org"}).front());
  trusted.back().name = "new name";
  EXPECT_EQ(value_of(verify(bundle, trusted)).signer, "new name");
  trusted.back().identities = {"other@example.org"};
  expect_refused(verify(bundle, trusted), Code::kExpired, "no longer");
}

TEST_F(ModelCertificates, NotForSigning) {
  LeafParts parts = release_leaf();
  parts.usage.clear();
  EXPECT_TRUE(verify(signed_by(authority_.issue(parts)), trusting_root({"release@example.org"})).ok());
  parts.extended = testing::extended_usage_extension({1});
  const crypto::Certificate server = authority_.issue(parts);
  crypto::MemorySigner signer(testing::key_of_seed(kLeafSeed));
  const std::vector<crypto::Certificate> chain = {server};
  expect_refused(sign_statement(model_.statement(), signer, chain), Code::kDenied, "signing");
  Bundle bundle = signed_by(authority_.issue(release_leaf()));
  bundle.certificates.front() = server.der();
  expect_refused(verify(bundle, trusting_root({"release@example.org"})), Code::kDenied, "signing");
}

TEST_F(ModelCertificates, LeafThatMayBeAnAuthority) {
  LeafParts parts = release_leaf();
  parts.basic = crypto::extension_authority(0);
  EXPECT_TRUE(verify(signed_by(root_.issue(parts)), trusting_root({"release@example.org"})).ok());
}

TEST_F(ModelCertificates, KeyOfAnotherCertificate) {
  const crypto::Certificate leaf = authority_.issue(release_leaf(), kLeafSeed + 1);
  crypto::MemorySigner signer(testing::key_of_seed(kLeafSeed));
  const std::vector<crypto::Certificate> chain = {leaf};
  expect_refused(sign_statement(model_.statement(), signer, chain), Code::kInvalid, "isn't that of the key");
  Bundle bundle = signed_by(authority_.issue(release_leaf()));
  bundle.certificates.front() = leaf.der();
  expect_refused(verify(bundle, trusting_root({"release@example.org"})), Code::kDenied, "signature");
}

TEST_F(ModelCertificates, MalformedCertificate) {
  Bundle bundle = signed_by(authority_.issue(release_leaf()));
  bundle.certificates.front().push_back(0);
  expect_refused(verify(bundle, trusting_root({"release@example.org"})), Code::kCorrupt, "certificate");
}

TEST_F(ModelCertificates, MethodTheVerifierDidNotChoose) {
  const Bundle chain = signed_by(authority_.issue(release_leaf()));
  expect_refused(verify(chain, trusting(kLeafSeed)), Code::kDenied, "no root is trusted");
  expect_refused(verify(model_.signed_by(kLeafSeed), trusting_root({"release@example.org"})), Code::kDenied,
                 "no key is trusted");
  Bundle keyless = chain;
  keyless.method = Method::kSigstore;
  expect_refused(verify(keyless, trusting_root({"release@example.org"})), Code::kDenied, "without a key");
}

}  // namespace
}  // namespace cloister::model
