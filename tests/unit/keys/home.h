// A home of a test's own: a software root, a store, a hierarchy, and raw SQL to do to it what an intruder would.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "keys/hierarchy.h"
#include "kms/software_key.h"
#include "tests/support/temp_dir.h"

namespace cloister::keys {

inline constexpr Time kStart{1'800'000'000'000};

class Home {
 public:
  Home() {
    CLOISTER_CHECK(kms::create_key_file(root_path(), std::nullopt, {}, random).ok());
    root = open_root(root_path());
    auto made = Hierarchy::create(Store::create(store_path()).value(), *root, root->key_id(), random, caller());
    CLOISTER_CHECK(made.ok());
    keys.emplace(std::move(*made));
  }

  Path root_path() const { return directory / "root.key"; }
  Path store_path() const { return directory / "home/store.db"; }
  Caller caller(Duration later = Duration{}) const { return {"uid:1000 alice", kStart + later}; }

  std::unique_ptr<kms::SoftwareKey> open_root(const Path& path) {
    auto opened = kms::SoftwareKey::open(path, std::nullopt, random);
    CLOISTER_CHECK(opened.ok());
    return std::move(*opened);
  }
  void close() { keys.reset(); }
  Result<Hierarchy> open() {
    auto store = Store::open(store_path());
    if (!store.ok()) return store.error();
    return Hierarchy::open(std::move(*store), *root, root->key_id(), random);
  }
  void reopen() {
    close();
    auto opened = open();
    CLOISTER_CHECK(opened.ok());
    keys.emplace(std::move(*opened));
  }

  // Behind the store's back.
  void sql(const std::string& text) {
    sqlite3* database = nullptr;
    CLOISTER_CHECK(sqlite3_open(store_path().c_str(), &database) == SQLITE_OK);
    char* message = nullptr;
    const int code = sqlite3_exec(database, text.c_str(), nullptr, nullptr, &message);
    EXPECT_EQ(code, SQLITE_OK) << (message == nullptr ? "" : message);
    sqlite3_free(message);
    sqlite3_close(database);
  }

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
  crypto::SystemRandom random;
  std::unique_ptr<kms::SoftwareKey> root;
  std::optional<Hierarchy> keys;
};

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
