#include "model/verify.h"

#include "tests/unit/model/model_files.h"

namespace cloister::model {
namespace {

using testing::expect_refused;
using testing::kNow;
using testing::value_of;

constexpr std::uint64_t kSeed = 7, kOther = 8;

TEST(ModelVerify, WhatWasSigned) {
  ModelFiles model;
  for (const auto type : {crypto::KeyType::kEcP256, crypto::KeyType::kEcP384}) {
    const VerifiedModel verified = value_of(model.verify(model.signed_by(kSeed, type), trusting(kSeed, type)));
    EXPECT_EQ(verified.what().signer, "release");
    EXPECT_EQ(verified.what().statement.subject, "llama");
    EXPECT_TRUE(verified.what().warnings.empty());
  }
}

TEST(ModelVerify, NobodyTrusted) {
  ModelFiles model;
  expect_refused(model.verify(model.signed_by(kSeed), {}), Code::kInvalid, "nobody");
}

TEST(ModelVerify, AnotherKey) {
  ModelFiles model;
  Bundle bundle = model.signed_by(kOther);
  expect_refused(model.verify(bundle, trusting(kSeed)), Code::kDenied, "nobody trusts");
  bundle.hint.clear();
  expect_refused(model.verify(bundle, trusting(kSeed)), Code::kDenied, "isn't the trusted key's");
  bundle.hint = key_hint(testing::key_of_seed(kSeed).public_key());
  expect_refused(model.verify(bundle, trusting(kSeed)), Code::kDenied, "isn't the trusted key's");
}

TEST(ModelVerify, SecondOfTwoKeysWithoutAHint) {
  ModelFiles model;
  Bundle bundle = model.signed_by(kSeed);
  bundle.hint.clear();
  std::vector<TrustedSigner> both = trusting(kOther);
  both.push_back(trusting(kSeed).front());
  both.back().name = "second";
  const VerifiedModel verified = value_of(model.verify(bundle, both));
  EXPECT_EQ(verified.what().signer, "second");
  EXPECT_EQ(verified.what().warnings.size(), 1U);
}

TEST(ModelVerify, EveryByteOfTheSignature) {
  ModelFiles model;
  const Bundle good = model.signed_by(kSeed);
  for (std::size_t i = 0; i < good.signature.size(); ++i) {
    Bundle bundle = good;
    bundle.signature[i] ^= 1;
    expect_refused(verify_signature(bundle, trusting(kSeed), kNow), Code::kDenied, "signature");
  }
  Bundle longer = good;
  longer.signature.push_back(0);
  expect_refused(verify_signature(longer, trusting(kSeed), kNow), Code::kDenied, "signature");
}

TEST(ModelVerify, EveryByteOfTheStatement) {
  ModelFiles model;
  const Bundle good = model.signed_by(kSeed);
  for (std::size_t i = 0; i < good.payload.size(); ++i) {
    Bundle bundle = good;
    bundle.payload[i] ^= 1;
    expect_refused(verify_signature(bundle, trusting(kSeed), kNow), Code::kDenied, "signature");
  }
}

TEST(ModelVerify, SignedAsSomethingElse) {
  ModelFiles model;
  Bundle bundle = model.signed_by(kSeed);
  bundle.payload_type = "text/plain";
  expect_refused(verify_signature(bundle, trusting(kSeed), kNow), Code::kDenied, "signature");
  const crypto::PrivateKey key = testing::key_of_seed(kSeed);
  bundle.signature = key.sign(signed_bytes(bundle.payload_type, bundle.payload));
  expect_refused(verify_signature(bundle, trusting(kSeed), kNow), Code::kUnsupported, "payload");
  bundle.payload_type = kPayloadType;
  bundle.payload = to_bytes(as_bytes("{}"));
  bundle.signature = key.sign(signed_bytes(bundle.payload_type, bundle.payload));
  expect_refused(verify_signature(bundle, trusting(kSeed), kNow), Code::kCorrupt, "_type");
}

TEST(ModelVerify, KeyThatSignsNoModels) {
  ModelFiles model;
  Bundle bundle = model.signed_by(kSeed);
  bundle.hint.clear();
  const auto trusted = trusting(kSeed, crypto::KeyType::kEd25519);
  expect_refused(model.verify(bundle, trusted), Code::kUnsupported, "Ed25519");
  crypto::MemorySigner signer(testing::key_of_seed(kSeed, crypto::KeyType::kEd25519));
  expect_refused(sign_statement(model.statement(), signer, {}), Code::kUnsupported, "Ed25519");
}

TEST(ModelVerify, SignerWhoCountedOnce) {
  ModelFiles model;
  std::vector<TrustedSigner> trusted = trusting(kSeed);
  trusted.front().until = kNow;
  expect_refused(model.verify(model.signed_by(kSeed), trusted), Code::kExpired, "no longer");
  trusted.front().until = kNow + seconds(1);
  EXPECT_TRUE(model.verify(model.signed_by(kSeed), trusted).ok());
}

TEST(ModelVerify, SignerWhoCountsUnderAnotherName) {
  ModelFiles model;
  std::vector<TrustedSigner> trusted = trusting(kSeed);
  trusted.front().until = kNow;
  trusted.push_back(trusting(kSeed).front());
  trusted.back().name = "new name";
  EXPECT_EQ(value_of(verify_signature(model.signed_by(kSeed), trusted, kNow)).signer, "new name");
  trusted.back() = trusting(kOther).front();
  Bundle bundle = model.signed_by(kSeed);
  bundle.hint.clear();
  expect_refused(verify_signature(bundle, trusted, kNow), Code::kExpired, "no longer");
}

TEST(ModelVerify, FilesChangedMissingAndExtra) {
  ModelFiles model;
  const Bundle bundle = model.signed_by(kSeed);
  put(model.path() / "config.json", R"({"layers": 3})");
  put(model.path() / "tokenizer.json", "{}");
  std::filesystem::remove(model.path() / "weights-b");
  const auto refused = model.verify(bundle, trusting(kSeed));
  expect_refused(refused, Code::kCorrupt, "changed: config.json");
  expect_refused(refused, Code::kCorrupt, "missing: weights-b");
  expect_refused(refused, Code::kCorrupt, "not signed: tokenizer.json");
}

TEST(ModelVerify, UnsignedFileIgnoredOnRequest) {
  ModelFiles model;
  const Bundle bundle = model.signed_by(kSeed);
  put(model.path() / "README.md", "x");
  CheckFiles how;
  how.unsigned_files = UnsignedFiles::kIgnore;
  EXPECT_TRUE(model.verify(bundle, trusting(kSeed), how).ok());
  put(model.path() / "weights-b", "less");
  expect_refused(model.verify(bundle, trusting(kSeed), how), Code::kCorrupt, "changed: weights-b");
}

TEST(ModelVerify, AnotherModelsSignature) {
  ModelFiles model, other;
  put(other.path() / "weights-b", "other");
  expect_refused(model.verify(other.signed_by(kSeed), trusting(kSeed)), Code::kCorrupt, "changed: weights-b");
}

TEST(ModelVerify, LinkInAFilesPlace) {
  ModelFiles model;
  const Bundle bundle = model.signed_by(kSeed);
  std::filesystem::rename(model.path() / "weights-b", model.path() / "weights/b");
  std::filesystem::create_symlink("weights/b", model.path() / "weights-b");
  expect_refused(model.verify(bundle, trusting(kSeed)), Code::kDenied, "symbolic link");
}

TEST(ModelVerify, LinksOnlyWhereBothAllowThem) {
  ModelFiles model;
  std::filesystem::create_symlink("weights-b", model.path() / "link");
  TreeRules rules;
  rules.symlinks = Symlinks::kFollow;
  const Bundle bundle = ModelFiles::sign(model.statement(rules), kSeed);
  expect_refused(model.verify(bundle, trusting(kSeed)), Code::kDenied, "symbolic link");
  CheckFiles how;
  how.symlinks = Symlinks::kFollow;
  EXPECT_TRUE(model.verify(bundle, trusting(kSeed), how).ok());
  std::filesystem::remove(model.path() / "link");
  const Bundle without = model.signed_by(kSeed);
  std::filesystem::rename(model.path() / "weights-b", model.path() / "weights/b");
  std::filesystem::create_symlink("weights/b", model.path() / "weights-b");
  expect_refused(model.verify(without, trusting(kSeed), how), Code::kDenied, "symbolic link");
}

TEST(ModelVerify, ShardsOfAnotherLength) {
  ModelFiles model;
  put(model.path() / "config.json", "0123456789");
  std::filesystem::remove_all(model.path() / "weights");
  std::filesystem::remove(model.path() / "weights-b");
  Statement statement;
  statement.shard_size = 8;
  statement.resources = {{"config.json", 0, 8, crypto::sha256(as_bytes("01234567"))},
                         {"config.json", 8, 10, crypto::sha256(as_bytes("89"))}};
  Progress progress;
  const auto compare = [&] { return value_of(compare_files(model.tree(), statement, {}, progress)); };
  EXPECT_TRUE(compare().none());
  put(model.path() / "config.json", "01234567890");
  EXPECT_EQ(compare().changed.size(), 1U);
  put(model.path() / "config.json", "0123456788");
  EXPECT_EQ(compare().changed.size(), 1U);
  put(model.path() / "config.json", "012345678");
  EXPECT_EQ(compare().changed.size(), 1U);
}

TEST(ModelVerify, OneFileByEitherName) {
  ModelFiles model;
  Progress progress;
  const Tree tree = value_of(Tree::open(model.path() / "config.json"));
  Statement statement = value_of(describe_model(tree, {}, progress));
  EXPECT_EQ(statement.resources.front().path, ".");
  EXPECT_TRUE(value_of(compare_files(tree, statement, {}, progress)).none());
  statement.resources.front().path = "config.json";
  EXPECT_TRUE(value_of(compare_files(tree, statement, {}, progress)).none());
  statement.resources.front().path = "other.json";
  EXPECT_FALSE(value_of(compare_files(tree, statement, {}, progress)).none());
}

TEST(ModelVerify, SwappedAfterTheCheck) {
  ModelFiles model;
  const VerifiedModel verified = value_of(model.verify(model.signed_by(kSeed), trusting(kSeed)));
  const auto load = [&](const std::string& name) -> Result<Bytes> {
    std::filesystem::remove(model.outside("memory"));
    CLOISTER_TRY(const File memory, File::create_new(model.outside("memory")));
    CLOISTER_RETURN_IF_ERROR(verified.load(name, memory, model.progress()));
    return read_file(model.outside("memory"), 1000);
  };
  EXPECT_EQ(as_text(value_of(load("weights-b"))), "more");
  expect_refused(load("none"), Code::kNotFound, "none");
  put(model.path() / "weights-b", "evil");
  expect_refused(load("weights-b"), Code::kCorrupt, "somebody changed it");
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{1} << 30}) {
    std::filesystem::resize_file(model.path() / "weights-b", size);
    expect_refused(load("weights-b"), Code::kCorrupt, "another length");
    EXPECT_EQ(std::filesystem::file_size(model.outside("memory")), 0U);
  }
  std::filesystem::remove(model.path() / "weights-b");
  put(model.outside("aside"), "more");
  std::filesystem::create_symlink("../aside", model.path() / "weights-b");
  expect_refused(load("weights-b"), Code::kDenied, "symbolic link");
}

TEST(ModelVerify, SignatureThatNobodyCouldRead) {
  ModelFiles model;
  crypto::MemorySigner signer(testing::key_of_seed(kSeed));
  Statement wildcard = model.statement();
  wildcard.ignored.emplace_back("model[1].sig");
  expect_refused(sign_statement(wildcard, signer, {}), Code::kInvalid, "nobody could read");
  Statement name = model.statement();
  name.subject = "llama\xff";
  expect_refused(sign_statement(name, signer, {}), Code::kInvalid, "nobody could read");
  Statement many = model.statement();
  many.ignored.assign(kIgnoredMax + 1, "weights");
  expect_refused(sign_statement(many, signer, {}), Code::kInvalid, "nobody could read");
  const std::string large(kBundleSizeMax / 4 * 3 + 1, ' ');
  expect_refused(sign_payload("text/plain", large, signer, {}), Code::kInvalid, "nobody could read");
}

TEST(ModelVerify, NothingToSign) {
  ModelFiles model;
  std::filesystem::remove_all(model.path());
  put(model.path() / ".git/config", "x");
  Progress progress;
  expect_refused(describe_model(model.tree(), {}, progress), Code::kInvalid, "no file");
}

TEST(ModelVerify, DifferencesAreBounded) {
  Differences differences;
  for (int i = 0; i < 100; ++i) differences.extra.push_back("file" + std::to_string(i));
  EXPECT_NE(to_text(differences).find("and 92 more"), std::string::npos);
}

}  // namespace
}  // namespace cloister::model
