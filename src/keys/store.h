// Where tenants, KEK versions, keyrings and audit rows are kept: one SQLite file (WAL, synchronous FULL). The only file
// that knows SQL. Every change is one transaction that carries its audit row.
#pragma once

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
  Bytes keyring;  // docs/formats/keyring.md
};

// One thread at a time; several processes may have the file open. kUnavailable: it stayed locked for ten seconds.
class Store {
 public:
  static Result<Store> create(const Path& path);
  // Brings an older schema up to date, in one transaction. kUnsupported for a newer one.
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

   private:
    friend class Store;
    explicit Change(Store& store) : store_(store) {}
    Store& store_;
  };
  // Runs `body` in an immediate transaction, appends `event` and commits. When body fails, everything is rolled back
  // and its error returned; a refusal is then recorded with record().
  Status change(audit::Event event, const std::function<Status(Change&)>& body);
  // An audit row alone, for what changed nothing: uses and refusals. Durable when it returns.
  Status record(audit::Event event);

  Status for_each_audit_row(const std::function<Status(const audit::Row&)>& body);
  // Bytes written to disk by changes since the store was opened.
  std::uint64_t bytes_written() const;

 private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cloister::keys
