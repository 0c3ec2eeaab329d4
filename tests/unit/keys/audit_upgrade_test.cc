// A store from before there were trees: its rows become leaves and keep their hashes, or it is refused as it is.
#include "keys/audit_upgrade.h"

#include "keys/audit_verify.h"
#include "keys/sqlite.h"
#include "tests/unit/keys/home.h"

namespace cloister::keys {
namespace {

class Upgrade : public OnBoth {
 protected:
  Upgrade() : place_(GetParam()) {
    auto older = make_older();
    EXPECT_TRUE(older.ok()) << older.error().message();
    older_ = std::move(*older);
  }
  Result<std::unique_ptr<Database>> make_older() {
    if (GetParam() == Kind::kPostgres) {
      return open_postgres(place_.location(), IfAbsent::kCreate, random_, postgres_migrations().first(1));
    }
    CLOISTER_RETURN_IF_ERROR(create_directories(place_.path().parent_path(), 0700));
    CLOISTER_RETURN_IF_ERROR(write_file(place_.path(), {}, Overwrite::kRefuse, 0600));
    place_.sql("PRAGMA application_id = 1129075538");
    return open_sqlite(place_.path(), IfMoved::kRefuse, sqlite_migrations().first(1));
  }
  // As version 1 wrote them.
  void add_older(const std::vector<audit::Event>& events) {
    Transaction writing;
    writing.ending = [&](Connection&) -> Result<std::optional<Mark>> {
      for (const audit::Event& event : events) {
        const audit::RowHash hash = audit::older_row_hash(++rows_, head_, event);
        Statement row(*older_, "INSERT INTO audit VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
        row.bind(rows_).bind(event.time.unix_ms).bind(event.actor).bind(event.action).bind(event.tenant);
        row.bind(event.subject).bind(audit::outcome_name(event.outcome)).bind(event.detail);
        row.bind_blob(head_).bind_blob(hash);
        CLOISTER_RETURN_IF_ERROR(row.execute());
        head_ = hash;
      }
      return std::optional(audit_mark({rows_, head_}));
    };
    expect_ok(older_->transaction(writing));
  }
  static audit::Event event(std::string action, std::string tenant) {
    return {kStart, "test", std::move(action), std::move(tenant), "x", audit::Outcome::kAllowed, "ok"};
  }
  Result<Store> open() {
    older_.reset();
    return place_.open();
  }

  StorePlace place_;
  crypto::SystemRandom random_;
  std::unique_ptr<Database> older_;
  std::uint64_t rows_ = 0;
  audit::RowHash head_{};
};
INSTANTIATE_TEST_SUITE_P(On, Upgrade, ::testing::ValuesIn(kinds()), kind_name);

TEST_P(Upgrade, RowsBecomeLeavesAndKeepTheirHashes) {
  std::vector<audit::Event> events = {event("home.create", ""), event("tenant.create", "../Bad")};
  for (int i = 0; i < 300; ++i) events.push_back(event("use", i % 20 == 0 ? "rival" : "acme/production"));
  add_older(events);
  auto store = open();
  expect_ok(store);
  EXPECT_EQ(store->audit_head()->hash, head_);
  expect_ok(store->record(event("new", "acme")));
  const auto summary = verify_audit(*store);
  expect_ok(summary);
  EXPECT_EQ(summary->rows, 303u);
  EXPECT_EQ(summary->trees.at("acme").size, 286u);
  EXPECT_EQ(summary->trees.at("rival").size, 15u);
  EXPECT_EQ(summary->trees.at("-").size, 2u);
  EXPECT_EQ(store->log_server()->substr(0, 9), "cloister-");
  EXPECT_EQ(store->log_server()->size(), 25u);
  EXPECT_FALSE(place_.try_sql("DELETE FROM audit"));
  EXPECT_FALSE(place_.try_sql("SELECT * FROM audit_1"));
  expect_ok(place_.open());
}

TEST_P(Upgrade, EmptyAudit) {
  auto store = open();
  expect_ok(store);
  expect_ok(store->record(event("first", "acme")));
  EXPECT_EQ(verify_audit(*store)->rows, 1u);
}

TEST_P(Upgrade, ChainThatDoesntHoldIsLeftAsItIs) {
  add_older({event("a", "acme"), event("b", "acme"), event("c", "acme")});
  place_.sql_on_audit("UPDATE audit SET actor = 'nobody' WHERE sequence = 2");
  expect_error(open(), Code::kCorrupt, "row 2 was changed");
  expect_error(open(), Code::kCorrupt, "row 2 was changed");
  place_.sql("UPDATE audit SET actor = 'test' WHERE sequence = 2");
  expect_ok(open());
}

TEST_P(Upgrade, CutTailIsStillSeen) {
  add_older({event("a", "acme"), event("b", "acme")});
  place_.sql_on_audit("DELETE FROM audit WHERE sequence = 2");
  expect_error(open(), Code::kCorrupt, "ends at row 1");
}

TEST_P(Upgrade, MovedStoreIsRefused) {
  if (GetParam() == Kind::kPostgres) GTEST_SKIP() << "only a file is ever moved";
  add_older({event("a", "acme")});
  place_.sql("INSERT INTO settings VALUES ('moved_to', 'PostgreSQL')");
  expect_error(open(), Code::kDenied, "it was moved to PostgreSQL");
}

}  // namespace
}  // namespace cloister::keys
