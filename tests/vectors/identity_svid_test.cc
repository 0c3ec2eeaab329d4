// The form of X.509-SVIDs on other people's certificates: go-spiffe's test data. They are anchored nowhere and their
// dates have passed, so nothing but their form is judged.
#include <gtest/gtest.h>

#include <set>

#include "identity/x509_svid.h"
#include "tests/support/expect.h"
#include "tests/support/vectors.h"

namespace cloister::identity {
namespace {

using cloister::testing::expect_refused;

constexpr std::size_t kFileMax = 65536;

Result<X509Svid> read_svid(const Path& path, Conformance conformance) {
  CLOISTER_TRY(const Bytes text, read_file(path, kFileMax));
  CLOISTER_TRY(auto chain, crypto::Certificate::parse_pem(as_text(text), crypto::kChainLengthMax));
  return X509Svid::from_chain(std::move(chain), conformance);
}

struct Case {
  std::string file;
  std::string refusal;  // empty: it is an SVID
};

const std::vector<Case>& cases() {
  static const std::vector<Case> list = {
      {"good-leaf-only.pem", ""},
      {"good-leaf-and-intermediate.pem", ""},
      {"corrupt-cert.pem", "certificate"},
      {"wrong-leaf-empty-id.pem", "no URI name"},
      {"wrong-leaf-ca-true.pem", "an authority's certificate"},
      {"wrong-leaf-cert-sign.pem", "may sign certificates or revocation lists"},
      {"wrong-leaf-crl-sign.pem", "may sign certificates or revocation lists"},
      {"wrong-leaf-no-digital-signature.pem", "isn't for signatures"},
      {"wrong-intermediate-no-ca.pem", "isn't an authority's"},
      {"wrong-intermediate-no-key-cert-sign.pem", "may not sign certificates"},
  };
  return list;
}

TEST(SpiffeSvidVectors, FormOfGoSpiffesTestData) {
  CLOISTER_VECTORS_OR_SKIP(folder, "x509/spiffe-svid");
  for (const Case& test : cases()) {
    for (const Conformance conformance : {Conformance::kStrict, Conformance::kGoSpiffe}) {
      SCOPED_TRACE(test.file);
      const auto svid = read_svid(folder / test.file, conformance);
      if (!test.refusal.empty()) {
        expect_refused(svid, Code::kInvalid, test.refusal);
        continue;
      }
      ASSERT_TRUE(svid.ok()) << svid.error().message();
      EXPECT_EQ(svid->id().uri(), "spiffe://example.org/workload-1");
      EXPECT_FALSE(verify_x509_svid(*svid, BundleSet(), svid->leaf().facts().not_before).ok());
    }
  }
}

TEST(SpiffeSvidVectors, FileThatNobodyJudged) {
  CLOISTER_VECTORS_OR_SKIP(folder, "x509/spiffe-svid");
  std::set<std::string> judged, there;
  for (const Case& test : cases()) judged.insert(test.file);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) there.insert(entry.path().filename());
  EXPECT_EQ(judged, there);
}

}  // namespace
}  // namespace cloister::identity
