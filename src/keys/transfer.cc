#include "keys/transfer.h"

#include <algorithm>

#include "keys/sqlite.h"

namespace cloister::keys {
namespace {

constexpr std::size_t kRowsAtOnce = 100;

// How a table is read piece by piece and written in batches. Ids that a database gives by itself aren't content:
// datasets name their tenant.
struct Table {
  const char* name;
  const char* columns;
  const char* from;
  const char* key;             // the first columns
  std::string_view key_kinds;  // of each: text, number, bytes
  std::size_t column_count;
  const char* before_values;
  const char* after_values;
};

constexpr Table kTables[] = {
    {"settings", "name, value", "settings WHERE name NOT IN ('audit_head', 'moved_to') AND", "name", "t", 2,
     "INSERT INTO settings ", ""},
    {"tenants", "tenant, environment, kek_id, created_ms, rotate_after_ms, row_version", "tenants WHERE",
     "tenant, environment", "tt", 6,
     "INSERT INTO tenants (tenant, environment, kek_id, created_ms, rotate_after_ms, row_version) ", ""},
    {"kek_versions",
     "kek_id, version, state, created_ms, destroy_at_ms, commitment, wrap_type, wrap_key_id, wrap_key_version, "
     "wrap_parameters, wrapped",
     "kek_versions WHERE", "kek_id, version", "tn", 11, "INSERT INTO kek_versions ", ""},
    {"datasets", "t.tenant, t.environment, d.dataset, d.created_ms, d.row_version, d.keyring",
     "datasets d JOIN tenants t ON t.id = d.tenant_id WHERE", "t.tenant, t.environment, d.dataset", "ttt", 6,
     "WITH new (tenant, environment, dataset, created_ms, row_version, keyring) AS (",
     ") INSERT INTO datasets (tenant_id, dataset, created_ms, row_version, keyring) "
     "SELECT t.id, n.dataset, n.created_ms, n.row_version, n.keyring "
     "FROM new n JOIN tenants t ON t.tenant = n.tenant AND t.environment = n.environment"},
    {"audit",
     "sequence, time_ms, actor, action, tenant, subject, outcome, detail, previous, hash, tree, tree_index, leaf, "
     "extras, peaks",
     "audit WHERE", "sequence", "n", 15, "INSERT INTO audit ", ""},
    {"nodes", "tree, level, node_index, hash", "nodes WHERE", "tree, level, node_index", "tnn", 4, "INSERT INTO nodes ",
     ""},
    {"requests", "request_key, digest, expires_ms", "requests WHERE", "request_key", "b", 3, "INSERT INTO requests ",
     ""},
};

// "($3, $4)".
std::string tuple(std::size_t first, std::size_t count) {
  std::string text = "(";
  for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "$" : ", $") + std::to_string(first + i);
  return text + ")";
}

// Before the first key of any row.
std::vector<Value> lowest_key(const Table& table) {
  std::vector<Value> key;
  for (const char kind : table.key_kinds) {
    if (kind == 't') key.emplace_back(std::string());
    if (kind == 'n') key.emplace_back(std::int64_t{0});
    if (kind == 'b') key.emplace_back(Bytes());
  }
  return key;
}

Status for_each_piece(Connection& connection, const Table& table,
                      const std::function<Status(const std::vector<Row>& rows)>& body) {
  const std::string sql = "SELECT " + std::string(table.columns) + " FROM " + table.from + " (" + table.key + ") > " +
                          tuple(1, table.key_kinds.size()) + " ORDER BY " + table.key + " LIMIT " +
                          std::to_string(kRowsAtOnce);
  std::vector<Value> key = lowest_key(table);
  while (true) {
    CLOISTER_TRY(const auto found, connection.run(sql, key));
    std::vector<Row> rows;
    while (true) {
      Row row;
      CLOISTER_TRY(const bool more, found->next(row));
      if (!more) break;
      rows.push_back(std::move(row));
    }
    if (!rows.empty()) {
      key.assign(rows.back().begin(), rows.back().begin() + static_cast<std::ptrdiff_t>(table.key_kinds.size()));
      CLOISTER_RETURN_IF_ERROR(body(rows));
    }
    if (rows.size() < kRowsAtOnce) return {};
  }
}

void put(crypto::Sha256& hash, std::uint8_t type, ByteView bytes) {
  std::uint8_t head[9] = {type};
  store_le(head + 1, std::uint64_t{bytes.size()});
  hash.update(head);
  hash.update(bytes);
}

void put(crypto::Sha256& hash, const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    std::uint8_t bytes[8];
    store_le(bytes, static_cast<std::uint64_t>(*number));
    put(hash, 1, bytes);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    put(hash, 2, as_bytes(*text));
  } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
    put(hash, 3, *bytes);
  } else {
    put(hash, 0, {});
  }
}

Result<TableDigest> digest_table(Connection& connection, const Table& table) {
  TableDigest result{table.name, 0, {}};
  crypto::Sha256 hash;
  CLOISTER_RETURN_IF_ERROR(for_each_piece(connection, table, [&](const std::vector<Row>& rows) -> Status {
    for (const Row& row : rows) {
      for (const Value& value : row) put(hash, value);
    }
    result.rows += rows.size();
    return {};
  }));
  result.digest = hash.finish();
  return result;
}

Status write_rows(Connection& target, const Table& table, const std::vector<Row>& rows) {
  std::string sql = std::string(table.before_values) + "VALUES ";
  std::vector<Value> values;
  for (const Row& row : rows) {
    if (row.size() != table.column_count) return Error(Code::kCorrupt, "a row of " + std::string(table.name));
    if (!values.empty()) sql += ", ";
    sql += tuple(values.size() + 1, row.size());
    values.insert(values.end(), row.begin(), row.end());
  }
  CLOISTER_TRY(const auto written, target.run(sql + table.after_values, values));
  Row none;
  CLOISTER_TRY([[maybe_unused]] const bool more, written->next(none));
  return {};
}

Result<std::optional<std::string>> home_of(Connection& connection) {
  Statement query(connection, "SELECT value FROM settings WHERE name = 'home_id'");
  CLOISTER_TRY(const bool row, query.step());
  return row ? std::optional(query.text()) : std::nullopt;
}

Status compare(const std::vector<TableDigest>& source, const std::vector<TableDigest>& target) {
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == target[i]) continue;
    return Error(Code::kCorrupt, "the copy of table " + source[i].table +
                                     " differs: " + std::to_string(source[i].rows) + " rows here, " +
                                     std::to_string(target[i].rows) + " there");
  }
  return {};
}

Status copy(Database& source, Database& target, const std::vector<TableDigest>& digests, const audit::Event& event) {
  Transaction copying;
  copying.body = [&]() -> Status {
    // What a new store says of itself.
    CLOISTER_RETURN_IF_ERROR(Statement(target, "DELETE FROM settings").execute());
    for (const Table& table : kTables) {
      CLOISTER_RETURN_IF_ERROR(
          for_each_piece(source, table, [&](const std::vector<Row>& rows) { return write_rows(target, table, rows); }));
    }
    CLOISTER_TRY(const auto copied, digest_tables(target));
    return compare(digests, copied);
  };
  copying.ending = [&](Connection& latest) -> Result<std::optional<Mark>> {
    CLOISTER_TRY(const AuditHead there, read_audit_head(latest));
    if (there.rows != 0) return Error(Code::kExists, "the target has audit rows already");
    CLOISTER_TRY(AuditAppender appender, AuditAppender::begin(source));
    CLOISTER_TRY([[maybe_unused]] const auto place, appender.add(event, {}));
    CLOISTER_TRY(Mark mark, appender.write(target));
    return std::optional(std::move(mark));
  };
  return target.transaction(copying);
}

// After an interruption: the target's chain goes through the source's head, and as long as the source could still
// change, the rest is the same too.
Status check_copied(Database& target, const std::vector<TableDigest>& digests, const AuditHead& head, bool frozen) {
  const Error another(Code::kExists,
                      "the target holds another state of this store: drop its schema, unless it is in use, and run "
                      "this again");
  CLOISTER_TRY(const auto rows, read_audit_rows(target, head.rows - 1, 1));
  if (rows.size() != 1 || rows[0].hash != head.hash) return another;
  if (frozen) return {};
  CLOISTER_TRY(auto copied, digest_tables(target));
  for (std::size_t i = 0; i < copied.size(); ++i) {
    // The row that only the target has may have completed a node.
    const bool grows = copied[i].table == "audit" || copied[i].table == "nodes";
    if (!grows && copied[i] != digests[i]) return another;
  }
  return {};
}

}  // namespace

Result<std::vector<TableDigest>> digest_tables(Connection& connection) {
  std::vector<TableDigest> digests;
  for (const Table& table : kTables) {
    CLOISTER_TRY(TableDigest digest, digest_table(connection, table));
    digests.push_back(std::move(digest));
  }
  return digests;
}

Result<Moved> move_store(Database& source, Database& target, const audit::Event& event, std::string_view where) {
  Moved moved;
  Transaction moving;
  moving.body = [&]() -> Status {
    CLOISTER_TRY(moved.head, read_audit_head(source));
    CLOISTER_TRY(const auto home, home_of(source));
    if (!home) return Error(Code::kNotFound, "the store was never set up to the end: there is nothing to move");
    CLOISTER_TRY(moved.tables, digest_tables(source));
    CLOISTER_TRY(const auto there, home_of(target));
    CLOISTER_TRY(const auto marked, sqlite_moved_to(source));
    if (there && *there != *home) return Error(Code::kExists, "the target holds another home");
    if (there) {
      CLOISTER_RETURN_IF_ERROR(check_copied(target, moved.tables, moved.head, marked.has_value()));
    } else if (marked) {
      return Error(Code::kDenied, "this store was moved to " + *marked + ", and the target isn't that");
    } else {
      CLOISTER_RETURN_IF_ERROR(copy(source, target, moved.tables, event));
    }
    return marked ? ok_status() : mark_sqlite_moved(source, where);
  };
  moving.ending = [&](Connection&) -> Result<std::optional<Mark>> { return std::optional(audit_mark(moved.head)); };
  CLOISTER_RETURN_IF_ERROR(source.transaction(moving));
  return moved;
}

}  // namespace cloister::keys
