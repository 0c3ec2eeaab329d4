// A home of the red team's own: a software root, a store and two canary tenants in a private folder, made and opened by
// the same code as any home. Attacks on keys and logs are made there, so that no real key and no real data is touched.
#pragma once

#include <memory>

#include "keys/hierarchy.h"
#include "redteam/cipher_drills.h"
#include "redteam/exercise.h"
#include "redteam/host_attacks.h"
#include "redteam/key_drills.h"
#include "redteam/object_attacks.h"

namespace cloister::redteam {

inline const keys::DatasetName kAlder{"redteam-alder", "", "canary"};
inline const keys::DatasetName kBirch{"redteam-birch", "", "canary"};

// One thread at a time.
class Lab {
 public:
  static Result<std::unique_ptr<Lab>> create(const Field& field);
  ~Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  const Path& folder() const { return folder_; }
  Path store_path() const { return folder_ / "keys.db"; }
  Path root_path() const { return folder_ / "root.key"; }
  keys::Hierarchy& keys() { return *keys_; }
  keys::Caller caller() const { return {"redteam", now_}; }

  // A payload of that many random bytes, sealed under a name that isn't there yet.
  Result<Path> seal(const keys::DatasetName& dataset, const std::string& name, std::size_t size);
  // With the dataset's keys as they are now, unlocked once.
  Result<OpenObject> opener(const keys::DatasetName& dataset);
  // As another process would, with nothing of this one: store, root and keys are opened anew for each object. Any
  // thread may call what it returns.
  OpenObject fresh_opener(const keys::DatasetName& dataset) const;

  // Opens what is sealed under the dataset's keys of now.
  Result<std::shared_ptr<crypto::KeyWrapper>> wrapper_of(const keys::DatasetName& dataset);

 private:
  Lab(const Field& field) : folder_(field.folder / "lab"), random_(field.random), now_(field.now) {}
  Status make();

  const Path folder_;
  crypto::Random* const random_;
  const Time now_;
  std::unique_ptr<crypto::KeyWrapper> root_;
  std::optional<keys::Hierarchy> keys_;
};

// What a home is opened from.
struct HomeParts {
  Path store, root;
  Path anchor;  // empty: none
};
Status seal_in_home(const HomeParts& home, const keys::DatasetName& dataset, Time now, const Path& object,
                    std::size_t size);
Result<Bytes> open_in_home(const HomeParts& home, const keys::DatasetName& dataset, Time now, const Path& object);

// Reads all of it, as `cloister open` does.
Result<Bytes> open_whole(const Path& object, crypto::KeyWrapper& wrapper);

Result<SurgeryTarget> surgery_target(Lab& lab);
TwoKeysTarget two_keys_target();
Result<TenantsTarget> tenants_target(Lab& lab);
// What a backup of the canary home has, and tries without its root key.
Result<BackupTarget> backup_target(Lab& lab, const Field& field);

Result<KekRotationTarget> kek_rotation_target(Lab& lab);
Result<DekRotationTarget> dek_rotation_target(Lab& lab, const Field& field);
Result<DestructionTarget> destruction_target(Lab& lab, const Field& field);
Result<RestoredStoreTarget> restored_store_target(Lab& lab, const Field& field);
Result<NoncesTarget> nonces_target(Lab& lab, const Field& field);
Result<OracleTarget> oracle_target(Lab& lab);

}  // namespace cloister::redteam
