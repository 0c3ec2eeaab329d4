// What the store asks of a database: statements, transactions that happen whole or not at all, and a mark that tells
// afterwards whether one happened. Drivers: sqlite.h, postgres.h. SQL is written once, for both: parameters are $1, $2,
// … in order, numbers are BIGINT, text is UTF-8 and sorts by its bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/file.h"

namespace cloister::keys {

// Nothing (NULL), a number, text or bytes.
using Value = std::variant<std::monostate, std::int64_t, std::string, Bytes>;
using Row = std::vector<Value>;

// What one execution of a statement gave.
class Rows {
 public:
  virtual ~Rows() = default;
  // The next row goes into `row`; false when there is none left.
  virtual Result<bool> next(Row& row) = 0;
  // How many rows were changed, once there are none left.
  virtual int changed() const = 0;
};

// What a transaction leaves behind: a number above that of every transaction before, and its text.
struct Mark {
  std::uint64_t number = 0;
  std::string text;  // of 0-9 a-f and ':'
};

// One thread at a time.
class Connection {
 public:
  virtual ~Connection() = default;
  // Runs a statement, prepared once however often it is run. Outside a transaction it is for reading only, and may be
  // sent again after a lost connection.
  virtual Result<std::unique_ptr<Rows>> run(std::string_view sql, std::span<const Value> parameters) = 0;
  // The text of the newest mark; nothing before the first.
  virtual Result<std::optional<std::string>> newest_mark() = 0;
};

struct Transaction {
  // May be run several times, each time after everything it did before was rolled back: it must keep nothing of an
  // earlier run. Reads see one state of the database and what this run changed. May be empty.
  std::function<Status()> body;
  // Makes it a transaction that writes. Runs last, in one transaction at a time however many are on their way: through
  // `latest` it sees what all others have committed, and that stays so until this one is. Returns the mark to leave, or
  // nothing where the body read what isn't true any more and is to be run again.
  std::function<Result<std::optional<Mark>>(Connection& latest)> ending;
};

// What is to be forgotten.
enum class Overwritten { kKeks, kKeyrings };

class Database : public Connection {
 public:
  // Serializable. When it returns well, everything is durable; when it fails, nothing happened, unless the message says
  // that the outcome isn't known. Within another's body only a transaction without ending may be run, as a part of it.
  virtual Status transaction(const Transaction& transaction) = 0;
  // Old values of rows that were overwritten are removed from the files of the database, as far as it reaches them.
  // kUnavailable while others still read those values.
  virtual Status forget_overwritten(Overwritten what) = 0;
  // By this object: bytes that went to disk, or to the server.
  virtual std::uint64_t bytes_written() const = 0;

  // The file that says how far this database's log went, where there is one: Store::follow().
  const std::optional<Path>& anchor() const { return anchor_; }
  void set_anchor(Path file) { anchor_ = std::move(file); }

 private:
  std::optional<Path> anchor_;
};

// A statement on its way: parameters are bound in order, columns are read in order.
class Statement {
 public:
  Statement(Connection& connection, std::string sql) : connection_(&connection), sql_(std::move(sql)) {}

  Statement& bind(std::string_view text);
  Statement& bind(std::uint64_t number);
  Statement& bind(std::int64_t number);
  Statement& bind(std::optional<std::int64_t> number);
  Statement& bind_blob(ByteView bytes);

  // True while there is a row.
  Result<bool> step();
  // For what always has a row: kCorrupt when there is none.
  Status expect_row();
  // To the end, expecting no rows. Returns how many rows were changed.
  Result<int> run();
  // The same, where the number doesn't matter.
  Status execute();

  // Empty or 0 when the column isn't there or is of another type; row_status() then says so.
  std::string text();
  std::int64_t number();
  std::optional<std::int64_t> number_or_null();
  Bytes blob();
  // kCorrupt unless the column has exactly out.size() bytes.
  Status blob_into(MutableByteView out);
  // kCorrupt when a column of this row wasn't what it was read as.
  Status row_status() const;

 private:
  template <typename T>
  T column();

  Connection* connection_;
  std::string sql_;
  std::vector<Value> parameters_;
  std::unique_ptr<Rows> rows_;
  Row row_;
  std::size_t column_ = 0;
  bool malformed_ = false;
};

}  // namespace cloister::keys
