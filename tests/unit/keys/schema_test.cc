// Versions of the store: older ones are brought up to date in one step, newer and foreign ones are refused.
#include "keys/schema.h"

#include "keys/sqlite.h"
#include "keys/store.h"
#include "tests/unit/keys/home.h"

namespace cloister::keys {
namespace {

constexpr Migration kSteps[] = {
    {1, "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT)"},
    {2, "ALTER TABLE settings ADD COLUMN changed_ms INTEGER NOT NULL DEFAULT 7"},
    {3, "CREATE TABLE extra (id INTEGER); INSERT INTO extra SELECT count(*) FROM settings"},
};

class Schema : public ::testing::Test {
 protected:
  void make(const std::string& sql) {
    CLOISTER_CHECK(write_file(path_, {}, Overwrite::kReplace, 0600).ok());
    sqlite3* raw = nullptr;
    CLOISTER_CHECK(sqlite3_open(path_.c_str(), &raw) == SQLITE_OK);
    CLOISTER_CHECK(sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(raw);
  }
  auto open(std::span<const Migration> steps) { return open_sqlite(path_, IfMoved::kRefuse, steps); }
  std::int64_t ask(const std::string& sql) {
    sqlite3* raw = nullptr;
    std::int64_t answer = -1;
    CLOISTER_CHECK(sqlite3_open(path_.c_str(), &raw) == SQLITE_OK);
    const auto take = [](void* into, int, char** values, char**) {
      *static_cast<std::int64_t*>(into) = std::atoll(values[0]);
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(raw, sql.c_str(), take, &answer, nullptr), SQLITE_OK) << sql;
    sqlite3_close(raw);
    return answer;
  }
  testing::TempDir directory_;
  Path path_ = directory_ / "store.db";
};

TEST_F(Schema, OlderVersionIsMigratedWithItsData) {
  make(
      "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT); INSERT INTO settings VALUES ('a', 'b');"
      "PRAGMA application_id = 1129075538; PRAGMA user_version = 1");
  expect_ok(open(kSteps));
  EXPECT_EQ(ask("PRAGMA user_version"), 3);
  EXPECT_EQ(ask("SELECT changed_ms FROM settings WHERE name = 'a'"), 7);
  EXPECT_EQ(ask("SELECT id FROM extra"), 1);
  expect_ok(open(kSteps));
}

TEST_F(Schema, FailedStepLeavesEverythingAsItWas) {
  make(
      "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT); PRAGMA application_id = 1129075538;"
      "PRAGMA user_version = 1");
  constexpr Migration broken[] = {kSteps[0], kSteps[1], {3, "CREATE TABLE extra (id INTEGER); no such statement"}};
  EXPECT_FALSE(open(broken).ok());
  EXPECT_EQ(ask("PRAGMA user_version"), 1);
  EXPECT_EQ(ask("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'"), 0);
  EXPECT_EQ(ask("SELECT count(*) FROM pragma_table_info('settings')"), 2);
}

TEST_F(Schema, EmptyDatabaseBecomesAStore) {
  make("PRAGMA application_id = 1129075538; PRAGMA user_version = 0");
  expect_ok(Store::open(path_));
}

TEST_F(Schema, NewerVersion) {
  make("PRAGMA application_id = 1129075538; PRAGMA user_version = 99");
  expect_error(Store::open(path_), Code::kUnsupported, "newer");
}

TEST_F(Schema, SomebodyElsesDatabase) {
  make("CREATE TABLE cookies (id INTEGER)");
  expect_error(Store::open(path_), Code::kInvalid, "not a key store");
  make("PRAGMA application_id = 5; PRAGMA user_version = 1");
  expect_error(Store::open(path_), Code::kInvalid, "not a key store");
}

TEST_F(Schema, NotADatabase) {
  ASSERT_TRUE(write_file(path_, as_bytes(std::string(5000, 'x')), Overwrite::kReplace, 0600).ok());
  expect_error(Store::open(path_), Code::kInvalid, path_.string());
  ASSERT_TRUE(write_file(path_, {}, Overwrite::kReplace, 0600).ok());
  expect_error(Store::open(path_), Code::kInvalid, "empty");
}

}  // namespace
}  // namespace cloister::keys
