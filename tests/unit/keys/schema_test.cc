// Versions of the store: older ones are brought up to date in one step, newer and foreign ones are refused.
#include "keys/schema.h"

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
  Database make(const std::string& sql) {
    CLOISTER_CHECK(write_file(path_, {}, Overwrite::kReplace, 0600).ok());
    auto database = Database::open(path_);
    CLOISTER_CHECK(database.ok() && database->execute(sql.c_str()).ok());
    return std::move(*database);
  }
  testing::TempDir directory_;
  Path path_ = directory_ / "store.db";
};

TEST_F(Schema, OlderVersionIsMigratedWithItsData) {
  Database database = make(
      "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT); INSERT INTO settings VALUES ('a', 'b');"
      "PRAGMA application_id = 1129075538; PRAGMA user_version = 1");
  expect_ok(migrate(database, kSteps));
  EXPECT_EQ(*database.pragma("PRAGMA user_version"), 3);
  EXPECT_EQ(*database.pragma("SELECT changed_ms FROM settings WHERE name = 'a'"), 7);
  EXPECT_EQ(*database.pragma("SELECT id FROM extra"), 1);
  expect_ok(migrate(database, kSteps));
}

TEST_F(Schema, FailedStepLeavesEverythingAsItWas) {
  Database database = make(
      "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT); PRAGMA application_id = 1129075538;"
      "PRAGMA user_version = 1");
  constexpr Migration broken[] = {kSteps[0], kSteps[1], {3, "CREATE TABLE extra (id INTEGER); no such statement"}};
  EXPECT_FALSE(migrate(database, broken).ok());
  EXPECT_EQ(*database.pragma("PRAGMA user_version"), 1);
  EXPECT_EQ(*database.pragma("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'"), 0);
  EXPECT_EQ(*database.pragma("SELECT count(*) FROM pragma_table_info('settings')"), 2);
}

TEST_F(Schema, EmptyDatabaseBecomesAStore) {
  {
    Database database = make("PRAGMA application_id = 1129075538; PRAGMA user_version = 0");
  }
  expect_ok(Store::open(path_));
}

TEST_F(Schema, NewerVersion) {
  {
    Database database = make("PRAGMA application_id = 1129075538; PRAGMA user_version = 99");
  }
  expect_error(Store::open(path_), Code::kUnsupported, "newer");
}

TEST_F(Schema, SomebodyElsesDatabase) {
  {
    Database database = make("CREATE TABLE cookies (id INTEGER)");
  }
  expect_error(Store::open(path_), Code::kInvalid, "not a key store");
  {
    Database database = make("PRAGMA application_id = 5; PRAGMA user_version = 1");
  }
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
