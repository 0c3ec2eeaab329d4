#include "model/sealed_model.h"

#include "model/sign.h"
#include "tests/support/certificates.h"
#include "tests/unit/seal/directory_fixture.h"

namespace cloister::model {
namespace {

using seal::expect_error;
using seal::must;
namespace fs = std::filesystem;

class SealedModelTest : public seal::DirectoryTest {
 protected:
  void sign(std::uint64_t seed = 7) {
    Progress progress;
    const Tree tree = must(Tree::open(source_));
    const Describe how{{{std::string(kSignatureName)}, Symlinks::kRefuse}, 1};
    const Statement statement = must(describe_model(tree, how, progress));
    crypto::MemorySigner signer(testing::key_of_seed(seed));
    write(std::string(kSignatureName), serialize_bundle(must(sign_statement(statement, signer, {}))));
  }
  Result<SealedModel> look() {
    TrustedSigner signer;
    signer.name = "release";
    signer.key = testing::key_of_seed(7).public_key();
    opened_keys_ = keys_.directory_keys();
    return SealedModel::open(sealed_, opened_keys_, {&signer, 1}, testing::kNow);
  }
  static Status read(const SealedModel& model, const std::string& name, std::string& out) {
    Progress progress;
    return model.read(name, 1, progress, [&](ByteView piece) {
      out += as_text(piece);
      return ok_status();
    });
  }

  seal::DirectoryKeys opened_keys_;
};

TEST_F(SealedModelTest, OnlyWhatWasSigned) {
  sign();
  must(seal());
  const SealedModel model = must(look());
  EXPECT_EQ(model.what().signer, "release");
  EXPECT_EQ(model.names().size(), 4U);
  for (const std::string& name : model.names()) {
    std::string content;
    EXPECT_TRUE(read(model, name, content).ok()) << name;
    EXPECT_EQ(content.size(), model.size(name));
  }
}

TEST_F(SealedModelTest, ChangedBeforeItWasSealed) {
  sign();
  write("a.txt", "other");
  must(seal());
  const SealedModel model = must(look());
  std::string content;
  expect_error(read(model, "a.txt", content), Code::kCorrupt, "changed");
}

TEST_F(SealedModelTest, ExtraAndMissing) {
  sign();
  write("tokenizer.json", "{}");
  fs::remove(source_ / "a.txt");
  must(seal());
  expect_error(look(), Code::kCorrupt, "missing: a.txt");
  expect_error(look(), Code::kCorrupt, "not signed: tokenizer.json");
}

TEST_F(SealedModelTest, UnsignedOrOfSomebodyElse) {
  must(seal());
  expect_error(look(), Code::kNotFound, "isn't signed");
  fs::remove_all(sealed_);
  sign(8);
  must(seal());
  expect_error(look(), Code::kDenied, "nobody trusts");
}

}  // namespace
}  // namespace cloister::model
