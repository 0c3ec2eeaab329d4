// What the parts of the hierarchy share. Used by hierarchy.cc, keks.cc and datasets.cc alone.
#pragma once

#include <functional>
#include <map>

#include "crypto/signature.h"
#include "keys/hierarchy.h"
#include "keys/kek_wrapper.h"
#include "keys/root_use.h"

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
  State(Store of, std::shared_ptr<Roots> by, crypto::Random& from, Bytes home)
      : store(std::move(of)), roots(std::move(by)), random(&from), home_id(std::move(home)) {}

  Store store;
  std::shared_ptr<Roots> roots;
  crypto::Random* random;
  Bytes home_id;
  std::optional<crypto::SigningKey> log_signing_key;
  std::map<std::string, audit::TreeHead, std::less<>> signed_heads;  // by origin, the newest of each
  // KEKs that the verb in progress opened before its change began, so that nobody waits for a root while the store is
  // locked. By KEK and version.
  struct OpenKek {
    Bytes ciphertext;  // as it was when it was opened
    std::shared_ptr<KekWrapper> kek;
  };
  std::map<std::string, OpenKek> open_keks;
  // For the time of a verb that opens some.
  class KeepsOpen {
   public:
    explicit KeepsOpen(State& state) : state_(state) {}
    KeepsOpen(const KeepsOpen&) = delete;
    KeepsOpen& operator=(const KeepsOpen&) = delete;
    ~KeepsOpen() { state_.open_keks.clear(); }

   private:
    State& state_;
  };

  // Records what was refused, and returns why. What happened and isn't noted in the anchor wasn't refused.
  Error refuse(AuditEntry entry, Error error);

  // KH-7.
  Status load_log_key();
  Status check_continues(std::string_view origin, const audit::TreeHead& head);

  // The home's own.
  Result<OpenedRoot> home_root();
  // By its name, which the store knows.
  Result<OpenedRoot> named_root(std::string_view name);
  // The one that a new version of the tenant's KEK is to be under: that of its newest version there is.
  Result<OpenedRoot> root_for(const TenantRecord& tenant);
  // Within a change that puts something under a root: it wasn't removed in the meantime.
  Status check_still_known(std::string_view id);

  // KH-2.
  Result<crypto::WrapContext> kek_context(const TenantRecord& tenant, const KekVersion& version) const;
  // A new version of the tenant's KEK, wrapped by the root.
  Result<KekVersion> make_kek(const TenantRecord& tenant, std::uint32_t version, const OpenedRoot& root, Time now);
  // Whatever the version's state: moving it is no use of it.
  Result<crypto::Kek> unwrap_kek(const TenantRecord& tenant, const KekVersion& version);
  // kDenied, naming the state and the way out, unless the version is enabled.
  Result<std::shared_ptr<KekWrapper>> open_kek(const TenantRecord& tenant, const KekVersion& version);
  // The one that wraps: the newest.
  Result<std::shared_ptr<KekWrapper>> open_newest_kek(const TenantRecord& tenant);
  void keep_open(const TenantRecord& tenant, const KekVersion& version, std::shared_ptr<KekWrapper> kek);
  // Keeps what a change of the tenant's keyrings will need open.
  Status open_keks_of(const TenantRecord& tenant, std::span<const DatasetRecord> datasets);
  // The one that a keyring says wraps it. kDenied when that isn't this tenant's.
  Result<const KekVersion*> kek_of(const TenantRecord& tenant, const DatasetRecord& dataset);
  Result<seal::Keyring> unlock(const TenantRecord& tenant, const DatasetRecord& dataset);
  // Keeps open what a change of one dataset will need: the newest KEK, and that of its keyring if it has one.
  Status open_for(const DatasetName& name, const DatasetRecord* dataset);

  // The version that a rotation is going to add, made before the change begins.
  Result<KekVersion> prepare_rotation(const TenantRecord& tenant, Time now);
  Status rotate_kek(Store::Change& change, TenantRecord tenant, KekVersion made, Cost& cost);
  // False: somebody else has done it.
  Result<bool> rotate_if_due(const TenantRecord& tenant, const Caller& caller, Cost& cost);
  Status rewrap_keyrings(Store::Change& change, const TenantRecord& tenant, Cost& cost);
  Result<std::uint64_t> count_under(const TenantRecord& tenant, std::uint32_t version);

  // What a move makes of a tenant: its versions under the target, and a new one if the newest was enabled elsewhere.
  struct MovedTenant {
    TenantRecord tenant;
    std::vector<std::string> sources;  // ids of the roots that something was under
    std::uint64_t versions = 0;        // brought over
    bool fresh = false;                // there is a new version
  };
  Result<MovedTenant> prepare_move(TenantRecord tenant, const OpenedRoot& target, Time now);
  Status bring_over(const TenantRecord& tenant, KekVersion& version, const OpenedRoot& target);

  // The settings under the target, where they aren't yet, beside what they were.
  struct MovedSetting {
    std::string name;
    std::optional<std::string> before, after;  // nothing: there is none, nothing is to be written
  };
  Result<std::vector<MovedSetting>> prepare_settings(std::span<const RootedSetting* const> settings,
                                                     const OpenedRoot& target, Move& move);

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
