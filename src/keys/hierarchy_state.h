// What the parts of the hierarchy share. Used by hierarchy.cc, keks.cc and datasets.cc alone.
#pragma once

#include <functional>
#include <map>

#include "crypto/signature.h"
#include "keys/hierarchy.h"
#include "keys/kek_wrapper.h"

namespace cloister::keys {

struct KekTarget {
  const TenantName& name;
  std::uint32_t version;
};

// "1 dataset", "3 datasets".
std::string counted(std::uint64_t count, std::string_view noun);
std::string kek_subject(const TenantRecord& tenant, std::uint32_t version);
AuditEntry make_entry(const Caller& caller, std::string_view action, std::string tenant, std::string subject);

struct Hierarchy::State {
  Store store;
  crypto::KeyWrapper* root;
  crypto::Random* random;
  Bytes home_id;
  std::optional<crypto::SigningKey> log_signing_key;
  std::map<std::string, audit::TreeHead, std::less<>> signed_heads;  // by origin, the newest of each

  // Records what was refused, and returns why.
  Error refuse(AuditEntry entry, Error error);

  // KH-7.
  Status make_log_key(Store::Change& change);
  Status load_log_key();
  Status check_continues(std::string_view origin, const audit::TreeHead& head);

  // A new version of the tenant's KEK, wrapped by the root.
  Result<KekVersion> make_kek(const TenantRecord& tenant, std::uint32_t version, Time now);
  // kDenied, naming the state and the way out, unless the version is enabled.
  Result<KekWrapper> open_kek(const TenantRecord& tenant, const KekVersion& version);
  // The one that wraps: the newest.
  Result<KekWrapper> open_newest_kek(const TenantRecord& tenant);
  // The one that a keyring says wraps it. kDenied when that isn't this tenant's.
  Result<const KekVersion*> kek_of(const TenantRecord& tenant, const DatasetRecord& dataset);
  Result<seal::Keyring> unlock(const TenantRecord& tenant, const DatasetRecord& dataset);

  Status rotate_kek(Store::Change& change, TenantRecord tenant, Time now, Cost& cost);
  // False: somebody else has done it.
  Result<bool> rotate_if_due(const TenantRecord& tenant, const Caller& caller, Cost& cost);
  Status rewrap_keyrings(Store::Change& change, const TenantRecord& tenant, Cost& cost);
  Result<std::uint64_t> count_under(const TenantRecord& tenant, std::uint32_t version);

  // What becomes of a version: changes it and says so in the row's detail, or refuses.
  using Transition = std::function<Status(const TenantRecord& tenant, KekVersion& version, std::string& detail)>;
  Status change_kek(KekTarget target, std::string_view action, const Caller& caller, const Transition& transition);
  Result<Cost> destroy(KekTarget target, std::string_view action, const Caller& caller, const Transition& transition);

  // What becomes of a keyring: changes it and returns the row's detail, or refuses.
  using KeyringEdit = std::function<Result<std::string>(seal::Keyring& keyring)>;
  Status change_keyring(const DatasetName& name, std::string_view action, const Caller& caller,
                        const KeyringEdit& edit);

  // What becomes of a dataset's hold, and with it of its row; or refuses.
  using HoldTransition = std::function<Result<DatasetHold>(const DatasetHold& before, DatasetRecord& dataset)>;
  Status change_hold(const DatasetName& name, std::string_view action, const Caller& caller,
                     const HoldTransition& transition);
};

// What a verb costs, from its making to stop().
class Meter {
 public:
  explicit Meter(const Store& store);
  void stop(Cost& cost) const;

 private:
  const Store* store_;
  std::uint64_t bytes_before_;
  double started_;
};

}  // namespace cloister::keys
