// Where tenants, KEK versions, keyrings and audit rows are kept: one SQLite file (WAL, synchronous FULL, mode 0600).
// Only store.cc and schema.cc know SQL. Every change is one transaction that carries its audit row.
// docs/formats/key-hierarchy.md.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/event.h"
#include "base/file.h"
#include "crypto/key_wrapper.h"

namespace cloister::keys {

enum class KeyState { kEnabled, kDisabled, kDestructionScheduled, kDestroyed };
std::string_view key_state_name(KeyState state);

struct KekVersion {
  std::uint32_t version = 0;
  KeyState state = KeyState::kEnabled;
  Time created;
  std::optional<Time> destroy_at;             // while destruction is scheduled
  std::array<std::uint8_t, 32> commitment{};  // crypto::key_commitment(kek, "kek")
  crypto::WrappedKey wrapped;                 // by the root; empty once destroyed
};

// The KEK of a tenant, or of a tenant and environment. The highest version wraps.
struct TenantRecord {
  std::string tenant;
  std::string environment;  // empty: none
  std::string kek_id;       // 32 hexadecimal digits
  Time created;
  std::optional<Duration> rotate_after;
  std::uint64_t row_version = 0;  // counts changes: compare-and-swap
  std::vector<KekVersion> versions;
  std::string name() const;  // "acme" or "acme/production"
};

struct DatasetRecord {
  std::string tenant, environment, dataset;
  Time created;
  std::uint64_t row_version = 0;
  Bytes keyring;             // docs/formats/keyring.md
  std::string name() const;  // "acme/mnist" or "acme/production/mnist"
};

// The newest audit row: noted elsewhere, it anchors every row up to it.
struct AuditHead {
  std::uint64_t rows = 0;
  audit::RowHash hash{};
};

// One thread at a time; several processes may have the file open. kUnavailable: it stayed locked for ten seconds.
class Store {
 public:
  // Its folder is made with mode 0700 if need be. The file appears complete or not at all. kExists.
  static Result<Store> create(const Path& path);
  // Brings an older schema up to date, in one transaction. kUnsupported for a newer one, kInvalid for what is no store,
  // kDenied for a file that others may write, kCorrupt when the newest audit rows are missing.
  static Result<Store> open(const Path& path);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  Result<std::string> setting(std::string_view name);  // kNotFound
  Result<std::vector<TenantRecord>> tenants();
  Result<TenantRecord> tenant(std::string_view tenant, std::string_view environment);  // kNotFound
  Result<std::vector<DatasetRecord>> datasets(std::string_view tenant, std::string_view environment);
  Result<DatasetRecord> dataset(std::string_view tenant, std::string_view environment, std::string_view dataset);

  // A transaction: all of it happens, with its audit row, or nothing.
  class Change {
   public:
    Status put_setting(std::string_view name, std::string_view value);
    Status add_tenant(const TenantRecord& tenant);  // kExists
    // Replaces versions and settings; kUnavailable when row_version isn't the stored one any more.
    Status update_tenant(const TenantRecord& tenant);
    Status add_dataset(const DatasetRecord& dataset);     // kExists
    Status update_dataset(const DatasetRecord& dataset);  // kUnavailable, as above

    // The audit row to be: what is known only now goes into its detail.
    audit::Event& event() { return event_; }

   private:
    friend class Store;
    Change(Store& store, audit::Event event) : store_(store), event_(std::move(event)) {}
    Status append_audit_row();
    Store& store_;
    audit::Event event_;
  };
  // Runs `body` in an immediate transaction, appends `event` and commits. When body fails, everything is rolled back
  // and its error returned; a refusal is then recorded with record().
  Status change(audit::Event event, const std::function<Status(Change&)>& body);
  // An audit row alone, for what changed nothing: uses and refusals. Durable when it returns.
  Status record(audit::Event event);

  // From the first. kCorrupt at the end when rows are missing there; the chain itself is audit::ChainVerifier's to
  // check.
  Status for_each_audit_row(const std::function<Status(const audit::Row&)>& body);
  Result<AuditHead> audit_head();

  // Moves everything from the write-ahead log into the file and empties the log, so that overwritten values are in
  // neither. kUnavailable while other processes read.
  Status forget_overwritten();
  // Bytes this store wrote to disk since it was opened: pages put into the write-ahead log, with their frame headers,
  // and pages moved out of it by forget_overwritten().
  std::uint64_t bytes_written() const;

 private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cloister::keys
