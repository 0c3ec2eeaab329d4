// What only a store in PostgreSQL has to promise: the server it accepts, changes that are run again, and a COMMIT whose
// answer was lost.
#include "keys/postgres.h"

#include <atomic>
#include <cstdlib>
#include <thread>

#include "crypto/library.h"
#include "tests/support/postgres_proxy.h"
#include "tests/unit/keys/home.h"

namespace cloister::keys {
namespace {

using testing::PostgresProxy;
using testing::TestPostgres;

audit::Event event(std::string action) {
  return {kStart, "test", std::move(action), "acme", "x", audit::Outcome::kAllowed, ""};
}

class Postgres : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!TestPostgres::installed()) GTEST_SKIP() << "PostgreSQL isn't installed: its stores are not tested here";
    place_.emplace(Kind::kPostgres);
  }
  static TestPostgres& server() { return TestPostgres::shared(); }
  Result<std::unique_ptr<Database>> open_database(const std::string& connection, IfAbsent if_absent) {
    PostgresLocation location = place_->location();
    location.connection = crypto::Secret::copy_of(as_bytes(connection));
    return open_postgres(std::move(location), if_absent, random_);
  }
  auto open_as(const std::string& role) {
    return open_database("host=" + server().host() + " port=5432 dbname=postgres user=" + role, IfAbsent::kCreate);
  }
  std::optional<StorePlace> place_;
  crypto::SystemRandom random_;
};

TEST_F(Postgres, OneOpensslForLibpqToo) {
  expect_ok(place_->create());
  EXPECT_EQ(crypto::library_info().mapped.size(), 1u);
}

TEST_F(Postgres, AbsentStoreIsNotMadeByOpening) {
  expect_error(place_->open(), Code::kNotFound, place_->schema());
  expect_ok(place_->create());
  expect_ok(place_->open());
}

TEST_F(Postgres, SomebodyElsesSchema) {
  server().sql("CREATE SCHEMA " + place_->schema() + "; CREATE TABLE " + place_->schema() + ".cookies (id INTEGER)");
  expect_error(place_->create(), Code::kInvalid, "isn't a key store");
}

TEST_F(Postgres, NewerVersion) {
  expect_ok(place_->create());
  place_->sql("UPDATE store SET version = 99");
  expect_error(place_->open(), Code::kUnsupported, "newer");
}

TEST_F(Postgres, OlderVersionIsMigratedInOneStep) {
  const std::vector<Migration> first = {postgres_migrations()[0]};
  std::vector<Migration> second = first;
  second.push_back({2, "ALTER TABLE settings ADD COLUMN changed_ms BIGINT NOT NULL DEFAULT 7"});
  expect_ok(open_postgres(place_->location(), IfAbsent::kCreate, random_, first));
  std::vector<Migration> broken = second;
  broken.push_back({3, "CREATE TABLE extra (id BIGINT); no such statement"});
  EXPECT_FALSE(open_postgres(place_->location(), IfAbsent::kRefuse, random_, broken).ok());
  expect_ok(open_postgres(place_->location(), IfAbsent::kRefuse, random_, first));
  expect_ok(open_postgres(place_->location(), IfAbsent::kRefuse, random_, second));
  place_->sql("INSERT INTO settings (name, value, changed_ms) VALUES ('a', 'b', 3)");
  EXPECT_EQ(server().sql("SELECT version FROM " + place_->schema() + ".store"), "2");
}

TEST_F(Postgres, TwoMakeItAtOnce) {
  std::atomic<int> made = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        crypto::SystemRandom random;
        made += open_postgres(place_->location(), IfAbsent::kCreate, random).ok() ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(made, 4);
  EXPECT_EQ(server().sql("SELECT count(*) FROM " + place_->schema() + ".store"), "1");
}

TEST_F(Postgres, ServerThatAcknowledgesTooEarly) {
  server().sql("CREATE ROLE hasty SUPERUSER LOGIN");
  for (const char* level : {"off", "local", "remote_write"}) {
    server().sql("ALTER ROLE hasty SET synchronous_commit TO " + std::string(level));
    expect_error(open_as("hasty"), Code::kDenied, level);
  }
  server().sql("ALTER ROLE hasty SET synchronous_commit TO remote_apply");
  expect_ok(open_as("hasty"));
  server().sql("ALTER ROLE hasty SET synchronous_commit TO on");
  server().set("fsync", "off");
  expect_error(open_as("hasty"), Code::kDenied, "fsync");
  server().set("fsync", "on");
  expect_ok(open_as("hasty"));
}

TEST_F(Postgres, ServersChangeOfMindIsNotOurs) {
  Store store = place_->create().value();
  server().set("synchronous_commit", "off");
  expect_error(place_->open(), Code::kDenied, "synchronous_commit = off");
  expect_ok(store.record(event("still durable")));
  server().set("synchronous_commit", "on");
}

TEST_F(Postgres, RoleWithoutRights) {
  server().sql("CREATE ROLE nobody LOGIN");
  expect_error(open_as("nobody"), Code::kDenied);
  expect_ok(place_->create());
  expect_error(open_as("nobody"), Code::kDenied);
}

// Everything works for a role that owns the schema and no more.
class PlainRole : public Postgres {
 protected:
  void SetUp() override {
    Postgres::SetUp();
    if (IsSkipped()) return;
    server().try_sql("CREATE ROLE plain LOGIN; GRANT CREATE ON DATABASE postgres TO plain");
    ASSERT_TRUE(kms::create_key_file(folder_ / "root.key", std::nullopt, {}, random_).ok());
    root_ = kms::SoftwareKey::open(folder_ / "root.key", std::nullopt, random_).value();
    PostgresLocation location = place_->location();
    location.connection = crypto::Secret::copy_of(as_bytes("host=" + server().host() + " user=plain dbname=postgres"));
    location.lock_patience = Duration{300};
    auto store = Store::open(open_postgres(std::move(location), IfAbsent::kCreate, random_).value());
    keys_.emplace(Hierarchy::create(std::move(*store), *root_, root_->key_id(), random_, caller_).value());
    expect_ok(keys_->create_tenant(kAcme, std::nullopt, caller_));
    expect_ok(keys_->create_dataset(kMnist, caller_));
    expect_ok(keys_->rotate_kek(kAcme, caller_));
  }
  const Caller caller_{"test", kStart};
  testing::TempDir folder_;
  std::unique_ptr<kms::SoftwareKey> root_;
  std::optional<Hierarchy> keys_;
};

TEST_F(PlainRole, DestroysAndForgets) {
  expect_ok(keys_->destroy_kek_immediately(kAcme, 1, "test", caller_));
  expect_ok(keys_->unlock_keyring(kMnist, "open", caller_));
}

TEST_F(PlainRole, OldRowsThatOthersSeeAreNotCalledGone) {
  std::jthread reader([&] {
    server().sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM " + place_->schema() +
                 ".settings; SELECT pg_sleep(2)");
  });
  while (server().sql(
             "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(2)%' AND wait_event = 'PgSleep'") !=
         "1") {
  }
  expect_error(keys_->destroy_kek_immediately(kAcme, 1, "test", caller_), Code::kUnavailable, "still see the old rows");
  reader.join();
  expect_error(keys_->destroy_kek_immediately(kAcme, 1, "test", caller_), Code::kDenied, "is destroyed");
}

TEST_F(PlainRole, TablesOfAnotherOwnerAreNotCalledForgotten) {
  server().sql("ALTER TABLE " + place_->schema() + ".kek_versions OWNER TO postgres; GRANT ALL ON " + place_->schema() +
               ".kek_versions TO plain");
  expect_error(keys_->destroy_kek_immediately(kAcme, 1, "test", caller_), Code::kUnavailable, "doesn't own the table");
}

TEST_F(Postgres, DatabaseInAnotherEncoding) {
  server().sql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
  expect_error(open_database("host=" + server().host() + " port=5432 dbname=latin user=postgres", IfAbsent::kCreate),
               Code::kInvalid, "LATIN1");
}

TEST_F(Postgres, ConnectionFileAndEnvironment) {
  expect_ok(open_database("# where the keys are\nhost=" + server().host() +
                              "\n  # comment\nport=5432\tuser=postgres\n"
                              "dbname=postgres\n",
                          IfAbsent::kCreate));
  ::setenv("PGHOST", server().host().c_str(), 1);
  ::setenv("PGUSER", "postgres", 1);
  expect_ok(open_database("", IfAbsent::kCreate));
  ::setenv("PGPASSWORD", "hunter2", 1);
  expect_error(open_database("", IfAbsent::kCreate), Code::kDenied, "PGPASSWORD");
  for (const char* name : {"PGHOST", "PGUSER", "PGPASSWORD"}) ::unsetenv(name);
}

TEST_F(Postgres, NoErrorQuotesThePassword) {
  for (const std::string connection :
       {"host=/nowhere password=hunter2", "password='hunter2", "password hunter2", "hunter2",
        "host=db password=hunter2 x=1", "host=/nowhere user=hunter password=hunter2 dbname=x\nsslmode=hunter2"}) {
    const auto opened = open_database(connection, IfAbsent::kCreate);
    ASSERT_FALSE(opened.ok()) << connection;
    if (connection.find("sslmode") == std::string::npos) {
      EXPECT_EQ(opened.error().message().find("hunter2"), std::string::npos) << opened.error().message();
    }
  }
  expect_error(open_database("host=/nowhere password=hunter2", IfAbsent::kCreate), Code::kUnavailable, "/nowhere");
}

TEST_F(Postgres, LockedStoreIsUnavailable) {
  PostgresLocation location = place_->location();
  location.lock_patience = Duration{300};
  Store store = Store::open(open_postgres(std::move(location), IfAbsent::kCreate, random_).value()).value();
  std::atomic<bool> held = false;
  Store other = place_->open().value();
  std::jthread holder([&] {
    ignore_result(other.database().transaction({{}, [&](Connection&) -> Result<std::optional<Mark>> {
                                                  held = true;
                                                  std::this_thread::sleep_for(std::chrono::milliseconds(900));
                                                  return Error(Code::kDenied, "enough");
                                                }}));
  });
  while (!held) std::this_thread::yield();
  expect_error(store.record(event("row")), Code::kUnavailable, "locked");
  holder.join();
  expect_ok(store.record(event("row")));
}

// A body that is slow holds nobody up: the turn is taken late.
TEST_F(Postgres, RowsAreWrittenWhileAChangeIsUnderWay) {
  Store store = place_->create().value();
  Store other = place_->open().value();
  expect_ok(store.change(event("slow"), [&](Store::Change& change) -> Status {
    CLOISTER_RETURN_IF_ERROR(change.put_setting("a", "b"));
    for (int i = 0; i < 3; ++i) CLOISTER_RETURN_IF_ERROR(other.record(event("meanwhile")));
    return {};
  }));
  std::vector<std::string> actions;
  audit::ChainVerifier verifier;
  expect_ok(store.for_each_audit_row([&](const audit::Row& row) {
    actions.push_back(row.event.action);
    return verifier.next(row);
  }));
  EXPECT_EQ(actions, (std::vector<std::string>{"meanwhile", "meanwhile", "meanwhile", "slow"}));
}

// Each reads what the other writes: one of them has to be run again, and finds the other's work.
TEST_F(Postgres, ConflictingChangeIsRunAgain) {
  Store store = place_->create().value();
  Store other = place_->open().value();
  const auto count_up = [](Store& reader, Store::Change& change, std::string_view from, std::string_view to) -> Status {
    const auto value = reader.setting(from);
    if (!value.ok() && value.error().code() != Code::kNotFound) return value.error();
    return change.put_setting(to, value.ok() ? *value + "+" : "1");
  };
  int runs = 0;
  expect_ok(store.change(event("one"), [&](Store::Change& change) -> Status {
    CLOISTER_RETURN_IF_ERROR(count_up(store, change, "y", "x"));
    if (++runs > 1) return {};
    return other.change(event("two"), [&](Store::Change& theirs) { return count_up(other, theirs, "x", "y"); });
  }));
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(*store.setting("y"), "1");
  EXPECT_EQ(*store.setting("x"), "1+");
  EXPECT_EQ(store.audit_head()->rows, 2u);
}

TEST_F(Postgres, ServerMadeAnewUnderTheSameName) {
  Store store = place_->create().value();
  expect_ok(store.record(event("row")));
  server().sql("DROP SCHEMA " + place_->schema() + " CASCADE");
  expect_ok(place_->create());
  server().sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cloister'");
  expect_error(store.record(event("row")), Code::kDenied, "another store answers");
}

TEST_F(Postgres, ServerThatLostWhatItAcknowledged) {
  Store store = place_->create().value();
  for (int i = 0; i < 3; ++i) expect_ok(store.record(event("row")));
  place_->sql_on_audit(
      "DELETE FROM audit WHERE sequence > 2; UPDATE writers SET number = 2, mark = (SELECT '2:' || encode(hash, 'hex') "
      "FROM audit WHERE sequence = 2)");
  server().sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cloister'");
  expect_error(store.record(event("row")), Code::kCorrupt, "up to audit row 3");
}

class CommitAnswerLost : public Postgres {
 protected:
  void SetUp() override {
    Postgres::SetUp();
    if (IsSkipped()) return;
    proxy_.emplace(server().host());
    store_.emplace(
        Store::open(open_database(TestPostgres::connection(proxy_->host()), IfAbsent::kCreate).value()).value());
  }
  Status change(PostgresProxy::Strike strike) {
    proxy_->strike(strike);
    const Status status = store_->change(event("once"), [&](Store::Change& change) {
      ++runs_;
      return change.put_setting("runs", std::to_string(runs_));
    });
    EXPECT_TRUE(proxy_->has_struck());
    return status;
  }
  void expect_once(int runs) {
    EXPECT_EQ(runs_, runs);
    EXPECT_EQ(*store_->setting("runs"), std::to_string(runs));
    EXPECT_EQ(store_->audit_head()->rows, 1u);
    expect_ok(store_->record(event("next")));
  }
  std::optional<PostgresProxy> proxy_;
  std::optional<Store> store_;
  int runs_ = 0;
};

TEST_F(CommitAnswerLost, NotCommittedIsDoneAgain) {
  expect_ok(change(PostgresProxy::Strike::kBefore));
  expect_once(2);
}

TEST_F(CommitAnswerLost, CommittedIsNotDoneAgain) {
  expect_ok(change(PostgresProxy::Strike::kAfter));
  expect_once(1);
}

TEST_F(CommitAnswerLost, CommitOnItsWayIsWaitedFor) {
  expect_ok(change(PostgresProxy::Strike::kLate));
  expect_once(1);
}

TEST_F(CommitAnswerLost, RowsAlone) {
  for (const auto strike :
       {PostgresProxy::Strike::kBefore, PostgresProxy::Strike::kAfter, PostgresProxy::Strike::kLate}) {
    proxy_->strike(strike);
    expect_ok(store_->record(event("row")));
    EXPECT_TRUE(proxy_->has_struck());
  }
  EXPECT_EQ(store_->audit_head()->rows, 3u);
  audit::ChainVerifier verifier;
  expect_ok(store_->for_each_audit_row([&](const audit::Row& row) { return verifier.next(row); }));
}

TEST_F(CommitAnswerLost, NobodyToAsk) {
  PostgresLocation location = place_->location();
  location.connection = crypto::Secret::copy_of(as_bytes(TestPostgres::connection(proxy_->host())));
  location.patience = Duration{300};
  Store store = Store::open(open_postgres(std::move(location), IfAbsent::kRefuse, random_).value()).value();
  proxy_->strike(PostgresProxy::Strike::kAfter);
  // The way to the server is cut together with the answer.
  const Path socket = Path(proxy_->host()) / ".s.PGSQL.5432";
  const Status status = store.change(event("who knows"), [&](Store::Change& change) -> Status {
    std::filesystem::rename(socket, socket.string() + ".away");
    return change.put_setting("a", "b");
  });
  expect_error(status, Code::kUnavailable, "isn't known");
  expect_error(store.record(event("next")), Code::kUnavailable);
  std::filesystem::rename(socket.string() + ".away", socket);
  expect_ok(store.record(event("next")));
  EXPECT_EQ(*store.setting("a"), "b");
  EXPECT_EQ(store.audit_head()->rows, 2u);
}

class InTheMiddle : public Postgres {
 protected:
  void SetUp() override {
    Postgres::SetUp();
    if (IsSkipped()) return;
    home_.emplace(Kind::kPostgres);
    root_.emplace(*home_->root);
    keys_.emplace(Hierarchy::open(home_->place.open().value(), *root_, home_->root->key_id(), random_).value());
    expect_ok(home_->keys->create_tenant(kAcme, std::nullopt, home_->caller()));
    expect_ok(home_->keys->create_dataset(kMnist, home_->caller()));
  }
  void cut_all_connections() {
    server().sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cloister'");
  }
  std::optional<Home> home_;
  std::optional<HookedRoot> root_;
  std::optional<Hierarchy> keys_;
};

TEST_F(InTheMiddle, OfTwoRotationsOneIsUnavailable) {
  root_->hook = [&] { expect_ok(home_->keys->rotate_kek(kAcme, home_->caller())); };
  expect_error(keys_->rotate_kek(kAcme, home_->caller()), Code::kUnavailable, "changed meanwhile");
  EXPECT_EQ(keys_->store().tenant("acme", "")->versions.size(), 2u);
  const auto last = home_->last_event();
  EXPECT_EQ(last.action, "kek.rotate");
  EXPECT_EQ(last.outcome, audit::Outcome::kFailed);
  expect_ok(keys_->unlock_keyring(kMnist, "open", home_->caller()));
  expect_ok(keys_->rotate_kek(kAcme, home_->caller()));
}

TEST_F(InTheMiddle, TenantMadeWhileTheConnectionIsLostHasOneVersion) {
  root_->hook = [&] { cut_all_connections(); };
  const auto tenant = keys_->create_tenant(kRival, std::nullopt, home_->caller());
  expect_ok(tenant);
  EXPECT_EQ(tenant->versions.size(), 1u);
  expect_ok(keys_->create_dataset(kRivalMnist, home_->caller()));
}

TEST_F(InTheMiddle, RotationWhileTheConnectionIsLostCountsOnce) {
  root_->hook = [&] { cut_all_connections(); };
  const auto cost = keys_->rotate_kek(kAcme, home_->caller());
  expect_ok(cost);
  EXPECT_EQ(cost->objects_touched, 2u);
  EXPECT_EQ(keys_->store().tenant("acme", "")->versions.size(), 2u);
  expect_ok(keys_->unlock_keyring(kMnist, "open", home_->caller()));
}

// Serializable would allow it, as if it had been made before.
TEST_F(InTheMiddle, DisabledMeanwhileTakesNoNewDataset) {
  root_->hook = [&] { expect_ok(home_->keys->disable_kek(kAcme, 1, home_->caller())); };
  expect_error(keys_->create_dataset({"acme", "", "late"}, home_->caller()), Code::kDenied, "disabled");
  expect_error(keys_->store().dataset("acme", "", "late"), Code::kNotFound);
}

TEST_F(InTheMiddle, DatasetMadeWhileTheKekIsRotatedIsUnderTheNewOne) {
  root_->hook = [&] { expect_ok(home_->keys->rotate_kek(kAcme, home_->caller())); };
  expect_ok(keys_->create_dataset({"acme", "", "late"}, home_->caller()));
  const auto late = keys_->store().dataset("acme", "", "late");
  EXPECT_EQ(seal::parse_keyring(late->keyring)->ring_key.key_version, 2u);
}

TEST_F(InTheMiddle, ManyProcessesAtOnceKeepOneChain) {
  constexpr int kWriters = 6;
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> threads;
    for (int w = 0; w < kWriters; ++w) {
      threads.emplace_back([&, w] {
        crypto::SystemRandom random;
        auto keys = Hierarchy::open(home_->place.open().value(), *home_->root, home_->root->key_id(), random);
        const TenantName name{"tenant" + std::to_string(w), ""};
        const DatasetName dataset{name.tenant, "", "set"};
        failures += keys->create_tenant(name, std::nullopt, home_->caller()).ok() ? 0 : 1;
        failures += keys->create_dataset(dataset, home_->caller()).ok() ? 0 : 1;
        for (int i = 0; i < 8; ++i) {
          const auto rotated = keys->rotate_kek(name, home_->caller());
          failures += rotated.ok() && rotated->objects_touched == 2 ? 0 : 1;
          failures += keys->unlock_keyring(dataset, "open", home_->caller()).ok() ? 0 : 1;
        }
      });
    }
  }
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(home_->audit_rows().size(), 3u + kWriters * 18u);
  for (int w = 0; w < kWriters; ++w) {
    EXPECT_EQ(keys_->store().tenant("tenant" + std::to_string(w), "")->versions.size(), 9u);
  }
}

}  // namespace
}  // namespace cloister::keys
