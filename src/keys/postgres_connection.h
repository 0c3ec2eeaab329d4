// One connection to a PostgreSQL server: statements in, rows out, and what became of it. docs/decisions/postgresql.md.
#pragma once

#include <map>

#include "keys/database.h"
#include "keys/postgres.h"
#include "keys/postgres_library.h"
#include "keys/postgres_rules.h"

namespace cloister::keys {

// Which of several servers a connection ended up with.
struct PostgresServer {
  std::string host, address, port;
};

class PostgresConnection final : public Connection {
 public:
  // To a server that takes writes and keeps what it acknowledges; or to `server` and no other, when that is given.
  // kUnavailable: nobody there, or a standby; kDenied, kUnsupported, kInvalid: not a server to keep keys on.
  static Result<std::unique_ptr<PostgresConnection>> open(const PostgresLibrary& library,
                                                          const PostgresLocation& location,
                                                          const PostgresServer* server);
  ~PostgresConnection() override;

  Result<std::unique_ptr<Rows>> run(std::string_view sql, std::span<const Value> parameters) override;
  Result<std::optional<std::string>> newest_mark() override;
  // Statements without parameters, separated by ';', whose rows don't matter.
  Status execute(const std::string& sql);
  // The same; returns the tag of the last: "COMMIT", or "ROLLBACK" although COMMIT was asked for.
  Result<std::string> script(const std::string& sql);

  // The worst that happened since clear().
  Trouble trouble() const { return trouble_; }
  bool lost() const { return lost_; }
  // The server warned of something: after COMMIT, that the standby wasn't waited for.
  bool warned() const { return warned_; }
  void clear();

  std::int64_t backend_pid() const;
  PostgresServer server() const;

 private:
  class Reply;
  struct Use {
    std::string name;
    int count = 0;  // the second prepares it
  };
  PostgresConnection(const PostgresLibrary& library, pg_conn* connection, const PostgresLocation& location);
  Status check_way() const;
  Status set_up(const std::string& schema);
  Status send(std::string_view sql, std::span<const Value> parameters);
  Status prepare(const std::string& name, const std::string& sql, std::span<const Oid> types);
  Result<Reply> receive();
  bool wait_for_input(double deadline);
  Error error_of(const pg_result* result);
  Error lose(const std::string& why);

  PostgresLibrary pq_;
  pg_conn* connection_;
  Duration patience_, lock_patience_;
  std::map<std::string, Use, std::less<>> uses_;
  Trouble trouble_ = Trouble::kNone;
  bool lost_ = false;
  bool warned_ = false;
};

}  // namespace cloister::keys
