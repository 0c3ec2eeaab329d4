// Models signed by openssl and a script, not by this program: tests/vectors/make_model_signature_vectors.py.
#include <gtest/gtest.h>

#include "model/signers.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace cloister::model {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr Time kNow{1'800'000'000'000};  // 2027-01-15

Bytes vector_file(const std::string& name) {
  return value_of(read_file(Path(CLOISTER_SOURCE_DIR) / "tests/vectors/model-signature" / name, kBundleSizeMax));
}

Bundle bundle_of(const std::string& name) { return value_of(parse_bundle(as_text(vector_file(name + ".json")))); }

std::vector<TrustedSigner> key_of(const std::string& name) {
  TrustedSigner signer;
  signer.name = name;
  signer.key = value_of(parse_public_key(as_text(vector_file(name + ".pub"))));
  return {signer};
}

class ModelSignatureVectors : public ::testing::Test {
 protected:
  ModelSignatureVectors() {
    std::string weights;
    for (int i = 0; i < 100; ++i) weights += "weights";
    put("a-b", "sorted before a/b");
    put("a/b", weights);
    put("config.json", "{\"layers\": 2}\n");
    put("empty", "");
  }
  void put(const std::string& name, std::string_view text) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    CLOISTER_CHECK(write_file(folder_ / name, as_bytes(text), Overwrite::kReplace).ok());
  }
  Result<VerifiedModel> verify(const std::string& name, const std::vector<TrustedSigner>& trusted) {
    CLOISTER_TRY(Tree tree, Tree::open(folder_.path()));
    Progress progress;
    return VerifiedModel::verify(std::move(tree), bundle_of(name), trusted, {}, kNow, progress);
  }

  testing::TempDir folder_;
};

TEST_F(ModelSignatureVectors, EachCurve) {
  for (const std::string& name : {std::string("p256"), std::string("p384"), std::string("p521")}) {
    const auto verified = verify("files-" + name, key_of(name));
    ASSERT_TRUE(verified.ok()) << name << ": " << verified.error().message();
    EXPECT_EQ(verified->what().statement.resources.size(), 4U);
    expect_refused(verify("files-" + name, key_of(name == "p256" ? "p384" : "p256")), Code::kDenied, "nobody trusts");
  }
}

TEST_F(ModelSignatureVectors, ShardsAndNoHint) {
  EXPECT_TRUE(verify("shards-p256", key_of("p256")).ok());
  EXPECT_EQ(value_of(verify("no-hint-p256", key_of("p256"))).what().warnings.size(), 1U);
  put("a/b", "weights");
  expect_refused(verify("shards-p256", key_of("p256")), Code::kCorrupt, "changed: a/b");
}

TEST_F(ModelSignatureVectors, Certificate) {
  TrustedSigner signer;
  signer.name = "ci";
  signer.roots = value_of(crypto::Certificate::parse_pem(as_text(vector_file("root.pem")), 1));
  signer.identities = {"release@example.org"};
  EXPECT_EQ(value_of(verify("certificate", {signer})).what().identity, "release@example.org");
  signer.identities = {"other@example.org"};
  expect_refused(verify("certificate", {signer}), Code::kDenied, "somebody else");
}

TEST_F(ModelSignatureVectors, WhatMustBeRefused) {
  const auto refused = [&](const std::string& name, Code code, std::string_view word) {
    expect_refused(verify("refused-" + name, key_of("p256")), code, word);
  };
  refused("root-digest", Code::kCorrupt, "root digest");
  refused("outside", Code::kCorrupt, "leads out");
  refused("twice", Code::kCorrupt, "twice");
  refused("no-files", Code::kCorrupt, "no file");
  refused("predicate", Code::kUnsupported, "something else");
  refused("blake3", Code::kUnsupported, "SHA-256");
  expect_refused(parse_bundle(as_text(vector_file("refused-two-signatures.json"))), Code::kCorrupt, "one signature");
}

}  // namespace
}  // namespace cloister::model
