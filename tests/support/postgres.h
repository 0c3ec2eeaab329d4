// A real PostgreSQL server of the test's own: a fresh cluster in a temporary folder, reached by a Unix socket alone,
// run by an unprivileged user; standbys of it, and its sudden death.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "keys/postgres.h"
#include "tests/support/temp_dir.h"

namespace cloister::testing {

class TestPostgres {
 public:
  // Whether Debian's postgresql is installed.
  static bool installed();
  // One for the whole program, started at its first use.
  static TestPostgres& shared();
  // Settings are lines of postgresql.conf.
  static std::unique_ptr<TestPostgres> start(const std::string& settings = "");
  // A copy of this server that follows it as the standby `name`.
  std::unique_ptr<TestPostgres> start_standby(const std::string& name);
  TestPostgres(const TestPostgres&) = delete;
  TestPostgres& operator=(const TestPostgres&) = delete;
  ~TestPostgres();

  // Where its socket is.
  std::string host() const { return folder_.string(); }
  // What libpq is told, for `hosts` as in "host=…"; without, for this server alone.
  static std::string connection(const std::string& hosts);
  std::string connection() const { return connection(host()); }
  keys::PostgresLocation location(const std::string& schema) const;

  // Runs SQL as the superuser; stops the test program when it fails. Returns the last rows, one a line.
  std::string sql(const std::string& text) const;
  // The same, where failing is the point: whether it went well.
  bool try_sql(const std::string& text) const;
  // Changes settings and reloads them.
  void set(const std::string& name, const std::string& value) const;

  // Every process of the server dies at once.
  void kill();
  void restart();
  // A standby becomes the primary.
  void promote() const;
  Path data() const { return folder_ / "data"; }

 private:
  TestPostgres();
  std::pair<bool, std::string> run_psql(const std::string& text) const;
  void launch();
  void wait_until_ready() const;

  Path folder_;
  pid_t pid_ = -1;
};

}  // namespace cloister::testing
