// Where tenants, KEK versions, keyrings and audit rows are kept, in SQLite or in PostgreSQL. Every change is one
// transaction that carries its audit row. docs/formats/key-hierarchy.md.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/chain.h"
#include "base/file.h"
#include "crypto/key_wrapper.h"
#include "keys/audit_rows.h"
#include "keys/database.h"

namespace cloister::keys {

class Anchor;

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

// What makes a repeated request the same one: kept with the change that it made, until it expires.
struct RequestKey {
  crypto::Sha256Digest key{};
  crypto::Sha256Digest digest{};  // of what was asked for
  Time expires;
};

// An audit row to be, and what belongs to it: what else its record says, and the request that its change is for.
struct AuditEntry {
  AuditEntry() = default;
  AuditEntry(audit::Event said) : event(std::move(said)) {}
  AuditEntry(audit::Event said, audit::Extras more, std::optional<RequestKey> of = {})
      : event(std::move(said)), extras(std::move(more)), request(std::move(of)) {}

  audit::Event event;
  audit::Extras extras;
  std::optional<RequestKey> request;
};

// The state that a row was read in. No dataset: the tenant's own row.
struct RowVersion {
  std::string tenant, environment, dataset;
  std::uint64_t row_version = 0;
  bool same_row(const RowVersion& other) const;
  friend auto operator<=>(const RowVersion&, const RowVersion&) = default;
};

// A use of a key, or its refusal, and the rows that decided about it: none need be named.
struct Use {
  audit::Event event;
  audit::Extras extras;
  std::vector<RowVersion> seen;
};

// Where a record stands. docs/formats/audit-log.md.
struct Recorded {
  std::string origin;
  std::uint64_t index = 0;
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
  // Names that begin with `prefix`, of ASCII, and their values; by name.
  Result<std::vector<std::pair<std::string, std::string>>> settings(std::string_view prefix);
  Result<std::vector<TenantRecord>> tenants();
  Result<TenantRecord> tenant(std::string_view tenant, std::string_view environment);  // kNotFound
  Result<std::vector<DatasetRecord>> datasets(std::string_view tenant, std::string_view environment);
  Result<DatasetRecord> dataset(std::string_view tenant, std::string_view environment, std::string_view dataset);

  // A transaction: all of it happens, with its audit row, or nothing.
  class Change {
   public:
    Status put_setting(std::string_view name, std::string_view value);
    Status remove_setting(std::string_view name);   // nothing happens where there is none
    Status add_tenant(const TenantRecord& tenant);  // kExists
    // Replaces versions and settings; kUnavailable when row_version isn't the stored one any more.
    Status update_tenant(const TenantRecord& tenant);
    Status add_dataset(const DatasetRecord& dataset);     // kExists
    Status update_dataset(const DatasetRecord& dataset);  // kUnavailable, as above

    // The audit row to be: what is known only now goes into its detail.
    audit::Event& event() { return entry_.event; }
    audit::Extras& extras() { return entry_.extras; }

   private:
    friend class Store;
    Change(Database& database, const AuditEntry& entry) : database_(database), entry_(entry) {}
    void saw(RowVersion read);
    // Its update compared by itself; from now on only this change sees the row as it is.
    void updated(const RowVersion& read);
    Database& database_;
    AuditEntry entry_;
    std::vector<RowVersion> reads_, updates_;
  };
  // Runs `body` in a serializable transaction, appends the entry's row and commits. `body` may be run several times,
  // each time with nothing of the run before in the store or in its Change: it must keep nothing either. When it fails,
  // everything is rolled back and its error returned; a refusal is then recorded with record(). With a request's key
  // that is there already: kExists, the message beginning "request key".
  Status change(const AuditEntry& entry, const std::function<Status(Change&)>& body);
  // What a change was made for; it may have expired. Expired ones are removed now and then as new ones come.
  Result<std::optional<RequestKey>> find_request(const crypto::Sha256Digest& key);

  // An audit row alone, for what changed nothing: uses and refusals. Durable when it returns.
  Status record(const AuditEntry& entry);
  // The same for many, in one transaction. In their order, where each one's record stands; nothing for one that wasn't
  // recorded, because a row that it saw was changed since: look again.
  Result<std::vector<std::optional<Recorded>>> record_uses(std::span<const Use> uses);

  // Where the newest record stands that this object left by change() or record(); nothing before the first.
  Result<std::optional<Recorded>> last_recorded();

  // From the first. kCorrupt at the end when rows are missing there; what they say is audit::ChainVerifier's to check.
  Status for_each_audit_row(const std::function<Status(const audit::Row&)>& body);
  Result<AuditHead> audit_head();
  // Of that row, counted from 1. kNotFound where there is none.
  Result<audit::RowHash> audit_hash(std::uint64_t sequence);

  // From now on every change is noted in the anchor, too: kInternal of change() may then also be that it happened and
  // the anchor couldn't be told, kDenied that the store contradicts it, and both say so. With Anchor::check()'s codes.
  Status follow(const Anchor& anchor);
  // Whether that is what change() meant by this error, its last of that sort.
  bool is_done(const Error& error) const;

  // The server part of the origins of this store's trees: SERVER/TENANT, and SERVER/- for what concerns no tenant.
  Result<std::string> log_server();
  // Origins of those that have records, in order.
  Result<std::vector<std::string>> trees();
  // kInvalid for an origin that this store can't have. A tree without records is empty. kCorrupt when its newest record
  // isn't there.
  Result<audit::TreeHead> tree_head(std::string_view origin);
  // At most `count` records from index `from` on, in order.
  Status for_each_record(std::string_view origin, std::uint64_t from, std::uint64_t count,
                         const std::function<Status(const audit::LogRecord&)>& body);
  // For audit::inclusion_proof() and consistency_proof(). kNotFound for a node that isn't complete.
  Result<audit::Hash> tree_node(std::string_view origin, const audit::NodeId& id);

  // Removes overwritten values from the database's files, as far as it reaches them. kUnavailable while others read.
  Status forget_overwritten(Overwritten what);
  // Bytes this store wrote to disk, or sent to the server to be written, since it was opened.
  std::uint64_t bytes_written() const;

  Database& database() { return *database_; }

 private:
  explicit Store(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  // Several reads of one state of the store; within a change, of the change's.
  Status read(const std::function<Status()>& body) { return database_->transaction({body, {}}); }
  static Result<bool> is_current(Connection& latest, const RowVersion& read);
  Result<std::string> tree_of(std::string_view origin);
  Status note_in_anchor(const audit::Event& event);
  std::unique_ptr<Database> database_;
  std::string log_server_;                      // once it was read
  std::optional<Error> unnoted_;                // of the last change that happened and isn't in the anchor
  std::optional<AuditAppender::Place> newest_;  // of this object's own records
  Change* change_ = nullptr;                    // whose body is running
};

}  // namespace cloister::keys
