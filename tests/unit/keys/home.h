// A home of a test's own, its store in SQLite or in PostgreSQL: a software root, a hierarchy, and raw SQL to do to it
// what an intruder would.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <functional>
#include <utility>

#include "keys/hierarchy.h"
#include "kms/software_key.h"
#include "tests/support/postgres.h"
#include "tests/support/temp_dir.h"

namespace cloister::keys {

inline constexpr Time kStart{1'800'000'000'000};

enum class Kind { kSqlite, kPostgres };

// Those that can be had here: PostgreSQL where it is installed.
inline std::vector<Kind> kinds() {
  if (testing::TestPostgres::installed()) return {Kind::kSqlite, Kind::kPostgres};
  return {Kind::kSqlite};
}
inline std::string kind_name(const ::testing::TestParamInfo<Kind>& info) {
  return info.param == Kind::kSqlite ? "Sqlite" : "Postgres";
}

// Where a store is: a file of its own, or a schema of its own in the server that the tests share.
class StorePlace {
 public:
  explicit StorePlace(Kind kind) : kind_(kind) {
    static int count = 0;
    schema_ = "test" + std::to_string(++count);
  }

  Kind kind() const { return kind_; }
  Path path() const { return directory_ / "home/store.db"; }
  const std::string& schema() const { return schema_; }
  keys::PostgresLocation location() const { return testing::TestPostgres::shared().location(schema_); }

  Result<Store> create() {
    if (kind_ == Kind::kSqlite) return Store::create(path());
    CLOISTER_TRY(auto database, open_postgres(location(), IfAbsent::kCreate, random_));
    return Store::open(std::move(database));
  }
  Result<Store> open() {
    if (kind_ == Kind::kSqlite) return Store::open(path());
    CLOISTER_TRY(auto database, open_postgres(location(), IfAbsent::kRefuse, random_));
    return Store::open(std::move(database));
  }

  // Behind the store's back.
  bool try_sql(const std::string& text) {
    if (kind_ == Kind::kPostgres) {
      return testing::TestPostgres::shared().try_sql("SET search_path TO " + schema_ + "; " + text);
    }
    sqlite3* database = nullptr;
    CLOISTER_CHECK(sqlite3_open(path().c_str(), &database) == SQLITE_OK);
    const int code = sqlite3_exec(database, text.c_str(), nullptr, nullptr, nullptr);
    sqlite3_close(database);
    return code == SQLITE_OK;
  }
  void sql(const std::string& text) { EXPECT_TRUE(try_sql(text)) << text; }
  std::string blob(const Bytes& bytes) const {
    return kind_ == Kind::kSqlite ? "x'" + to_hex(bytes) + "'" : "decode('" + to_hex(bytes) + "', 'hex')";
  }
  // The audit table as somebody with the owner's rights can edit it.
  void sql_on_audit(const std::string& text) {
    if (kind_ == Kind::kPostgres) return sql("ALTER TABLE audit DISABLE TRIGGER ALL; " + text);
    sql("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; " + text);
  }

 private:
  Kind kind_;
  std::string schema_;
  testing::TempDir directory_;
  crypto::SystemRandom random_;
};

class Home {
 public:
  explicit Home(Kind kind = Kind::kSqlite) : place(kind) {
    CLOISTER_CHECK(kms::create_key_file(root_path(), std::nullopt, {}, random).ok());
    root = open_root(root_path());
    auto store = place.create();
    if (!store.ok()) std::fprintf(stderr, "%s\n", store.error().message().c_str());
    CLOISTER_CHECK(store.ok());
    auto made = Hierarchy::create(std::move(*store), *root, root->key_id(), random, caller());
    CLOISTER_CHECK(made.ok());
    keys.emplace(std::move(*made));
  }

  Path root_path() const { return directory / "root.key"; }
  Path store_path() const { return place.path(); }
  Caller caller(Duration later = Duration{}) const { return {"uid:1000 alice", kStart + later}; }

  std::unique_ptr<kms::SoftwareKey> open_root(const Path& path) {
    auto opened = kms::SoftwareKey::open(path, std::nullopt, random);
    CLOISTER_CHECK(opened.ok());
    return std::move(*opened);
  }
  void close() { keys.reset(); }
  Result<Hierarchy> open() {
    auto store = place.open();
    if (!store.ok()) return store.error();
    return Hierarchy::open(std::move(*store), *root, root->key_id(), random);
  }
  void reopen() {
    close();
    auto opened = open();
    CLOISTER_CHECK(opened.ok());
    keys.emplace(std::move(*opened));
  }

  void sql(const std::string& text) { place.sql(text); }

  std::vector<audit::Row> audit_rows() {
    std::vector<audit::Row> rows;
    const Status status = keys->store().for_each_audit_row([&](const audit::Row& row) {
      rows.push_back(row);
      return ok_status();
    });
    EXPECT_TRUE(status.ok()) << status.error().message();
    audit::ChainVerifier verifier;
    for (const audit::Row& row : rows) EXPECT_TRUE(verifier.next(row).ok());
    return rows;
  }
  audit::Event last_event() { return audit_rows().back().event; }

  KekVersion kek(const TenantName& name, std::uint32_t version) {
    const auto tenant = keys->store().tenant(name.tenant, name.environment);
    CLOISTER_CHECK(tenant.ok() && tenant->versions.size() >= version);
    return tenant->versions[version - 1];
  }

  testing::TempDir directory;
  StorePlace place;
  crypto::SystemRandom random;
  std::unique_ptr<kms::SoftwareKey> root;
  std::optional<Hierarchy> keys;
};

// Runs something in the middle of a verb: at the next use of the root.
class HookedRoot final : public crypto::KeyWrapper {
 public:
  explicit HookedRoot(crypto::KeyWrapper& root) : root_(root) {}
  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override {
    strike();
    return root_.wrap(key, context);
  }
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override {
    strike();
    return root_.unwrap(wrapped, context);
  }
  std::function<void()> hook;

 private:
  void strike() {
    if (auto now = std::exchange(hook, nullptr)) now();
  }
  crypto::KeyWrapper& root_;
};

// A fixture whose tests run on each kind.
class OnBoth : public ::testing::TestWithParam<Kind> {};

inline const TenantName kAcme{"acme", ""};
inline const TenantName kAcmeProduction{"acme", "production"};
inline const TenantName kRival{"rival", ""};
inline const DatasetName kMnist{"acme", "", "mnist"};
inline const DatasetName kRivalMnist{"rival", "", "mnist"};

template <typename Outcome>
void expect_error(const Outcome& outcome, Code code, std::string_view words = "") {
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code(), code) << outcome.error().message();
  EXPECT_NE(outcome.error().message().find(words), std::string::npos) << outcome.error().message();
}

template <typename Outcome>
void expect_ok(const Outcome& outcome) {
  ASSERT_TRUE(outcome.ok()) << outcome.error().message();
}

}  // namespace cloister::keys
