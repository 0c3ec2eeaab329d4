// The key hierarchy: root -> KEK per tenant (and environment), in versions -> dataset keyrings. Every verb checks, acts
// in one transaction with its audit row, and says what it cost; refusals are recorded too.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/signed_note.h"
#include "crypto/key_wrapper.h"
#include "crypto/random.h"
#include "keys/root_use.h"
#include "keys/store.h"
#include "seal/keyring.h"

namespace cloister::keys {

// Who is asking, and when: handed down by the program.
struct Caller {
  std::string actor;
  Time now;
  audit::Extras extras = {};               // of every record that the verb leaves
  std::optional<RequestKey> request = {};  // of the change that the verb makes: Store::change()
};

struct DatasetName {
  std::string tenant, environment, dataset;
  std::string text() const;  // "acme/mnist" or "acme/production/mnist"
};
struct TenantName {
  std::string tenant, environment;
  std::string text() const;
};
// "acme", "acme/production"; kInvalid for anything else. Parts: 1 to 63 of a-z 0-9 . _ -, starting with a letter or
// digit, and neither `any` nor `none`, which are words of policies.
Result<TenantName> parse_tenant_name(std::string_view text);
// "acme/mnist" or "acme/production/mnist".
Result<DatasetName> parse_dataset_name(std::string_view text);

struct Cost {
  std::uint64_t objects_touched = 0;  // keyrings rewrapped, key versions written
  std::uint64_t bytes_written = 0;
  // Datasets whose keyring no enabled version opens: left behind by a rotation, or shredded by a destruction.
  std::uint64_t datasets_unreadable = 0;
  double seconds = 0;
};

// What rotate_due() did, also where it failed in between.
struct DueRotations {
  std::vector<std::string> rotated;  // names of tenants
  Cost cost;
  std::optional<Error> failure;  // the first; the others were rotated all the same
};

// What a move between roots did.
struct Move {
  Cost cost;
  std::uint64_t wraps = 0;           // brought over: KEK versions, or settings
  std::vector<std::string> sources;  // ids of the roots they were under
  bool nothing_to_do() const { return wraps == 0; }
};

// Datasets of the tenant whose keyring is under that KEK version: what destroying it makes unreadable. Needs no root.
Result<std::vector<std::string>> datasets_under(Store& store, const TenantName& name, std::uint32_t version);

// When the KEK is due for rotation: up to a tenth of its period before that is over, by a hash of its id and version,
// so that KEKs made at once aren't rotated at once. Nothing where it is rotated by hand.
std::optional<Time> rotation_due(const TenantRecord& tenant);

// What a new home is called. The log's server names the origins of its trees and is the same for ever: 1 to 190 bytes
// without spaces and '+'. Empty: a random one, `cloister-` and 16 hexadecimal digits.
struct HomeNames {
  HomeNames(const char* root) : root_id(root) {}
  HomeNames(std::string root, std::string server = {}) : root_id(std::move(root)), log_server(std::move(server)) {}
  std::string root_id;
  std::string log_server;
};

// What stands in the way of using any of a dataset's keys.
enum class HoldState { kNone, kDisabled, kDestructionScheduled, kDestroyed };
struct DatasetHold {
  HoldState state = HoldState::kNone;
  std::optional<Time> destroy_at = {};  // while destruction is scheduled
};

inline constexpr Duration kDestructionWaitDefault = days(30);
inline constexpr Duration kDestructionWaitMin = days(7);

// One thread at a time.
class Hierarchy {
 public:
  // Records which root this home uses; a later open with another root is kDenied. Makes the log's signing key.
  static Result<Hierarchy> create(Store store, crypto::KeyWrapper& root, HomeNames names, crypto::Random& random,
                                  const Caller& caller);
  static Result<Hierarchy> open(Store store, std::shared_ptr<Roots> roots, crypto::Random& random);
  // With one root, which outlives it and stands for all.
  static Result<Hierarchy> open(Store store, crypto::KeyWrapper& root, std::string root_id, crypto::Random& random);
  Hierarchy(Hierarchy&&) noexcept;
  Hierarchy& operator=(Hierarchy&&) noexcept;
  ~Hierarchy();

  Store& store();

  // Its KEK is under the root of that name; empty: under the home's own.
  Result<TenantRecord> create_tenant(const TenantName& name, std::optional<Duration> rotate_after, const Caller& caller,
                                     std::string_view root = {});

  // A new KEK version; every keyring of the tenant is rewrapped to it in the same transaction. The old version stays
  // enabled, so that backups of the store still open, until it is disabled or destroyed.
  // `reason` goes into the audit row.
  Result<Cost> rotate_kek(const TenantName& name, const Caller& caller, std::string_view reason = {});
  // Those whose rotation_due() has come. Each is rotated once, however many programs do this at once. The caller's
  // request, being of one change, is left out.
  Result<DueRotations> rotate_due(const Caller& caller);
  Status set_rotate_after(const TenantName& name, std::optional<Duration> rotate_after, const Caller& caller);

  // Brings what a root wraps of the tenant under another: all versions of its KEK, whatever their state, and a new one,
  // to which the keyrings are rewrapped, where the newest is enabled. One change, in which nobody waits for a root;
  // every new wrap was opened again before it. Nothing happens, and no row is written, where all of it is there
  // already: a move of many tenants that was interrupted is run again. Sealed data isn't touched, nor read.
  Result<Move> move_kek(const TenantName& name, std::string_view root, const Caller& caller);

  // Makes a root known. It must wrap, open, and open nowhere else. Nothing happens where it is known already; kExists:
  // the name for another key, or the key under another name.
  Result<KnownRoot> add_root(std::string_view name, const OpenedRoot& root, const Caller& caller);
  // kDenied while it is the home's own or anything is under it: `settings` are all settings that can be.
  Status remove_root(std::string_view name, std::span<const RootedSetting* const> settings, const Caller& caller);
  // The root becomes the home's own, and `settings` are brought under it, in one change as above. Again for one that is
  // it already: what was left elsewhere is brought over.
  Result<Move> move_home(std::string_view root, std::span<const RootedSetting* const> settings, const Caller& caller);
  // Opens everything that is under the root. Returns how many wraps there are; the error names the first that fails.
  Result<std::uint64_t> open_all_under(std::string_view root, std::span<const RootedSetting* const> settings);

  // kDenied for what a state doesn't allow: destroying at once, enabling a destroyed version, …
  Status disable_kek(const TenantName& name, std::uint32_t version, const Caller& caller);
  Status enable_kek(const TenantName& name, std::uint32_t version, const Caller& caller);
  // kInvalid for a wait under seven days. A scheduled version doesn't unwrap.
  Result<Time> schedule_kek_destruction(const TenantName& name, std::uint32_t version, Duration wait,
                                        const Caller& caller);
  Status cancel_kek_destruction(const TenantName& name, std::uint32_t version, const Caller& caller);
  // Crypto-shredding: after the wait has passed; the wrapped key is overwritten. What only this version could open can
  // never be opened again.
  Result<Cost> destroy_kek(const TenantName& name, std::uint32_t version, const Caller& caller);
  // The same without the wait, for a key known to have leaked: nothing can be cancelled afterwards. `reason` is
  // required (kInvalid when empty) and goes into the audit row.
  Result<Cost> destroy_kek_immediately(const TenantName& name, std::uint32_t version, std::string_view reason,
                                       const Caller& caller);

  Status create_dataset(const DatasetName& name, const Caller& caller);
  // A new dataset key version; slots of existing objects are brought to it by seal::rewrap_slots.
  Result<Cost> rotate_dataset_key(const DatasetName& name, const Caller& caller);
  Status set_dataset_key_state(const DatasetName& name, std::uint32_t version, seal::DatasetKeyState state,
                               const Caller& caller);
  Result<crypto::HpkePublicKey> add_recipient(const DatasetName& name, crypto::HpkeKem kem, const Caller& caller);

  // The dataset as a whole: while it is held its keyring isn't unlocked, nor its key rotated. kDenied for what its hold
  // doesn't allow; kInvalid for a wait under seven days. Cancelled destruction leaves it disabled.
  Status disable_dataset(const DatasetName& name, const Caller& caller);
  Status enable_dataset(const DatasetName& name, const Caller& caller);
  Result<Time> schedule_dataset_destruction(const DatasetName& name, Duration wait, const Caller& caller);
  Status cancel_dataset_destruction(const DatasetName& name, const Caller& caller);
  // When its time has come: every version that was ever used is overwritten.
  Status destroy_dataset(const DatasetName& name, const Caller& caller);

  // The keyring, unlocked: one key request, recorded. `purpose` says what for: "seal", "open", "rewrap", …
  Result<seal::Keyring> unlock_keyring(const DatasetName& name, std::string_view purpose, const Caller& caller);

  // A keyring that travels: its ring key wrapped by `target` (a recipient's key or a passphrase).
  Result<Bytes> export_keyring(const DatasetName& name, crypto::KeyWrapper& target, const Caller& caller);
  // Under the name it was exported with, which must not exist here (kExists); its tenant must (kNotFound).
  Result<DatasetName> import_keyring(ByteView bytes, crypto::KeyWrapper& source, const Caller& caller);

  // An audit row for something done with keys outside this class: an object sealed, opened, refused.
  Status record(const AuditEntry& entry);

  // The tree as it is now, signed (audit::sign_checkpoint()): origins are Store's. The key is made at the first need
  // where init didn't, and recorded as of `now`. kCorrupt when the tree doesn't continue what this object signed
  // before.
  Result<std::string> sign_checkpoint(std::string_view origin, Time now);
  // Text of another kind, signed with the log's key. kInvalid for text that could be taken for a checkpoint.
  Result<std::string> sign_note(std::string_view origin, const std::string& text, Time now);
  // What verifies those. kNotFound before the key was made.
  Result<audit::VerifierKey> log_key(std::string_view origin);

 private:
  struct State;
  explicit Hierarchy(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cloister::keys
