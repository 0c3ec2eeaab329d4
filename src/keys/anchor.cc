#include "keys/anchor.h"

#include <algorithm>
#include <thread>

#include "keys/hierarchy.h"
#include "keys/store.h"

namespace cloister::keys {
namespace {

constexpr std::uint64_t kSizeMax = std::uint64_t{64} << 20;
constexpr double kPatienceSeconds = 10;
constexpr std::uint64_t kRowsAtOnce = 1000;
constexpr std::uint64_t kRowsReadMax = 50'000;  // beyond it all tenants are looked at, which is less

std::string text_of(const DestroyedKey& key) {
  return (key.kek ? "version " + std::to_string(key.version) + " of the KEK of "
                  : "version " + std::to_string(key.version) + " of the key of ") +
         key.owner;
}

Status add_destroyed_of(Store& store, const TenantRecord& tenant, std::set<DestroyedKey>& out) {
  for (const KekVersion& version : tenant.versions) {
    if (version.state == KeyState::kDestroyed) out.insert({tenant.name(), tenant.kek_id, version.version, true});
  }
  CLOISTER_TRY(const auto datasets, store.datasets(tenant.tenant, tenant.environment));
  for (const DatasetRecord& dataset : datasets) {
    CLOISTER_TRY(const seal::KeyringOutline outline, seal::parse_keyring(dataset.keyring));
    for (const seal::DatasetKeyEntry& key : outline.keys) {
      if (key.state != seal::DatasetKeyState::kDestroyed) continue;
      out.insert({dataset.name(), to_hex(outline.keyring_id), key.version, false});
    }
  }
  return {};
}

Status add_all_destroyed(Store& store, std::set<DestroyedKey>& out) {
  CLOISTER_TRY(const auto tenants, store.tenants());
  for (const TenantRecord& tenant : tenants) CLOISTER_RETURN_IF_ERROR(add_destroyed_of(store, tenant, out));
  return {};
}

bool may_destroy(const audit::Event& event) {
  return event.action.starts_with("kek.destroy") || event.action == "dataset.destroy" ||
         event.action == "dataset_key.set_state";
}

// By whatever program it was done, one that knows of no anchor too.
Status add_destroyed_since(Store& store, std::uint64_t from, std::uint64_t to, std::set<DestroyedKey>& out) {
  if (to - from > kRowsReadMax) return add_all_destroyed(store, out);
  std::set<std::string> tenants;
  while (from < to) {
    CLOISTER_TRY(const auto rows, read_audit_rows(store.database(), from, kRowsAtOnce));
    if (rows.empty()) break;
    for (const audit::Row& row : rows) {
      if (may_destroy(row.event)) tenants.insert(row.event.tenant);
    }
    from = rows.back().sequence;
  }
  for (const std::string& tenant : tenants) {
    const auto name = parse_tenant_name(tenant);
    if (!name.ok()) continue;  // of a request that was refused for its name
    const auto record = store.tenant(name->tenant, name->environment);
    if (!record.ok() && record.error().code() == Code::kNotFound) continue;
    if (!record.ok()) return record.error();
    CLOISTER_RETURN_IF_ERROR(add_destroyed_of(store, *record, out));
  }
  return {};
}

Error comes_back(const DestroyedKey& key) {
  return Error(Code::kDenied, text_of(key) + " was destroyed, and this store has it: an older copy was put back");
}

// Still destroyed. What the store doesn't have at all was never put back.
Status check_kek(Store& store, const DestroyedKey& key) {
  CLOISTER_TRY(const TenantName name, parse_tenant_name(key.owner));
  const auto tenant = store.tenant(name.tenant, name.environment);
  if (!tenant.ok()) return tenant.error().code() == Code::kNotFound ? Status() : Status(tenant.error());
  if (tenant->kek_id != key.id) return {};
  const auto version = std::ranges::find(tenant->versions, key.version, &KekVersion::version);
  if (version == tenant->versions.end() || version->state == KeyState::kDestroyed) return {};
  return comes_back(key);
}

Status check_dataset_key(Store& store, const DestroyedKey& key) {
  CLOISTER_TRY(const DatasetName name, parse_dataset_name(key.owner));
  const auto dataset = store.dataset(name.tenant, name.environment, name.dataset);
  if (!dataset.ok()) return dataset.error().code() == Code::kNotFound ? Status() : Status(dataset.error());
  CLOISTER_TRY(const seal::KeyringOutline outline, seal::parse_keyring(dataset->keyring));
  if (to_hex(outline.keyring_id) != key.id) return {};
  const auto entry = std::ranges::find(outline.keys, key.version, &seal::DatasetKeyEntry::version);
  if (entry == outline.keys.end() || entry->state == seal::DatasetKeyState::kDestroyed) return {};
  return comes_back(key);
}

// The store goes on from where the anchor is.
Status check_past(const AnchorPoint& point, Store& store) {
  CLOISTER_TRY(const std::string home_id, store.setting("home_id"));
  if (home_id != point.home_id) return Error(Code::kDenied, "the anchor is of another home");
  CLOISTER_TRY(const AuditHead head, store.audit_head());
  if (head.rows < point.head.rows) {
    return Error(Code::kDenied, "the store is older than its anchor: its log has " + std::to_string(head.rows) +
                                    " rows, of " + std::to_string(point.head.rows) +
                                    " that there were: an older copy was put back");
  }
  CLOISTER_TRY(const audit::RowHash then, store.audit_hash(point.head.rows));
  if (then != point.head.hash) {
    return Error(Code::kDenied, "the store has another past than its anchor says: row " +
                                    std::to_string(point.head.rows) + " of its log isn't the one that there was");
  }
  return {};
}

Status check_against(const AnchorPoint& point, Store& store) {
  CLOISTER_RETURN_IF_ERROR(check_past(point, store));
  for (const DestroyedKey& key : point.destroyed) {
    CLOISTER_RETURN_IF_ERROR(key.kek ? check_kek(store, key) : check_dataset_key(store, key));
  }
  return {};
}

// Who may write there puts the anchor of another day in this one's place.
Status check_folder_of(const Path& file) {
  CLOISTER_TRY(const File folder, File::open_directory(file.parent_path().empty() ? Path(".") : file.parent_path()));
  return check_guarded(folder, Guard::kUnwritten);
}

// Not the folder itself, which everybody who may look into it could hold locked.
Result<File> open_lock(const Path& path) {
  auto made = File::create_new(path, 0600);
  if (made.ok() || made.error().code() != Code::kExists) return made;
  return File::open(path, File::Access::kReadWrite);
}

// With nobody else writing this anchor.
Result<File> lock_beside(const Path& file) {
  CLOISTER_RETURN_IF_ERROR(check_folder_of(file).with_context("the anchor's folder"));
  CLOISTER_TRY(File locked, open_lock(file.string() + ".lock"));
  const double until = monotonic_seconds() + kPatienceSeconds;
  while (true) {
    const Status came = locked.lock_exclusive();
    if (came.ok()) return locked;
    if (came.error().code() != Code::kUnavailable || monotonic_seconds() > until) return came.error();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

Status write(const Path& file, const AnchorPoint& point) {
  return write_file(file, as_bytes(format_anchor(point)), Overwrite::kReplace, 0600);
}

Result<AnchorPoint> point_of(Store& store) {
  AnchorPoint point;
  CLOISTER_TRY(point.home_id, store.setting("home_id"));
  CLOISTER_TRY(point.head, store.audit_head());
  return point;
}

}  // namespace

Result<AnchorPoint> Anchor::read() const {
  CLOISTER_RETURN_IF_ERROR(check_folder_of(file_).with_context("the folder of the store's anchor"));
  CLOISTER_TRY(const File file, File::open(file_).with_context("the store's anchor"));
  CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kUnwritten).with_context("the store's anchor"));
  CLOISTER_TRY(const Bytes bytes, read_rest(file, kSizeMax));
  return parse_anchor(as_text(bytes)).with_context("read " + file_.string());
}

Status Anchor::make(Store& store) const {
  CLOISTER_TRY(const File locked, lock_beside(file_));
  const auto before = read();
  AnchorPoint point;
  if (before.ok()) {
    CLOISTER_RETURN_IF_ERROR(check_against(*before, store).with_context("there is an anchor " + file_.string()));
    point.destroyed = before->destroyed;
  } else if (before.error().code() != Code::kNotFound) {
    return before.error();
  }
  CLOISTER_TRY(AnchorPoint now, point_of(store));
  now.destroyed = std::move(point.destroyed);
  CLOISTER_RETURN_IF_ERROR(add_all_destroyed(store, now.destroyed));
  return write(file_, now);
}

Status Anchor::check(Store& store) const {
  // The anchor first: what others write meanwhile makes the store newer, which is well.
  CLOISTER_TRY(const AnchorPoint point, read());
  return check_against(point, store).with_context("the anchor " + file_.string());
}

Status Anchor::advance(Store& store) const {
  CLOISTER_TRY(const File locked, lock_beside(file_));
  CLOISTER_TRY(AnchorPoint point, read());
  // A store that was put back under a program that runs mustn't become what every later one is held to. An anchor is
  // written after its change only, so that a store is never behind its own.
  CLOISTER_RETURN_IF_ERROR(check_past(point, store));
  CLOISTER_TRY(const AuditHead head, store.audit_head());
  if (head.rows <= point.head.rows) return {};
  CLOISTER_RETURN_IF_ERROR(add_destroyed_since(store, point.head.rows, head.rows, point.destroyed));
  point.head = head;
  return write(file_, point);
}

}  // namespace cloister::keys
