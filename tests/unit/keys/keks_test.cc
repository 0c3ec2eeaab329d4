// KEK versions through their lives, and what an intruder with the store's file can't do with them.
#include <algorithm>
#include <set>
#include <thread>

#include "tests/unit/keys/home.h"

namespace cloister::keys {
namespace {

class Keks : public OnBoth {
 protected:
  explicit Keks(Kind kind = GetParam()) : home_(kind) {
    CLOISTER_CHECK(home_.keys->create_tenant(kAcme, std::nullopt, home_.caller()).ok());
    CLOISTER_CHECK(home_.keys->create_dataset(kMnist, home_.caller()).ok());
  }
  Hierarchy& keys() { return *home_.keys; }
  auto unlock(const DatasetName& name = kMnist) { return keys().unlock_keyring(name, "open", home_.caller()); }
  std::uint32_t kek_version_of(const DatasetName& name) {
    const auto dataset = keys().store().dataset(name.tenant, name.environment, name.dataset);
    return seal::parse_keyring(dataset->keyring)->ring_key.key_version;
  }
  void expect_refused_row(std::string_view action) {
    const audit::Event event = home_.last_event();
    EXPECT_EQ(event.action, action);
    EXPECT_EQ(event.outcome, audit::Outcome::kRefused);
    EXPECT_FALSE(event.detail.empty());
  }
  Home home_;
};
INSTANTIATE_TEST_SUITE_P(On, Keks, ::testing::ValuesIn(kinds()), kind_name);

class SqliteKeks : public Keks {
 protected:
  SqliteKeks() : Keks(Kind::kSqlite) {}
};

TEST_P(Keks, RotationRewrapsEveryKeyring) {
  for (int i = 0; i < 5; ++i) {
    expect_ok(keys().create_dataset({"acme", "", "set" + std::to_string(i)}, home_.caller()));
  }
  const auto before = unlock();
  const auto cost = keys().rotate_kek(kAcme, home_.caller());
  expect_ok(cost);
  EXPECT_EQ(cost->objects_touched, 7u);  // six keyrings and the version
  EXPECT_GT(cost->bytes_written, 0u);
  EXPECT_EQ(cost->datasets_unreadable, 0u);
  EXPECT_EQ(home_.last_event().detail, "6 keyrings rewrapped");
  EXPECT_EQ(kek_version_of(kMnist), 2u);
  const auto after = unlock();
  expect_ok(after);
  EXPECT_EQ(after->outline().keys[0].commitment, before->outline().keys[0].commitment);
  EXPECT_EQ(home_.kek(kAcme, 1).state, KeyState::kEnabled);
}

TEST_P(Keks, RotationLeavesOtherTenantsAlone) {
  expect_ok(keys().create_tenant(kAcmeProduction, std::nullopt, home_.caller()));
  expect_ok(keys().create_dataset({"acme", "production", "mnist"}, home_.caller()));
  expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  EXPECT_EQ(kek_version_of({"acme", "production", "mnist"}), 1u);
  expect_error(keys().rotate_kek(kRival, home_.caller()), Code::kNotFound);
  expect_refused_row("kek.rotate");
}

TEST_P(Keks, OfTwoRotationsAtOnceOneWins) {
  for (int round = 0; round < 3; ++round) {
    const std::size_t before = keys().store().tenant("acme", "")->versions.size();
    std::atomic<int> won = 0;
    std::atomic<int> lost = 0;
    std::atomic<int> ready = 0;
    {
      std::vector<std::jthread> threads;
      for (int t = 0; t < 2; ++t) {
        threads.emplace_back([&] {
          auto own = home_.open();
          ++ready;
          while (ready < 2) std::this_thread::yield();
          const auto cost = own->rotate_kek(kAcme, home_.caller());
          if (cost.ok()) ++won;
          if (!cost.ok() && cost.error().code() == Code::kUnavailable) ++lost;
        });
      }
    }
    const std::size_t after = keys().store().tenant("acme", "")->versions.size();
    EXPECT_EQ(won + lost, 2);
    EXPECT_GE(won, 1);
    EXPECT_EQ(after - before, static_cast<std::size_t>(won));
  }
}

TEST_P(Keks, LateRotationIsUnavailableAndChangesNothing) {
  const TenantRecord stale = *keys().store().tenant("acme", "");
  expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  const Status late =
      keys().store().change(audit::Event{kStart, "test", "kek.rotate", "acme", "x", audit::Outcome::kAllowed, ""},
                            [&](Store::Change& change) {
                              TenantRecord again = stale;
                              KekVersion version = again.versions.back();
                              version.version = 2;
                              again.versions.push_back(version);
                              return change.update_tenant(again);
                            });
  expect_error(late, Code::kUnavailable);
  EXPECT_EQ(keys().store().tenant("acme", "")->versions.size(), 2u);
  expect_ok(unlock());
}

TEST_P(Keks, DisabledVersionNeitherUnlocksNorWraps) {
  expect_ok(keys().disable_kek(kAcme, 1, home_.caller()));
  expect_error(unlock(), Code::kDenied, "KEK version 1 of acme is disabled: enable it");
  expect_refused_row("keyring.unlock");
  expect_error(keys().create_dataset({"acme", "", "other"}, home_.caller()), Code::kDenied, "disabled");
  expect_refused_row("dataset.create");
  expect_error(keys().disable_kek(kAcme, 1, home_.caller()), Code::kDenied);
  expect_refused_row("kek.disable");
  expect_ok(keys().enable_kek(kAcme, 1, home_.caller()));
  expect_ok(unlock());
  expect_error(keys().enable_kek(kAcme, 1, home_.caller()), Code::kDenied, "is enabled");
  expect_error(keys().disable_kek(kAcme, 7, home_.caller()), Code::kNotFound, "version 7");
}

TEST_P(Keks, OldVersionDisabledAfterRotationCostsNothing) {
  expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  expect_ok(keys().disable_kek(kAcme, 1, home_.caller()));
  expect_ok(unlock());
}

TEST_P(Keks, RotationLeavesBehindWhatADisabledVersionHolds) {
  expect_ok(keys().disable_kek(kAcme, 1, home_.caller()));
  const auto cost = keys().rotate_kek(kAcme, home_.caller());
  expect_ok(cost);
  EXPECT_EQ(cost->datasets_unreadable, 1u);
  EXPECT_EQ(home_.last_event().detail, "0 keyrings rewrapped, 1 left under versions that aren't enabled");
  expect_error(unlock(), Code::kDenied, "disabled");
  expect_ok(keys().create_dataset({"acme", "", "new"}, home_.caller()));
  expect_ok(keys().enable_kek(kAcme, 1, home_.caller()));
  const auto again = keys().rotate_kek(kAcme, home_.caller());
  expect_ok(again);
  EXPECT_EQ(again->objects_touched, 3u);
  EXPECT_EQ(kek_version_of(kMnist), 3u);
}

TEST_P(Keks, DestructionWaitsAndCanBeCancelled) {
  expect_error(keys().schedule_kek_destruction(kAcme, 1, days(6), home_.caller()), Code::kInvalid, "7 days");
  expect_refused_row("kek.schedule_destruction");
  expect_error(keys().schedule_kek_destruction(kAcme, 1, Duration{INT64_MAX}, home_.caller()), Code::kInvalid);
  expect_error(keys().destroy_kek(kAcme, 1, home_.caller()), Code::kDenied, "schedule it first");
  const auto due = keys().schedule_kek_destruction(kAcme, 1, kDestructionWaitDefault, home_.caller());
  expect_ok(due);
  EXPECT_EQ(*due, kStart + days(30));
  EXPECT_NE(home_.last_event().detail.find("1 dataset unreadable"), std::string::npos);
  expect_error(unlock(), Code::kDenied, "scheduled for destruction at 2027");
  expect_error(keys().schedule_kek_destruction(kAcme, 1, days(30), home_.caller()), Code::kDenied);
  expect_error(keys().enable_kek(kAcme, 1, home_.caller()), Code::kDenied, "cancel");
  expect_error(keys().destroy_kek(kAcme, 1, home_.caller(Duration{days(30).ms - 1})), Code::kDenied, "isn't due");
  expect_refused_row("kek.destroy");
  expect_ok(keys().cancel_kek_destruction(kAcme, 1, home_.caller()));
  EXPECT_EQ(home_.kek(kAcme, 1).state, KeyState::kDisabled);
  expect_error(keys().cancel_kek_destruction(kAcme, 1, home_.caller()), Code::kDenied, "isn't scheduled");
  expect_error(keys().destroy_kek(kAcme, 1, home_.caller(days(31))), Code::kDenied);
  expect_ok(keys().enable_kek(kAcme, 1, home_.caller()));
  expect_ok(unlock());
}

// Whether the bytes lie anywhere in the files that hold the store's tables.
bool is_on_disk(StorePlace& place, const Bytes& needle) {
  std::vector<Path> folders = {place.path().parent_path()};
  if (place.kind() == Kind::kPostgres) {
    testing::TestPostgres::shared().sql("CHECKPOINT");
    folders = {testing::TestPostgres::shared().data() / "base"};
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folders[0])) {
    if (!entry.is_regular_file()) continue;
    const Bytes bytes = *read_file(entry.path(), 1 << 28);
    if (std::search(bytes.begin(), bytes.end(), needle.begin(), needle.end()) != bytes.end()) return true;
  }
  return false;
}

TEST_P(Keks, DestructionIsForEverAndLeavesNoBytes) {
  const Bytes wrapped = home_.kek(kAcme, 1).wrapped.ciphertext;
  expect_ok(keys().schedule_kek_destruction(kAcme, 1, days(7), home_.caller()));
  EXPECT_TRUE(is_on_disk(home_.place, wrapped));
  const auto cost = keys().destroy_kek(kAcme, 1, home_.caller(days(7)));
  expect_ok(cost);
  EXPECT_EQ(cost->datasets_unreadable, 1u);
  EXPECT_EQ(home_.last_event().detail, "1 dataset unreadable for ever");
  EXPECT_TRUE(home_.kek(kAcme, 1).wrapped.ciphertext.empty());
  home_.close();
  EXPECT_FALSE(is_on_disk(home_.place, wrapped));
  home_.reopen();
  expect_error(unlock(), Code::kDenied, "destroyed");
  expect_error(keys().enable_kek(kAcme, 1, home_.caller()), Code::kDenied, "destroyed");
  expect_error(keys().cancel_kek_destruction(kAcme, 1, home_.caller()), Code::kDenied, "destroyed");
  expect_error(keys().destroy_kek(kAcme, 1, home_.caller(days(40))), Code::kDenied, "destroyed");
  expect_error(keys().create_dataset({"acme", "", "other"}, home_.caller()), Code::kDenied);
  // A new version is for new datasets: the old stay shredded.
  expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  expect_ok(keys().create_dataset({"acme", "", "other"}, home_.caller()));
  expect_error(unlock(), Code::kDenied, "destroyed");
}

TEST_P(Keks, DestroyedDatasetKeyLeavesNoBytes) {
  expect_ok(keys().rotate_dataset_key(kMnist, home_.caller()));
  const Bytes keyring = keys().store().dataset("acme", "", "mnist")->keyring;
  const Bytes mac(keyring.end() - 32, keyring.end());
  EXPECT_TRUE(is_on_disk(home_.place, mac));
  expect_ok(keys().set_dataset_key_state(kMnist, 1, seal::DatasetKeyState::kDestroyed, home_.caller()));
  EXPECT_FALSE(is_on_disk(home_.place, mac));
}

TEST_F(SqliteKeks, ADestroyedKeyThatAReaderKeepsInTheLogIsSaidEveryTime) {
  sqlite3* reader = nullptr;
  ASSERT_EQ(sqlite3_open(home_.store_path().c_str(), &reader), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM kek_versions", nullptr, nullptr, nullptr), SQLITE_OK);
  home_.sql("UPDATE kek_versions SET state = 'destroyed', wrapped = x''");
  expect_error(keys().destroy_kek_immediately(kAcme, 1, "leaked", home_.caller()), Code::kUnavailable,
               "still in the store's files");
  sqlite3_close(reader);
  expect_error(keys().destroy_kek_immediately(kAcme, 1, "leaked", home_.caller()), Code::kDenied, "is destroyed");
}

TEST_P(Keks, DestroyingAnOldVersionShredsNothing) {
  expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  expect_ok(keys().schedule_kek_destruction(kAcme, 1, days(7), home_.caller()));
  const auto cost = keys().destroy_kek(kAcme, 1, home_.caller(days(8)));
  expect_ok(cost);
  EXPECT_EQ(cost->datasets_unreadable, 0u);
  expect_ok(unlock());
}

TEST_P(Keks, ImmediateDestructionTakesAReason) {
  expect_error(keys().destroy_kek_immediately(kAcme, 1, "", home_.caller()), Code::kInvalid, "reason");
  expect_ok(unlock());
  expect_ok(keys().destroy_kek_immediately(kAcme, 1, "leaked in a core dump", home_.caller()));
  EXPECT_EQ(home_.last_event().detail, "reason: leaked in a core dump; 1 dataset unreadable for ever");
  expect_error(unlock(), Code::kDenied, "destroyed");
  expect_error(keys().destroy_kek_immediately(kAcme, 1, "again", home_.caller()), Code::kDenied, "destroyed");
}

TEST_P(Keks, RotationByAge) {
  using Names = std::vector<std::string>;
  expect_ok(keys().create_tenant(kRival, days(30), home_.caller()));
  EXPECT_EQ(keys().rotate_due(home_.caller(Duration{days(27).ms - 1}))->rotated, Names{});
  const auto due = keys().rotate_due(home_.caller(days(30)));
  EXPECT_EQ(due->rotated, Names{"rival"});
  EXPECT_EQ(due->cost.objects_touched, 1u);
  EXPECT_FALSE(due->failure.has_value());
  EXPECT_EQ(keys().rotate_due(home_.caller(days(31)))->rotated, Names{});
  expect_ok(keys().set_rotate_after(kAcme, days(1), home_.caller()));
  EXPECT_EQ(keys().rotate_due(home_.caller(days(31)))->rotated, Names{"acme"});
  expect_ok(keys().set_rotate_after(kAcme, std::nullopt, home_.caller()));
  expect_ok(keys().set_rotate_after(kRival, std::nullopt, home_.caller()));
  EXPECT_EQ(keys().rotate_due(home_.caller(days(900)))->rotated, Names{});
  expect_error(keys().set_rotate_after(kAcme, Duration{0}, home_.caller()), Code::kInvalid);
  expect_error(keys().set_rotate_after({"nobody", ""}, days(1), home_.caller()), Code::kNotFound);
}

TEST_P(Keks, ReasonOfARotationIsOnRecord) {
  expect_ok(keys().rotate_kek(kAcme, home_.caller(), "compromise"));
  EXPECT_EQ(home_.last_event().detail, "reason: compromise; 1 keyring rewrapped");
  expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  EXPECT_EQ(home_.last_event().detail, "1 keyring rewrapped");
}

TEST_P(Keks, WhatTheCallerSaysGoesWithEveryRow) {
  Caller caller = home_.caller();
  caller.extras.set_text(audit::Extra::kRequestId, "r-1");
  caller.request = RequestKey{{1}, {2}, kStart + days(1)};
  expect_ok(keys().rotate_kek(kAcme, caller));
  EXPECT_TRUE(keys().store().find_request(caller.request->key)->has_value());
  expect_error(keys().rotate_kek(kAcme, caller), Code::kExists, "request key");
  expect_error(keys().rotate_kek(kRival, caller), Code::kNotFound);
  expect_ok(keys().unlock_keyring(kMnist, "open", caller));
  const auto rows = home_.audit_rows();
  for (std::size_t i = rows.size() - 4; i < rows.size(); ++i) EXPECT_EQ(rows[i].extras, caller.extras) << i;
  EXPECT_EQ(keys().store().tenant("acme", "")->versions.size(), 2u);
}

// A fleet made at once isn't rotated at once, and nobody is late.
TEST(RotationDue, IsSpreadOverTheLastTenthOfThePeriod) {
  TenantRecord tenant;
  tenant.rotate_after = days(100);
  EXPECT_FALSE(rotation_due(tenant).has_value());
  tenant.versions.emplace_back();
  tenant.versions[0].version = 1;
  tenant.versions[0].created = kStart;
  std::set<std::int64_t> times;
  for (int i = 0; i < 200; ++i) {
    tenant.kek_id = std::to_string(i);
    const auto due = rotation_due(tenant);
    ASSERT_TRUE(due.has_value());
    EXPECT_EQ(*due, *rotation_due(tenant));
    EXPECT_GT(*due, kStart + days(90));
    EXPECT_LE(*due, kStart + days(100));
    times.insert((*due - kStart).ms / days(1).ms);
  }
  EXPECT_EQ(times.size(), 10u);  // each of the ten days
  const auto first = rotation_due(tenant);
  tenant.versions[0].version = 2;
  EXPECT_NE(rotation_due(tenant), first);
  tenant.versions[0].state = KeyState::kDisabled;
  EXPECT_FALSE(rotation_due(tenant).has_value());
  tenant.versions[0].state = KeyState::kEnabled;
  tenant.rotate_after.reset();
  EXPECT_FALSE(rotation_due(tenant).has_value());
}

TEST_P(Keks, DueAtTwoProgramsIsRotatedOnce) {
  expect_ok(keys().set_rotate_after(kAcme, days(1), home_.caller()));
  for (int i = 0; i < 8; ++i) {
    expect_ok(keys().create_tenant({"tenant" + std::to_string(i), ""}, days(1), home_.caller()));
  }
  std::atomic<int> rotated = 0;
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> programs;
    for (int p = 0; p < 2; ++p) {
      programs.emplace_back([&] {
        auto own = home_.open();
        const auto due = own.ok() ? own->rotate_due(home_.caller(days(1))) : Result<DueRotations>(own.error());
        if (!due.ok() || due->failure) ++failures;
        if (due.ok()) rotated += static_cast<int>(due->rotated.size());
      });
    }
  }
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(rotated, 9);
  int rows = 0;
  for (const audit::Row& row : home_.audit_rows()) rows += row.event.action == "kek.rotate" ? 1 : 0;
  EXPECT_EQ(rows, 9);
  EXPECT_EQ(keys().store().tenant("acme", "")->versions.size(), 2u);
}

TEST_P(Keks, RotationByAgeDoesNotUndoADisabling) {
  expect_ok(keys().set_rotate_after(kAcme, days(1), home_.caller()));
  expect_ok(keys().disable_kek(kAcme, 1, home_.caller()));
  EXPECT_TRUE(keys().rotate_due(home_.caller(days(5)))->rotated.empty());
  EXPECT_EQ(keys().store().tenant("acme", "")->versions.size(), 1u);
}

TEST_P(Keks, RotationByAgeSaysWhatWasDoneBesideAFailure) {
  expect_ok(keys().set_rotate_after(kAcme, days(1), home_.caller()));
  expect_ok(keys().create_tenant(kRival, days(1), home_.caller()));
  home_.sql("UPDATE datasets SET keyring = " + home_.place.blob(Bytes(200)));
  const auto due = keys().rotate_due(home_.caller(days(5)));
  expect_ok(due);
  EXPECT_EQ(due->rotated, std::vector<std::string>{"rival"});
  ASSERT_TRUE(due->failure.has_value());
  EXPECT_NE(due->failure->message().find("acme"), std::string::npos);
}

TEST_P(Keks, DatasetsUnderAVersion) {
  Store& store = keys().store();
  EXPECT_EQ(datasets_under(store, kAcme, 1)->size(), 1u);
  EXPECT_EQ(datasets_under(store, kAcme, 2)->size(), 0u);
  expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  EXPECT_EQ(datasets_under(store, kAcme, 1)->size(), 0u);
  EXPECT_EQ(datasets_under(store, kAcme, 2)->size(), 1u);
  expect_error(datasets_under(store, kRival, 1), Code::kNotFound);
}

// Rows moved by raw SQL. Each must fail in the wrap itself.
TEST_P(Keks, VersionMovedToAnotherTenant) {
  expect_ok(keys().create_tenant(kRival, std::nullopt, home_.caller()));
  expect_ok(keys().create_dataset(kRivalMnist, home_.caller()));
  home_.sql(
      "UPDATE kek_versions SET (wrapped, commitment) = (SELECT wrapped, commitment FROM kek_versions v JOIN tenants t "
      "ON v.kek_id = t.kek_id WHERE t.tenant = 'acme') WHERE kek_id = (SELECT kek_id FROM tenants WHERE tenant = "
      "'rival')");
  expect_error(unlock(kRivalMnist), Code::kDenied, "unwrap KEK version 1 of rival");
  expect_refused_row("keyring.unlock");
  expect_ok(unlock(kMnist));
}

TEST_P(Keks, VersionsSwappedWithinATenant) {
  expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  expect_ok(unlock());
  home_.sql(
      "UPDATE kek_versions SET version = 1000 WHERE version = 1; UPDATE kek_versions SET version = 1 WHERE version = 2;"
      "UPDATE kek_versions SET version = 2 WHERE version = 1000");
  expect_error(unlock(), Code::kDenied, "unwrap KEK version 2");
}

TEST_P(Keks, TenantRenamed) {
  home_.sql("UPDATE tenants SET tenant = 'rival'");
  expect_error(unlock(kRivalMnist), Code::kDenied, "unwrap KEK version 1 of rival");
}

TEST_P(Keks, EnvironmentChanged) {
  home_.sql("UPDATE tenants SET environment = 'production'");
  expect_error(unlock({"acme", "production", "mnist"}), Code::kDenied, "unwrap KEK version 1");
}

TEST_P(Keks, WholeTenantCarriedToAnotherHomeOfTheSameRoot) {
  StorePlace other(GetParam());
  auto second =
      Hierarchy::create(other.create().value(), *home_.root, home_.root->key_id(), home_.random, home_.caller());
  expect_ok(second);
  const bool sqlite = GetParam() == Kind::kSqlite;
  const std::string from = sqlite ? "a" : home_.place.schema();
  const std::string attach = sqlite ? "ATTACH '" + home_.store_path().string() + "' AS a; " : "";
  const std::string with_ids = sqlite ? " " : " OVERRIDING SYSTEM VALUE ";
  home_.close();
  other.sql(attach + "INSERT INTO tenants" + with_ids + "SELECT * FROM " + from +
            ".tenants; INSERT INTO kek_versions SELECT * FROM " + from + ".kek_versions; INSERT INTO datasets" +
            with_ids + "SELECT * FROM " + from + ".datasets");
  expect_error(second->unlock_keyring(kMnist, "open", home_.caller()), Code::kDenied, "unwrap KEK version 1 of acme");
  home_.reopen();
  expect_ok(unlock());
}

TEST_P(Keks, ZeroedWrapOrCommitment) {
  const KekVersion good = home_.kek(kAcme, 1);
  const Bytes commitment(good.commitment.begin(), good.commitment.end());
  for (const auto& [column, value] :
       {std::pair("wrapped", good.wrapped.ciphertext), std::pair("commitment", commitment)}) {
    const auto set = [&](const Bytes& bytes) {
      home_.sql("UPDATE kek_versions SET " + std::string(column) + " = " + home_.place.blob(bytes));
    };
    set(Bytes(value.size()));
    expect_error(unlock(), Code::kDenied);
    set(value);
  }
  expect_ok(unlock());
}

// What a rotation costs, in the output of the test: a tenant with 100 datasets.
TEST_P(Keks, CostOfRotatingAHundredDatasets) {
  for (int i = 1; i < 100; ++i) {
    expect_ok(keys().create_dataset({"acme", "", "set" + std::to_string(i)}, home_.caller()));
  }
  const auto cost = keys().rotate_kek(kAcme, home_.caller());
  expect_ok(cost);
  EXPECT_EQ(cost->objects_touched, 101u);
  EXPECT_LT(cost->bytes_written, 1'000'000u);
  RecordProperty("bytes_written", std::to_string(cost->bytes_written));
  std::printf("rotated a KEK over 100 datasets: %llu bytes written, %.1f ms\n",
              static_cast<unsigned long long>(cost->bytes_written), cost->seconds * 1000);
}

}  // namespace
}  // namespace cloister::keys
