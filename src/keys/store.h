// Where tenants, KEK versions, keyrings and audit rows are kept, in SQLite or in PostgreSQL. Every change is one
// transaction that carries its audit row. docs/formats/key-hierarchy.md.
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
#include "keys/audit_rows.h"
#include "keys/database.h"

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

// One thread at a time; several processes, and with PostgreSQL several machines, may have the same store open.
// kUnavailable: it stayed locked for ten seconds, or can't be reached.
class Store {
 public:
  // An SQLite file: keys/sqlite.h says what is refused. kCorrupt when the newest audit rows are missing.
  static Result<Store> create(const Path& path);
  static Result<Store> open(const Path& path);
  // In any database that its driver has opened. kCorrupt as above.
  static Result<Store> open(std::unique_ptr<Database> database);

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
    // The state that a row was read in. No dataset: a tenant's.
    struct Read {
      std::string tenant, environment, dataset;
      std::uint64_t row_version = 0;
      bool same_row(const Read& other) const;
    };
    Change(Database& database, audit::Event event) : database_(database), event_(std::move(event)) {}
    void saw(Read read);
    // Its update compared by itself; from now on only this change sees the row as it is.
    void updated(const Read& read);
    Database& database_;
    audit::Event event_;
    std::vector<Read> reads_, updates_;
  };
  // Runs `body` in a serializable transaction, appends `event` and commits. `body` may be run several times, each time
  // with nothing of the run before in the store or in its Change: it must keep nothing either. When it fails,
  // everything is rolled back and its error returned; a refusal is then recorded with record().
  Status change(const audit::Event& event, const std::function<Status(Change&)>& body);
  // An audit row alone, for what changed nothing: uses and refusals. Durable when it returns.
  Status record(const audit::Event& event);
  // The same for a use that these two allowed. False, and no row, when one of them was changed since it was read: look
  // again.
  Result<bool> record_use(const audit::Event& event, const TenantRecord& tenant, const DatasetRecord& dataset);

  // From the first. kCorrupt at the end when rows are missing there; the chain itself is audit::ChainVerifier's to
  // check.
  Status for_each_audit_row(const std::function<Status(const audit::Row&)>& body);
  Result<AuditHead> audit_head();

  // Removes overwritten values from the database's files, as far as it reaches them. kUnavailable while others read.
  Status forget_overwritten(Overwritten what);
  // Bytes this store wrote to disk, or sent to the server to be written, since it was opened.
  std::uint64_t bytes_written() const;

  Database& database() { return *database_; }

 private:
  explicit Store(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  // Several reads of one state of the store; within a change, of the change's.
  Status read(const std::function<Status()>& body) { return database_->transaction({body, {}}); }
  static Result<bool> is_current(Connection& latest, const Change::Read& read);
  std::unique_ptr<Database> database_;
  Change* change_ = nullptr;  // whose body is running
};

}  // namespace cloister::keys
