// A model in a folder of the test's own, its signer, and bundles to change.
#pragma once

#include "model/sign.h"
#include "model/verify.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace cloister::model {

inline void put(const Path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  CLOISTER_CHECK(write_file(path, as_bytes(text), Overwrite::kReplace).ok());
}

class ModelFiles {
 public:
  ModelFiles() {
    put(path() / "config.json", R"({"layers": 2})");
    put(path() / "weights/a.safetensors", "weights");
    put(path() / "weights-b", "more");
  }

  Path path() const { return folder_ / "llama"; }
  Path outside(std::string_view name) const { return folder_ / name; }
  Tree tree() const { return testing::value_of(Tree::open(path())); }

  Statement statement(const TreeRules& rules = {}) {
    return testing::value_of(describe_model(tree(), {rules, 2}, progress_));
  }
  Bundle signed_by(std::uint64_t seed, crypto::KeyType type = crypto::KeyType::kEcP256) {
    return sign(statement(), seed, type);
  }
  static Bundle sign(const Statement& statement, std::uint64_t seed, crypto::KeyType type = crypto::KeyType::kEcP256) {
    crypto::MemorySigner signer(testing::key_of_seed(seed, type));
    return testing::value_of(sign_statement(statement, signer, {}));
  }
  Result<VerifiedModel> verify(const Bundle& bundle, std::span<const TrustedSigner> trusted,
                               const CheckFiles& how = {}) {
    return VerifiedModel::verify(tree(), bundle, trusted, how, testing::kNow, progress_);
  }
  Progress& progress() { return progress_; }

 private:
  testing::TempDir folder_;
  Progress progress_;
};

inline std::vector<TrustedSigner> trusting(std::uint64_t seed, crypto::KeyType type = crypto::KeyType::kEcP256) {
  TrustedSigner signer;
  signer.name = "release";
  signer.key = testing::key_of_seed(seed, type).public_key();
  return {signer};
}

}  // namespace cloister::model
