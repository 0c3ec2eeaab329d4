// A canary model in a private folder, signed by a canary key and listed in a ledger, and how a loader takes models.
#pragma once

#include <memory>

#include "model/ledger.h"
#include "redteam/exercise.h"

namespace cloister::redteam {

// The bytes of one file of a model that was verified before.
using LoadFile = std::function<Result<Bytes>(const std::string& name)>;

// How the deployment takes a model: what it asks before it reads a file, and reading them.
struct ModelLoader {
  // The signature is model.sig in the folder, the ledger is given. Well: it may be loaded.
  std::function<Result<LoadFile>(const Path& folder, const Path& ledger, Time now)> verify;
  // Whether one file may be loaded at all.
  std::function<Status(const Path& file)> check_file;
};

class ModelLab {
 public:
  static Result<std::unique_ptr<ModelLab>> create(const Field& field);

  Path folder(const std::string& name) const { return folder_ / name; }
  Path ledger() const { return folder_ / "canary.ledger"; }
  const model::TrustedSigner& signer() const { return signer_; }
  crypto::Signer& key() { return *key_; }
  crypto::Signer& stranger() { return *stranger_; }

  // A copy of the canary, with its signature, under another name.
  Result<Path> copy(const std::string& name) const;
  Result<model::Bundle> bundle_of(const Path& folder) const;
  // Signed over as the files there are now.
  Status sign(const Path& folder, crypto::Signer& by) const;
  Status put_bundle(const Path& folder, const model::Bundle& bundle) const;
  // Signed with the canary's key, unless another is given.
  Status write_ledger(const model::Ledger& ledger, const Path& path, crypto::Signer& by) const;
  const model::Ledger& versions() const { return versions_; }

 private:
  explicit ModelLab(Path folder) : folder_(std::move(folder)) {}
  Status make(const Field& field);

  const Path folder_;
  std::unique_ptr<crypto::Signer> key_, stranger_;
  model::TrustedSigner signer_;
  model::Ledger versions_;
};

// A file of a model, whole under its name.
Status put_file(const Path& path, ByteView bytes);

// This program's: the signature by the canary's key until `until`, its ledger with a memory of its own, and every file
// read through VerifiedModel. For the life of the lab.
ModelLoader loader_of(const ModelLab& lab, std::optional<Time> until);

}  // namespace cloister::redteam
