// The store's own promises: one transaction with its row, compare-and-swap, an audit that can't be cut, honest numbers.
#include "keys/store.h"

#include <sys/stat.h>

#include <thread>

#include "tests/unit/keys/home.h"

namespace cloister::keys {
namespace {

audit::Event event(std::string action) {
  return {kStart, "test", std::move(action), "acme", "x", audit::Outcome::kAllowed, ""};
}

class Stores : public OnBoth {
 protected:
  explicit Stores(Kind kind = GetParam()) : place_(kind), store_(place_.create().value()) {}
  static TenantRecord tenant(std::string name) {
    TenantRecord record;
    record.tenant = std::move(name);
    record.kek_id = std::string(31, '0') + record.tenant.front();
    record.created = kStart;
    KekVersion version;
    version.version = 1;
    version.created = kStart;
    version.commitment.fill(3);
    version.wrapped = {crypto::WrapType::kPkcs11, "pkcs11:1:root", 1, Bytes(12, 1), Bytes(48, 2)};
    record.versions.push_back(version);
    return record;
  }
  Status add(const TenantRecord& record) {
    return store_.change(event("add"), [&](Store::Change& change) { return change.add_tenant(record); });
  }
  std::uint64_t rows() { return store_.audit_head()->rows; }
  bool record_use(const TenantRecord& tenant, const DatasetRecord& dataset) {
    const Use use{event("use"),
                  {},
                  {{tenant.tenant, tenant.environment, "", tenant.row_version},
                   {dataset.tenant, dataset.environment, dataset.dataset, dataset.row_version}}};
    return store_.record_uses({&use, 1}).value()[0].has_value();
  }

  StorePlace place_;
  Store store_;
};
INSTANTIATE_TEST_SUITE_P(On, Stores, ::testing::ValuesIn(kinds()), kind_name);

class StoreFile : public Stores {
 protected:
  StoreFile() : Stores(Kind::kSqlite) {}
  Path path() const { return place_.path(); }
};

TEST_F(StoreFile, OnlyItsOwnerMayUseIt) {
  struct stat info{};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  ASSERT_EQ(::stat(path().parent_path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);
  ASSERT_TRUE(store_.record(event("x")).ok());
  ASSERT_EQ(::stat((path().string() + "-wal").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  ASSERT_EQ(::chmod(path().c_str(), 0620), 0);
  expect_error(Store::open(path()), Code::kDenied);
}

TEST_F(StoreFile, CreateRefusesWhatIsThere) {
  expect_error(Store::create(path()), Code::kExists);
  expect_error(Store::open(path().parent_path() / "absent.db"), Code::kNotFound);
}

TEST_P(Stores, RecordsComeBackAsTheyWere) {
  TenantRecord record = tenant("acme");
  record.environment = "production";
  record.rotate_after = days(90);
  record.versions[0].state = KeyState::kDestructionScheduled;
  record.versions[0].destroy_at = kStart + days(30);
  expect_ok(add(record));
  const auto read = store_.tenant("acme", "production");
  expect_ok(read);
  EXPECT_EQ(read->name(), "acme/production");
  EXPECT_EQ(read->rotate_after, days(90));
  EXPECT_EQ(read->row_version, 1u);
  ASSERT_EQ(read->versions.size(), 1u);
  const KekVersion& version = read->versions[0];
  EXPECT_EQ(version.state, KeyState::kDestructionScheduled);
  EXPECT_EQ(version.destroy_at, kStart + days(30));
  EXPECT_EQ(version.commitment, record.versions[0].commitment);
  EXPECT_EQ(version.wrapped.type, crypto::WrapType::kPkcs11);
  EXPECT_EQ(version.wrapped.key_id, "pkcs11:1:root");
  EXPECT_EQ(version.wrapped.parameters, Bytes(12, 1));
  EXPECT_EQ(version.wrapped.ciphertext, Bytes(48, 2));
  expect_error(store_.tenant("acme", ""), Code::kNotFound, "no tenant acme");
  EXPECT_EQ(store_.tenants()->size(), 1u);
}

TEST_P(Stores, FailedChangeLeavesNothingNotEvenItsRow) {
  const Status status = store_.change(event("half"), [&](Store::Change& change) -> Status {
    CLOISTER_RETURN_IF_ERROR(change.add_tenant(tenant("acme")));
    return Error(Code::kDenied, "changed my mind");
  });
  expect_error(status, Code::kDenied);
  EXPECT_EQ(store_.tenants()->size(), 0u);
  EXPECT_EQ(rows(), 0u);
  expect_ok(add(tenant("acme")));
  EXPECT_EQ(rows(), 1u);
}

TEST_P(Stores, SameNameTwice) {
  expect_ok(add(tenant("acme")));
  expect_error(add(tenant("acme")), Code::kExists);
  DatasetRecord dataset{"acme", "", "mnist", kStart, 0, Bytes(10, 1)};
  const auto add_dataset = [&] {
    return store_.change(event("d"), [&](Store::Change& change) { return change.add_dataset(dataset); });
  };
  expect_ok(add_dataset());
  expect_error(add_dataset(), Code::kExists);
  dataset.tenant = "nobody";
  expect_error(add_dataset(), Code::kNotFound);
}

TEST_P(Stores, StaleRowVersionIsRefused) {
  expect_ok(add(tenant("acme")));
  const TenantRecord first = *store_.tenant("acme", "");
  const auto update = [&](const TenantRecord& record) {
    return store_.change(event("u"), [&](Store::Change& change) { return change.update_tenant(record); });
  };
  expect_ok(update(first));
  expect_error(update(first), Code::kUnavailable, "meanwhile");
  EXPECT_EQ(store_.tenant("acme", "")->row_version, 2u);

  DatasetRecord dataset{"acme", "", "mnist", kStart, 0, Bytes(10, 1)};
  expect_ok(store_.change(event("d"), [&](Store::Change& change) { return change.add_dataset(dataset); }));
  dataset = *store_.dataset("acme", "", "mnist");
  const auto update_dataset = [&] {
    return store_.change(event("d"), [&](Store::Change& change) { return change.update_dataset(dataset); });
  };
  expect_ok(update_dataset());
  expect_error(update_dataset(), Code::kUnavailable, "meanwhile");
}

TEST_P(Stores, ChangeSeesItsOwnUpdates) {
  expect_ok(add(tenant("acme")));
  expect_ok(store_.change(event("u"), [&](Store::Change& change) -> Status {
    CLOISTER_TRY(TenantRecord acme, store_.tenant("acme", ""));
    acme.rotate_after = days(5);
    CLOISTER_RETURN_IF_ERROR(change.update_tenant(acme));
    CLOISTER_TRY(const TenantRecord again, store_.tenant("acme", ""));
    EXPECT_EQ(again.rotate_after, days(5));
    return change.update_tenant(again);
  }));
  EXPECT_EQ(store_.tenant("acme", "")->row_version, 3u);
}

TEST_P(Stores, UseIsRecordedOnlyOfWhatIsStillSo) {
  expect_ok(add(tenant("acme")));
  const DatasetRecord made{"acme", "", "mnist", kStart, 0, Bytes(10, 1)};
  expect_ok(store_.change(event("d"), [&](Store::Change& change) { return change.add_dataset(made); }));
  const TenantRecord acme = *store_.tenant("acme", "");
  const DatasetRecord mnist = *store_.dataset("acme", "", "mnist");
  EXPECT_TRUE(record_use(acme, mnist));
  EXPECT_EQ(rows(), 3u);
  expect_ok(store_.change(event("d"), [&](Store::Change& change) { return change.update_dataset(mnist); }));
  EXPECT_FALSE(record_use(acme, mnist));
  const DatasetRecord newer = *store_.dataset("acme", "", "mnist");
  EXPECT_TRUE(record_use(acme, newer));
  expect_ok(store_.change(event("u"), [&](Store::Change& change) { return change.update_tenant(acme); }));
  EXPECT_FALSE(record_use(acme, newer));
  DatasetRecord absent = newer;
  absent.dataset = "absent";
  EXPECT_FALSE(record_use(*store_.tenant("acme", ""), absent));
  EXPECT_EQ(rows(), 6u);
}

TEST_P(Stores, TwoProcessesTakeTurns) {
  std::vector<std::jthread> writers;
  std::atomic<int> failures = 0;
  for (int w = 0; w < 2; ++w) {
    writers.emplace_back([&] {
      auto own = place_.open();
      for (int i = 0; i < 20; ++i) {
        if (!own.ok() || !own->record(event("turn")).ok()) ++failures;
      }
    });
  }
  writers.clear();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(rows(), 40u);
}

TEST_P(Stores, AuditTableRefusesChanges) {
  expect_ok(store_.record(event("one")));
  std::vector<std::string> edits = {"UPDATE audit SET actor = 'x'", "DELETE FROM audit"};
  if (GetParam() == Kind::kPostgres) {
    edits.emplace_back("TRUNCATE audit");
    edits.emplace_back("INSERT INTO audit SELECT * FROM audit ON CONFLICT (sequence) DO UPDATE SET actor = 'x'");
  } else {
    edits.emplace_back(
        "REPLACE INTO audit SELECT sequence, 0, '', '', '', '', '', '', x'', x'', '', 0, x'', x'', x'' FROM audit");
    edits.emplace_back("INSERT INTO audit VALUES (9, 0, '', '', '', '', '', '', x'', x'', '', 0, x'', x'', x'')");
  }
  for (const std::string& edit : edits) EXPECT_FALSE(place_.try_sql(edit)) << edit;
  EXPECT_EQ(rows(), 1u);
}

TEST_P(Stores, CutAuditTailIsSeen) {
  for (int i = 0; i < 5; ++i) expect_ok(store_.record(event("row")));
  place_.sql_on_audit("DELETE FROM audit WHERE sequence > 3");
  expect_error(store_.for_each_audit_row([](const audit::Row&) { return ok_status(); }), Code::kCorrupt, "row 3");
  expect_error(store_.record(event("more")), Code::kCorrupt);
  expect_error(add(tenant("acme")), Code::kCorrupt);
  expect_error(place_.open(), Code::kCorrupt);
}

TEST_P(Stores, ChangedAuditRowIsSeenByTheChain) {
  for (int i = 0; i < 5; ++i) expect_ok(store_.record(event("row")));
  place_.sql_on_audit("UPDATE audit SET actor = 'nobody' WHERE sequence = 2");
  audit::ChainVerifier verifier;
  expect_error(store_.for_each_audit_row([&](const audit::Row& row) { return verifier.next(row); }), Code::kCorrupt,
               "audit row 2 was changed");
}

TEST_P(Stores, AuditLongerThanOnePieceIsReadInOrder) {
  const int count = 1001;
  for (int i = 0; i < count; ++i) expect_ok(store_.record(event("row")));
  audit::ChainVerifier verifier;
  expect_ok(store_.for_each_audit_row([&](const audit::Row& row) { return verifier.next(row); }));
  EXPECT_EQ(verifier.rows(), static_cast<std::uint64_t>(count));
}

TEST_F(StoreFile, BytesWrittenAreWhatTheLogGrewBy) {
  expect_ok(store_.forget_overwritten(Overwritten::kKeks));
  const std::uint64_t before = store_.bytes_written();
  expect_ok(add(tenant("acme")));
  for (int i = 0; i < 10; ++i) expect_ok(store_.record(event("row")));
  const std::uint64_t log = std::filesystem::file_size(path().string() + "-wal");
  EXPECT_EQ(store_.bytes_written() - before + 32, log);  // 32: the log's own header
}

TEST_F(StoreFile, LockedStoreIsUnavailable) {
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(path().c_str(), &raw), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(raw, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  expect_error(store_.record(event("row")), Code::kUnavailable, "ten seconds");
  sqlite3_close(raw);
  expect_ok(store_.record(event("row")));
}

}  // namespace
}  // namespace cloister::keys
