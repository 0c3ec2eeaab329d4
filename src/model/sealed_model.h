// A model that is signed and sealed: the signature is over the files as they were before sealing, and lies sealed among
// them as model.sig. Only who can open it can verify it, and nothing of it is taken that wasn't signed.
#pragma once

#include <map>

#include "model/verify.h"
#include "seal/directory.h"

namespace cloister::model {

inline constexpr std::string_view kSignatureName = "model.sig";

// Any number of threads may read at once.
class SealedModel {
 public:
  // Manifest and signature are verified, and that exactly the signed files are there: kCorrupt with what is missing or
  // extra. kNotFound when it isn't signed; kUnsupported for signatures over shards; verify_signature()'s codes and
  // those of seal::read_manifest(). `keys` outlive it.
  static Result<SealedModel> open(const Path& directory, const seal::DirectoryKeys& keys,
                                  std::span<const TrustedSigner> trusted, Time now);

  const Signed& what() const { return signed_; }
  std::vector<std::string> names() const;
  std::uint64_t size(const std::string& name) const { return files_.at(name).entry.plaintext_len; }
  std::uint32_t mode(const std::string& name) const { return files_.at(name).entry.mode; }

  // One of names() in order to `sink`. kCorrupt when it isn't what was signed: then what the sink was given must be
  // thrown away.
  Status read(const std::string& name, unsigned threads, Progress& progress, const PieceSink& sink) const;

 private:
  struct SealedFile {
    seal::ManifestEntry entry;
    crypto::Sha256Digest digest;
  };
  SealedModel(Path directory, const seal::DirectoryKeys& keys, Signed what)
      : directory_(std::move(directory)), keys_(&keys), signed_(std::move(what)) {}
  Status match(const seal::Manifest& manifest);

  Path directory_;
  const seal::DirectoryKeys* keys_;
  Signed signed_;
  std::map<std::string, SealedFile> files_;
};

}  // namespace cloister::model
