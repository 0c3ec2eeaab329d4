#include "keys/postgres_erase.h"

#include <chrono>
#include <thread>

namespace cloister::keys {
namespace {

constexpr int kLooks = 100;
constexpr std::chrono::milliseconds kBetweenLooks{50};

Result<std::string> newest_transaction(PostgresConnection& connection) {
  Statement query(connection, "SELECT pg_current_xact_id()::xid::text");
  CLOISTER_RETURN_IF_ERROR(query.expect_row());
  return query.text();
}

Result<std::int64_t> older_views(PostgresConnection& connection, const std::string& transaction) {
  Statement query(connection,
                  "SELECT (SELECT count(*) FROM pg_stat_activity WHERE age(backend_xmin) > age($1::xid) AND "
                  "pid <> pg_backend_pid() AND (datname = current_database() OR backend_type = 'walsender') AND "
                  "backend_type <> 'autovacuum worker') + "
                  "(SELECT count(*) FROM pg_replication_slots WHERE age(xmin) > age($1::xid))");
  CLOISTER_RETURN_IF_ERROR(query.bind(transaction).expect_row());
  return query.number();
}

Result<std::int64_t> file_of(PostgresConnection& connection, const std::string& table) {
  Statement query(connection, "SELECT pg_relation_filenode($1::regclass)::bigint");
  CLOISTER_RETURN_IF_ERROR(query.bind(table).expect_row());
  return query.number();
}

// A row that somebody may still look at is carried over into the new file.
Status wait_for_older_views(PostgresConnection& connection) {
  CLOISTER_TRY(const std::string transaction, newest_transaction(connection));
  for (int look = 0; look < kLooks; ++look) {
    CLOISTER_TRY(const std::int64_t older, older_views(connection, transaction));
    if (older == 0) return {};
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return Error(Code::kUnavailable, "other sessions, standbys or replication slots still see the old rows");
}

}  // namespace

Status rewrite_table(PostgresConnection& connection, const std::string& table) {
  CLOISTER_RETURN_IF_ERROR(wait_for_older_views(connection));
  CLOISTER_TRY(const std::int64_t before, file_of(connection, table));
  CLOISTER_RETURN_IF_ERROR(connection.execute("VACUUM (FULL) " + table));
  // PostgreSQL only warns when it passes a table over.
  CLOISTER_TRY(const std::int64_t after, file_of(connection, table));
  if (after != before) return {};
  return Error(Code::kDenied, "this role doesn't own the table " + table + ": let its owner run VACUUM FULL " + table);
}

}  // namespace cloister::keys
