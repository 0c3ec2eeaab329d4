// A primary with a synchronous standby, servers and programs that die: what was acknowledged is there, once, whatever
// happened.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "tests/unit/keys/home.h"

namespace cloister::keys {
namespace {

using testing::TestPostgres;

constexpr std::chrono::milliseconds kAWhile{300};

audit::Event event(std::string detail) {
  return {kStart, "test", "test.write", "acme", "x", audit::Outcome::kAllowed, std::move(detail)};
}

// What writers were told, to hold the store against.
class Oracle {
 public:
  void acknowledge(const std::string& detail) {
    const std::lock_guard lock(mutex_);
    acknowledged_.insert(detail);
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return acknowledged_.size();
  }
  void check(Store& store) {
    std::map<std::string, int> found;
    audit::ChainVerifier verifier;
    expect_ok(store.for_each_audit_row([&](const audit::Row& row) {
      ++found[row.event.detail];
      return verifier.next(row);
    }));
    for (const std::string& detail : acknowledged_) EXPECT_EQ(found[detail], 1) << detail;
    for (const auto& [detail, times] : found) EXPECT_EQ(times, 1) << detail;
  }

 private:
  std::mutex mutex_;
  std::set<std::string> acknowledged_;
};

class Fleet : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!TestPostgres::installed()) GTEST_SKIP() << "PostgreSQL isn't installed: failover is not tested here";
    primary_ = TestPostgres::start();
    standby_ = primary_->start_standby("second");
    primary_->set("synchronous_standby_names", "second");
    wait_for_standby();
  }
  void wait_for_standby() {
    for (int i = 0; i < 500 && primary_->sql("SELECT sync_state FROM pg_stat_replication") != "sync"; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  PostgresLocation location() const {
    PostgresLocation location = primary_->location("cloister");
    location.connection =
        crypto::Secret::copy_of(as_bytes(TestPostgres::connection(primary_->host() + "," + standby_->host())));
    return location;
  }
  Store open(PostgresLocation location) {
    return Store::open(open_postgres(std::move(location), IfAbsent::kCreate, random_).value()).value();
  }
  std::unique_ptr<TestPostgres> primary_, standby_;
  crypto::SystemRandom random_;
};

TEST_F(Fleet, StandbyTakesOverWhileProgramsWrite) {
  {
    const Store made = open(location());
  }
  Oracle oracle;
  std::atomic<bool> enough = false;
  std::atomic<int> failures = 0;
  std::vector<std::jthread> writers;
  for (int w = 0; w < 3; ++w) {
    writers.emplace_back([&, w] {
      Store store = open(location());
      for (int i = 0; !enough; ++i) {
        const std::string detail = "writer " + std::to_string(w) + ", row " + std::to_string(i);
        const auto body = [&](Store::Change& change) { return change.put_setting("w" + std::to_string(w), detail); };
        const Status status = i % 2 == 0 ? store.record(event(detail)) : store.change(event(detail), body);
        if (status.ok()) {
          oracle.acknowledge(detail);
        } else {
          ++failures;
          std::printf("writer %d: %s\n", w, status.error().message().c_str());
        }
      }
    });
  }
  while (oracle.count() <= 10 && failures == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  primary_->kill();
  const std::size_t before = oracle.count();
  const double died = monotonic_seconds();
  standby_->promote();
  while (oracle.count() < before + 50) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::printf("failover: %zu rows before, writing again %.1f s after the primary died\n", before,
              monotonic_seconds() - died);
  enough = true;
  writers.clear();
  EXPECT_GT(before, 10u);
  EXPECT_EQ(failures, 0);
  Store after = open(location());
  oracle.check(after);
}

TEST_F(Fleet, NothingIsWrittenWithoutAStandbyWhereOneIsRequired) {
  PostgresLocation required = location();
  required.standby = PostgresLocation::Standby::kRequired;
  Store store = open(std::move(required));
  expect_ok(store.record(event("with a standby")));
  standby_->kill();
  while (primary_->sql("SELECT count(*) FROM pg_stat_replication") != "0") std::this_thread::yield();
  expect_error(store.record(event("without")), Code::kUnavailable, "no synchronous standby is attached");
  expect_error(store.change(event("without"), [](Store::Change& change) { return change.put_setting("a", "b"); }),
               Code::kUnavailable, "no synchronous standby is attached");
  primary_->sql("ALTER SYSTEM RESET synchronous_standby_names");
  primary_->sql("SELECT pg_reload_conf()");
  std::this_thread::sleep_for(kAWhile);
  expect_error(store.record(event("without")), Code::kUnavailable, "no synchronous_standby_names");
  EXPECT_EQ(store.audit_head()->rows, 1u);
  expect_error(store.setting("a"), Code::kNotFound);
}

TEST_F(Fleet, RoleThatMaySeeNoStandbys) {
  primary_->sql("CREATE ROLE plain LOGIN; GRANT CREATE ON DATABASE postgres TO plain");
  PostgresLocation location = primary_->location("plain");
  location.connection = crypto::Secret::copy_of(as_bytes("host=" + primary_->host() + " user=plain dbname=postgres"));
  location.standby = PostgresLocation::Standby::kRequired;
  Store store = open(std::move(location));
  expect_error(store.record(event("row")), Code::kDenied, "pg_monitor");
  primary_->sql("GRANT pg_monitor TO plain");
  expect_ok(store.record(event("row")));
}

// A COMMIT that waits for a standby in vain isn't called done, nor when somebody cuts its wait short.
TEST_F(Fleet, CommitThatNoStandbyConfirmed) {
  Store store = open(location());
  expect_ok(store.record(event("first")));
  standby_->kill();
  std::atomic<bool> done = false;
  Status status;
  std::jthread writer([&] {
    status = store.record(event("second"));
    done = true;
  });
  const auto waiting = [&] {
    return primary_->sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == "1";
  };
  while (!waiting()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  primary_->sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
  while (!waiting()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(done);
  standby_->restart();
  writer.join();
  expect_ok(status);
  EXPECT_EQ(store.audit_head()->rows, 2u);
}

TEST_F(Fleet, CommitWhoseStandbyNeverComesIsUnknown) {
  PostgresLocation hasty = location();
  hasty.patience = Duration{400};
  hasty.lock_patience = Duration{200};
  Store store = open(std::move(hasty));
  standby_->kill();
  expect_error(store.record(event("who knows")), Code::kUnavailable, "isn't known");
  expect_error(store.record(event("next")), Code::kUnavailable);
  standby_->restart();
  wait_for_standby();
  Status next = store.record(event("next"));
  for (int i = 0; i < 20 && !next.ok(); ++i) next = store.record(event("next"));
  expect_ok(next);
  EXPECT_EQ(store.audit_head()->rows, 2u);
}

// A program that is killed in the middle of whatever it does. Its acknowledgements come through a pipe.
class Killed : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!TestPostgres::installed()) GTEST_SKIP() << "PostgreSQL isn't installed: killed programs are not tested here";
    home_.emplace(Kind::kPostgres);
    expect_ok(home_->keys->create_tenant(kAcme, std::nullopt, home_->caller()));
    expect_ok(home_->keys->create_dataset(kMnist, home_->caller()));
  }
  // In the child, where the parent's secrets are wiped.
  [[noreturn]] void work(int round, int acknowledgements) {
    home_->root = home_->open_root(home_->root_path());
    auto keys = home_->open();
    for (int i = 0; keys.ok(); ++i) {
      const std::string name = "round-" + std::to_string(round) + "-" + std::to_string(i);
      const bool worked = keys->rotate_kek(kAcme, home_->caller()).ok() &&
                          keys->create_dataset({"acme", "", name}, home_->caller()).ok();
      if (!worked || ::write(acknowledgements, (name + "\n").c_str(), name.size() + 1) < 0) break;
    }
    ::_exit(1);
  }
  std::string run_and_kill(int round) {
    int ends[2];
    CLOISTER_CHECK(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) work(round, ends[1]);
    ::close(ends[1]);
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + round * 7));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself";
    std::string heard;
    char buffer[4096];
    for (ssize_t size; (size = ::read(ends[0], buffer, sizeof buffer)) > 0;)
      heard.append(buffer, static_cast<std::size_t>(size));
    ::close(ends[0]);
    return heard;
  }
  std::optional<Home> home_;
};

TEST_F(Killed, AtRandomMoments) {
  constexpr int kRounds = 15;
  std::size_t acknowledged = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::string heard = run_and_kill(round);
    for (std::size_t at = 0, end; (end = heard.find('\n', at)) != std::string::npos; at = end + 1) {
      const std::string name = heard.substr(at, end - at);
      expect_ok(home_->keys->unlock_keyring({"acme", "", name}, "open", home_->caller()));
      ++acknowledged;
    }
  }
  std::printf("killed %d writers; %zu acknowledged changes are all there\n", kRounds, acknowledged);
  EXPECT_GT(acknowledged, 0u);
  // Every dataset opens, every version has its row, and no row is missing.
  const auto tenant = home_->keys->store().tenant("acme", "");
  std::size_t rotations = 0;
  for (const audit::Row& row : home_->audit_rows()) rotations += row.event.action == "kek.rotate" ? 1 : 0;
  EXPECT_EQ(tenant->versions.size(), rotations + 1);
  const auto datasets = home_->keys->store().datasets("acme", "");
  for (const DatasetRecord& dataset : *datasets) {
    expect_ok(home_->keys->unlock_keyring({"acme", "", dataset.dataset}, "open", home_->caller()));
  }
}

}  // namespace
}  // namespace cloister::keys
