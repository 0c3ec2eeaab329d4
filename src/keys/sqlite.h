// A thin face of SQLite: connections and statements that close themselves, codes as ours. Used by store.cc and
// schema.cc.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/file.h"

namespace cloister::keys {

class Statement;

class Database {
 public:
  // The file must exist. Ten seconds' patience with other processes; nothing was read yet.
  static Result<Database> open(const Path& path);

  // One or more statements without parameters or rows.
  Status execute(const char* sql);
  Result<Statement> prepare(std::string_view sql);
  Result<std::int64_t> pragma(const char* sql);

  sqlite3* handle() const { return handle_.get(); }
  // What went wrong last, with what was being done.
  Error error(int code, std::string_view doing) const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  explicit Database(sqlite3* handle) : handle_(handle) {}
  std::unique_ptr<sqlite3, Close> handle_;
};

// Parameters are bound in order; columns are read in order.
class Statement {
 public:
  Statement& bind(std::string_view text);
  Statement& bind(std::uint64_t number);
  Statement& bind(std::int64_t number);
  Statement& bind(std::optional<std::int64_t> number);
  Statement& bind_blob(ByteView bytes);

  // True while there is a row.
  Result<bool> step();
  // To the end, expecting no rows. Returns how many rows were changed.
  Result<int> run();

  std::string text();
  std::int64_t number();
  std::optional<std::int64_t> number_or_null();
  Bytes blob();
  // kCorrupt unless the column has exactly out.size() bytes.
  Status blob_into(MutableByteView out);

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  Statement(const Database* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  const Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int parameter_ = 0;
  int column_ = 0;
  int bind_code_ = SQLITE_OK;
};

}  // namespace cloister::keys
