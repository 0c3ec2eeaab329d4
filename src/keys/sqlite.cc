#include "keys/sqlite.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

namespace cloister::keys {
namespace {

constexpr int kBusyTimeoutMs = 10'000;
constexpr std::int64_t kApplicationId = 0x434c5352;  // "CLSR"
constexpr std::uint64_t kWalFrameHeaderSize = 24;
constexpr std::size_t kStatementsKept = 64;

Code code_of(int sqlite_code) {
  switch (sqlite_code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY: return Code::kExists;
    case SQLITE_CONSTRAINT_TRIGGER: return Code::kDenied;
    default: break;
  }
  switch (sqlite_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Code::kUnavailable;
    case SQLITE_CORRUPT: return Code::kCorrupt;
    case SQLITE_NOTADB: return Code::kInvalid;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return Code::kDenied;
    case SQLITE_CONSTRAINT: return Code::kCorrupt;
    default: return Code::kInternal;
  }
}

// Wrapped keys are useless without the root, but whoever can write the file can put old rows back. Looked at by name:
// closing a descriptor of the file would drop the locks of every other connection of this process.
Status check_guarded(const Path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return error_from_errno(errno, "look at it");
  if (!S_ISREG(info.st_mode)) return Error(Code::kInvalid, "not a regular file");
  if (info.st_uid != ::geteuid() && info.st_uid != 0) {
    return Error(Code::kDenied, "it belongs to another user (uid " + std::to_string(info.st_uid) + ")");
  }
  if ((info.st_mode & 022) != 0) return Error(Code::kDenied, "others may write to it: set its mode to 0600");
  if (info.st_size == 0) return Error(Code::kInvalid, "the file is empty, not a key store");
  return {};
}

struct Close {
  void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Handle = std::unique_ptr<sqlite3, Close>;
using Prepared = std::unique_ptr<sqlite3_stmt, Finalize>;

Error error_of(sqlite3* handle, int code, std::string_view doing) {
  const char* words =
      (code & 0xff) == SQLITE_BUSY ? "another process kept the store locked for ten seconds" : sqlite3_errmsg(handle);
  return Error(code_of(code), std::string(doing) + ": " + words);
}

Status execute(sqlite3* handle, const char* sql) {
  const int code = sqlite3_exec(handle, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? ok_status() : Status(error_of(handle, code, "store"));
}

Result<Prepared> prepare(sqlite3* handle, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(handle, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) return error_of(handle, code, "store");
  return Prepared(statement);
}

// The one number a pragma or a count answers with.
Result<std::int64_t> ask(sqlite3* handle, const char* sql) {
  CLOISTER_TRY(const Prepared statement, prepare(handle, sql));
  const int code = sqlite3_step(statement.get());
  if (code != SQLITE_ROW) return error_of(handle, code, "store");
  return sqlite3_column_int64(statement.get(), 0);
}

int bind(sqlite3_stmt* statement, int at, const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return sqlite3_bind_int64(statement, at, *number);
  if (const auto* text = std::get_if<std::string>(&value)) {
    return sqlite3_bind_text(statement, at, text->data(), static_cast<int>(text->size()), SQLITE_TRANSIENT);
  }
  if (const auto* bytes = std::get_if<Bytes>(&value)) {
    const void* data = bytes->empty() ? static_cast<const void*>("") : bytes->data();
    return sqlite3_bind_blob(statement, at, data, static_cast<int>(bytes->size()), SQLITE_TRANSIENT);
  }
  return sqlite3_bind_null(statement, at);
}

Value column(sqlite3_stmt* statement, int at) {
  switch (sqlite3_column_type(statement, at)) {
    case SQLITE_INTEGER: return sqlite3_column_int64(statement, at);
    case SQLITE_TEXT: {
      const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement, at));
      if (data == nullptr) return std::string();
      return std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(statement, at)));
    }
    case SQLITE_BLOB: {
      const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement, at));
      if (data == nullptr) return Bytes();
      return Bytes(data, data + sqlite3_column_bytes(statement, at));
    }
    default: return std::monostate();
  }
}

// Statements that nobody is running, by their text.
using StatementCache = std::map<std::string, Prepared, std::less<>>;

class SqliteRows final : public Rows {
 public:
  SqliteRows(sqlite3* handle, std::string_view sql, Prepared statement, StatementCache& cache)
      : handle_(handle), sql_(sql), statement_(std::move(statement)), cache_(&cache) {}
  SqliteRows(const SqliteRows&) = delete;
  SqliteRows& operator=(const SqliteRows&) = delete;
  ~SqliteRows() override {
    sqlite3_reset(statement_.get());
    sqlite3_clear_bindings(statement_.get());
    if (cache_->size() < kStatementsKept) cache_->try_emplace(std::move(sql_), std::move(statement_));
  }

  Result<bool> next(Row& row) override {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_DONE) {
      changed_ = sqlite3_changes(handle_);
      return false;
    }
    if (code != SQLITE_ROW) return error_of(handle_, code, "store");
    row.clear();
    for (int i = 0; i < sqlite3_column_count(statement_.get()); ++i) row.push_back(column(statement_.get(), i));
    return true;
  }
  int changed() const override { return changed_; }

 private:
  sqlite3* handle_;
  std::string sql_;
  Prepared statement_;
  StatementCache* cache_;
  int changed_ = 0;
};

// The handle must outlive it.
class SqliteConnection final : public Connection {
 public:
  explicit SqliteConnection(sqlite3* handle) : handle_(handle) {}

  Result<std::unique_ptr<Rows>> run(std::string_view sql, std::span<const Value> parameters) override {
    CLOISTER_TRY(Prepared statement, take_or_prepare(sql));
    int code = SQLITE_OK;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      code |= bind(statement.get(), static_cast<int>(i) + 1, parameters[i]);
    }
    if (code != SQLITE_OK) return Error(Code::kInternal, "store: a value couldn't be bound");
    return std::unique_ptr<Rows>(std::make_unique<SqliteRows>(handle_, sql, std::move(statement), idle_));
  }

  Result<std::optional<std::string>> newest_mark() override {
    Statement query(*this, "SELECT value FROM settings WHERE name = 'audit_head'");
    CLOISTER_TRY(const bool row, query.step());
    if (!row) return std::optional<std::string>();
    return std::optional(query.text());
  }

 private:
  Result<Prepared> take_or_prepare(std::string_view sql) {
    const auto found = idle_.find(sql);
    if (found == idle_.end()) return prepare(handle_, sql);
    Prepared statement = std::move(found->second);
    idle_.erase(found);
    return statement;
  }

  sqlite3* handle_;
  StatementCache idle_;
};

class SqliteDatabase final : public Database {
 public:
  explicit SqliteDatabase(Handle handle) : handle_(std::move(handle)), connection_(handle_.get()) {}

  sqlite3* handle() const { return handle_.get(); }

  Result<std::unique_ptr<Rows>> run(std::string_view sql, std::span<const Value> parameters) override {
    return connection_.run(sql, parameters);
  }
  Result<std::optional<std::string>> newest_mark() override { return connection_.newest_mark(); }

  Status transaction(const Transaction& transaction) override {
    if (sqlite3_get_autocommit(handle()) == 0) {
      CLOISTER_CHECK(!transaction.ending);
      return transaction.body();
    }
    CLOISTER_RETURN_IF_ERROR(execute(handle(), transaction.ending ? "BEGIN IMMEDIATE" : "BEGIN"));
    Status status = transaction.body ? transaction.body() : ok_status();
    if (status.ok() && transaction.ending) status = end(transaction);
    if (status.ok()) status = execute(handle(), "COMMIT");
    if (!status.ok() && sqlite3_get_autocommit(handle()) == 0) ignore_result(execute(handle(), "ROLLBACK"));
    return status;
  }

  Status forget_overwritten(Overwritten) override {
    int pages_in_log = 0;
    int pages_moved = 0;
    // Twice, because the second doesn't say how many pages it moved.
    int code = sqlite3_wal_checkpoint_v2(handle(), nullptr, SQLITE_CHECKPOINT_FULL, &pages_in_log, &pages_moved);
    if (code == SQLITE_OK) {
      code = sqlite3_wal_checkpoint_v2(handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    }
    bytes_moved_ += static_cast<std::uint64_t>(std::max(pages_moved, 0)) * page_size_;
    if (code != SQLITE_OK) return error_of(handle(), code, "empty the write-ahead log");
    return {};
  }

  // Pages put into the write-ahead log, with their frame headers, and pages moved out of it.
  std::uint64_t bytes_written() const override {
    return (pages_written() - pages_before_) * (page_size_ + kWalFrameHeaderSize) + bytes_moved_;
  }

  Status begin_counting() {
    CLOISTER_TRY(const std::int64_t page_size, ask(handle(), "PRAGMA page_size"));
    page_size_ = static_cast<std::uint64_t>(page_size);
    pages_before_ = pages_written();
    return {};
  }

 private:
  Status end(const Transaction& transaction) {
    CLOISTER_TRY(const auto mark, transaction.ending(*this));
    // The body had the file to itself.
    if (!mark) return Error(Code::kCorrupt, "store: what was read in a transaction isn't true at its end");
    Statement statement(*this,
                        "INSERT INTO settings VALUES ('audit_head', $1) "
                        "ON CONFLICT (name) DO UPDATE SET value = excluded.value");
    return statement.bind(mark->text).execute();
  }

  std::uint64_t pages_written() const {
    int current = 0;
    int highest = 0;
    sqlite3_db_status(handle(), SQLITE_DBSTATUS_CACHE_WRITE, &current, &highest, 0);
    return static_cast<std::uint64_t>(current);
  }

  Handle handle_;
  SqliteConnection connection_;
  std::uint64_t page_size_ = 4096;
  std::uint64_t pages_before_ = 0;
  std::uint64_t bytes_moved_ = 0;
};

Status check_owner(sqlite3* handle, std::int64_t application_id) {
  if (application_id == kApplicationId) return {};
  CLOISTER_TRY(const std::int64_t tables, ask(handle, "SELECT count(*) FROM sqlite_schema"));
  if (application_id == 0 && tables == 0) return {};
  return Error(Code::kInvalid, "an SQLite file, but not a key store of Cloister");
}

Status apply(sqlite3* handle, std::span<const Migration> steps) {
  // Read inside the transaction: another process may have migrated meanwhile.
  CLOISTER_TRY(const std::int64_t application_id, ask(handle, "PRAGMA application_id"));
  CLOISTER_RETURN_IF_ERROR(check_owner(handle, application_id));
  CLOISTER_TRY(const std::int64_t version, ask(handle, "PRAGMA user_version"));
  CLOISTER_TRY(const auto missing, missing_steps(version, steps));
  SqliteConnection connection(handle);
  for (const Migration& step : missing) {
    CLOISTER_RETURN_IF_ERROR(execute(handle, step.sql));
    if (step.fill != nullptr) CLOISTER_RETURN_IF_ERROR(step.fill(connection));
  }
  if (missing.empty()) return {};
  const std::string stamp = "PRAGMA application_id = " + std::to_string(kApplicationId) +
                            "; PRAGMA user_version = " + std::to_string(steps.back().to);
  return execute(handle, stamp.c_str());
}

Status migrate(sqlite3* handle, std::span<const Migration> steps) {
  CLOISTER_TRY(const std::int64_t application_id, ask(handle, "PRAGMA application_id"));
  CLOISTER_TRY(const std::int64_t version, ask(handle, "PRAGMA user_version"));
  if (application_id == kApplicationId && version == steps.back().to) return {};
  CLOISTER_RETURN_IF_ERROR(execute(handle, "BEGIN IMMEDIATE"));
  Status status = apply(handle, steps);
  if (status.ok()) status = execute(handle, "COMMIT");
  if (!status.ok()) ignore_result(execute(handle, "ROLLBACK"));
  return status;
}

// The file must exist. Nothing was read yet.
Result<Handle> open_file(const Path& path) {
  sqlite3* opened = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
  const int code = sqlite3_open_v2(path.c_str(), &opened, flags, nullptr);
  CLOISTER_CHECK(opened != nullptr);
  Handle handle(opened);
  if (code != SQLITE_OK) return error_of(opened, code, "open");
  sqlite3_busy_timeout(opened, kBusyTimeoutMs);
  // The file may come from anywhere: no SQL in it may reach outside it.
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  return handle;
}

Status set_up(sqlite3* handle, std::span<const Migration> steps) {
  CLOISTER_RETURN_IF_ERROR(execute(handle, "PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON"));
  CLOISTER_RETURN_IF_ERROR(migrate(handle, steps));
  CLOISTER_RETURN_IF_ERROR(execute(handle, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"));
  return execute(handle, "PRAGMA secure_delete = ON");
}

Result<std::unique_ptr<Database>> open_ready(const Path& path, IfMoved if_moved, std::span<const Migration> steps) {
  CLOISTER_RETURN_IF_ERROR(check_guarded(path));
  CLOISTER_TRY(Handle handle, open_file(path));
  CLOISTER_RETURN_IF_ERROR(set_up(handle.get(), steps));
  auto database = std::make_unique<SqliteDatabase>(std::move(handle));
  CLOISTER_RETURN_IF_ERROR(database->begin_counting());
  CLOISTER_TRY(const auto moved_to, sqlite_moved_to(*database));
  if (moved_to && if_moved == IfMoved::kRefuse) return Error(Code::kDenied, "it was moved to " + *moved_to);
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace

Result<std::unique_ptr<Database>> create_sqlite(const Path& path) {
  const std::string doing = "create store " + path.string();
  const Path parent = path.parent_path();
  if (!parent.empty()) CLOISTER_RETURN_IF_ERROR(create_directories(parent, 0700).with_context(doing));
  CLOISTER_TRY(auto replacement, FileReplacement::begin(path, Overwrite::kRefuse, 0600));
  {
    CLOISTER_TRY(const Handle handle, open_file(replacement.file().path()).with_context(doing));
    // No journal beside the temporary file: it is synced and renamed as a whole, or thrown away.
    CLOISTER_RETURN_IF_ERROR(execute(handle.get(), "PRAGMA journal_mode = MEMORY").with_context(doing));
    CLOISTER_RETURN_IF_ERROR(migrate(handle.get(), sqlite_migrations()).with_context(doing));
  }
  CLOISTER_RETURN_IF_ERROR(replacement.commit().with_context(doing));
  return open_sqlite(path);
}

Result<std::unique_ptr<Database>> open_sqlite(const Path& path, IfMoved if_moved, std::span<const Migration> steps) {
  return open_ready(path, if_moved, steps).with_context("open store " + path.string());
}

Status mark_sqlite_moved(Database& database, std::string_view where) {
  Statement note(database, "INSERT INTO settings VALUES ('moved_to', $1)");
  CLOISTER_RETURN_IF_ERROR(note.bind(where).execute());
  // Every change has an audit row: without rows there are no changes, whatever program has the file open.
  Statement lock(database,
                 "CREATE TRIGGER moved_takes_no_rows BEFORE INSERT ON audit "
                 "BEGIN SELECT RAISE(ABORT, 'this store was moved to PostgreSQL'); END");
  return lock.execute();
}

Result<std::optional<std::string>> sqlite_moved_to(Connection& database) {
  Statement query(database, "SELECT value FROM settings WHERE name = 'moved_to'");
  CLOISTER_TRY(const bool row, query.step());
  if (!row) return std::optional<std::string>();
  return std::optional(query.text());
}

}  // namespace cloister::keys
