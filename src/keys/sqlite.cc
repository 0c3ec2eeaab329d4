#include "keys/sqlite.h"

#include <algorithm>

namespace cloister::keys {
namespace {

constexpr int kBusyTimeoutMs = 10'000;

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

}  // namespace

Result<Database> Database::open(const Path& path) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  CLOISTER_CHECK(handle != nullptr);
  Database database(handle);
  if (code != SQLITE_OK) return database.error(code, "open");
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  // The file may come from anywhere: no SQL in it may reach outside it.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  return database;
}

Error Database::error(int code, std::string_view doing) const {
  const char* words = (code & 0xff) == SQLITE_BUSY ? "another process kept the store locked for ten seconds"
                                                   : sqlite3_errmsg(handle_.get());
  return Error(code_of(code), std::string(doing) + ": " + words);
}

Status Database::execute(const char* sql) {
  const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? ok_status() : Status(error(code, "store"));
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) return error(code, "store");
  return Statement(this, statement);
}

Result<std::int64_t> Database::pragma(const char* sql) {
  CLOISTER_TRY(Statement statement, prepare(sql));
  CLOISTER_TRY(const bool row, statement.step());
  if (!row) return Error(Code::kInternal, "store: no answer to " + std::string(sql));
  return statement.number();
}

Statement& Statement::bind(std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();
  bind_code_ |=
      sqlite3_bind_text(statement_.get(), ++parameter_, data, static_cast<int>(text.size()), SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  bind_code_ |= sqlite3_bind_int64(statement_.get(), ++parameter_, number);
  return *this;
}

Statement& Statement::bind(std::uint64_t number) { return bind(static_cast<std::int64_t>(number)); }

Statement& Statement::bind(std::optional<std::int64_t> number) {
  if (number) return bind(*number);
  bind_code_ |= sqlite3_bind_null(statement_.get(), ++parameter_);
  return *this;
}

Statement& Statement::bind_blob(ByteView bytes) {
  const void* data = bytes.empty() ? static_cast<const void*>("") : bytes.data();
  bind_code_ |=
      sqlite3_bind_blob(statement_.get(), ++parameter_, data, static_cast<int>(bytes.size()), SQLITE_TRANSIENT);
  return *this;
}

Result<bool> Statement::step() {
  if (bind_code_ != SQLITE_OK) return Error(Code::kInternal, "store: a value couldn't be bound");
  column_ = 0;
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->error(code, "store");
}

Result<int> Statement::run() {
  CLOISTER_TRY(const bool row, step());
  CLOISTER_CHECK(!row);
  return sqlite3_changes(database_->handle());
}

std::string Statement::text() {
  const int column = column_++;
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (data == nullptr) return {};
  return std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

std::int64_t Statement::number() { return sqlite3_column_int64(statement_.get(), column_++); }

std::optional<std::int64_t> Statement::number_or_null() {
  if (sqlite3_column_type(statement_.get(), column_) == SQLITE_NULL) {
    ++column_;
    return std::nullopt;
  }
  return number();
}

Bytes Statement::blob() {
  const int column = column_++;
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
  if (data == nullptr) return {};
  return Bytes(data, data + sqlite3_column_bytes(statement_.get(), column));
}

Status Statement::blob_into(MutableByteView out) {
  const Bytes bytes = blob();
  if (bytes.size() != out.size()) {
    return Error(Code::kCorrupt, "store: a value has " + std::to_string(bytes.size()) + " bytes instead of " +
                                     std::to_string(out.size()));
  }
  std::ranges::copy(bytes, out.begin());
  return {};
}

}  // namespace cloister::keys
