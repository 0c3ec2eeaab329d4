#include "keys/postgres_erase.h"

#include <chrono>
#include <thread>

namespace cloister::keys {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{50};

// What may hold rows back that a transaction which is over has replaced.
struct Views {
  std::string transaction;  // a number above that one's
  std::string sessions;     // transactions under way in this database, as "3/41,5/7"
};

Result<Views> views_now(PostgresConnection& connection) {
  // Every role sees these locks, and nobody else's snapshots: whoever can see an old row is in a transaction.
  Statement query(connection,
                  "SELECT pg_current_xact_id()::xid::text, (SELECT coalesce(string_agg(l.virtualtransaction, ','), '') "
                  "FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'virtualxid' "
                  "AND l.pid <> pg_backend_pid() AND a.datname = current_database())");
  CLOISTER_RETURN_IF_ERROR(query.expect_row());
  Views views;
  views.transaction = query.text();
  views.sessions = query.text();
  return views;
}

Result<bool> are_gone(PostgresConnection& connection, const Views& views) {
  Statement query(connection,
                  "SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'virtualxid' "
                  "AND virtualtransaction = ANY (string_to_array($1, ','))) + "
                  "(SELECT count(*) FROM pg_stat_replication WHERE age(backend_xmin) > age($2::xid)) + "
                  "(SELECT count(*) FROM pg_replication_slots WHERE age(xmin) > age($2::xid)), "
                  "(SELECT count(*) FROM pg_stat_replication WHERE state IS NULL)");
  CLOISTER_RETURN_IF_ERROR(query.bind(views.sessions).bind(views.transaction).expect_row());
  const bool gone = query.number() == 0;
  if (query.number() == 0) return gone;
  return Error(Code::kDenied, "this role may not see what standbys still read: GRANT pg_monitor to it");
}

Result<std::int64_t> file_of(PostgresConnection& connection, const std::string& table) {
  Statement query(connection, "SELECT pg_relation_filenode($1::regclass)::bigint");
  CLOISTER_RETURN_IF_ERROR(query.bind(table).expect_row());
  return query.number();
}

// A row that somebody may still look at is carried over into the new file.
Status wait_for_older_views(PostgresConnection& connection, Duration patience) {
  CLOISTER_TRY(const Views views, views_now(connection));
  const double deadline = monotonic_seconds() + static_cast<double>(patience.ms) / 1000;
  do {
    CLOISTER_TRY(const bool gone, are_gone(connection, views));
    if (gone) return {};
    std::this_thread::sleep_for(kBetweenLooks);
  } while (monotonic_seconds() < deadline);
  return Error(Code::kUnavailable, "other sessions, standbys or replication slots still see the old rows");
}

}  // namespace

Status rewrite_table(PostgresConnection& connection, const std::string& table, Duration patience) {
  CLOISTER_RETURN_IF_ERROR(wait_for_older_views(connection, patience));
  CLOISTER_TRY(const std::int64_t before, file_of(connection, table));
  CLOISTER_RETURN_IF_ERROR(connection.execute("VACUUM (FULL) " + table));
  // PostgreSQL only warns when it passes a table over.
  CLOISTER_TRY(const std::int64_t after, file_of(connection, table));
  if (after != before) return {};
  return Error(Code::kDenied, "this role doesn't own the table " + table + ": let its owner run VACUUM FULL " + table);
}

}  // namespace cloister::keys
