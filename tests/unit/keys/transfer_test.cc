// A store that moves from SQLite to PostgreSQL: all of it, once, and never in two places.
#include "keys/transfer.h"

#include "keys/audit_verify.h"
#include "keys/sqlite.h"
#include "tests/unit/keys/home.h"

namespace cloister::keys {
namespace {

using testing::TestPostgres;

class Moving : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!TestPostgres::installed()) GTEST_SKIP() << "PostgreSQL isn't installed: moving a store is not tested here";
    target_.emplace(Kind::kPostgres);
    expect_ok(keys().create_tenant(kAcme, days(90), home_.caller()));
    expect_ok(keys().create_tenant(kAcmeProduction, std::nullopt, home_.caller()));
    expect_ok(keys().create_dataset(kMnist, home_.caller()));
    expect_ok(keys().rotate_kek(kAcme, home_.caller()));
    expect_ok(keys().schedule_kek_destruction(kAcmeProduction, 1, days(9), home_.caller()));
  }
  Hierarchy& keys() { return *home_.keys; }
  Result<Moved> move() {
    auto source = open_sqlite(home_.store_path(), IfMoved::kOpen);
    if (!source.ok()) return source.error();
    auto target = open_postgres(target_->location(), IfAbsent::kCreate, home_.random);
    if (!target.ok()) return target.error();
    return move_store(**source, **target, {kStart, "test", "store.move", "", "home", audit::Outcome::kAllowed, ""},
                      "PostgreSQL, schema " + target_->schema());
  }
  Result<Hierarchy> open_target() {
    CLOISTER_TRY(auto store, target_->open());
    return Hierarchy::open(std::move(store), *home_.root, home_.root->key_id(), home_.random);
  }
  Path copy_of_file() {
    home_.close();
    const Path copy = home_.directory / "copy.db";
    std::filesystem::copy_file(home_.store_path(), copy);
    home_.reopen();
    return copy;
  }
  void put_back(const Path& copy) {
    home_.close();
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(home_.store_path().string() + suffix);
    std::filesystem::copy_file(copy, home_.store_path(), std::filesystem::copy_options::overwrite_existing);
    home_.reopen();
  }
  Home home_;
  std::optional<StorePlace> target_;
};

TEST_F(Moving, EverythingIsThereAndInUse) {
  // More than a piece.
  for (int i = 0; i < 300; ++i) {
    expect_ok(keys().record(audit::Event{kStart, "tést", "object.open", "acme", "x", audit::Outcome::kRefused, ""}));
  }
  Caller caller = home_.caller();
  caller.request = RequestKey{{1}, {2}, kStart + days(1)};
  expect_ok(keys().set_rotate_after(kAcme, days(90), caller));
  const auto before = digest_tables(keys().store().database());
  const std::string server = keys().store().log_server().value();
  const audit::TreeHead acme = keys().store().tree_head(server + "/acme").value();
  const std::uint64_t rows = keys().store().audit_head()->rows;
  const auto moved = move();
  expect_ok(moved);
  EXPECT_EQ(moved->tables, *before);
  EXPECT_EQ(moved->head.rows, rows);
  auto there = open_target();
  expect_ok(there);
  expect_ok(there->unlock_keyring(kMnist, "open", home_.caller()));
  const auto tenant = there->store().tenant("acme", "");
  EXPECT_EQ(tenant->rotate_after, days(90));
  EXPECT_EQ(tenant->versions.size(), 2u);
  EXPECT_EQ(there->store().tenant("acme", "production")->versions[0].destroy_at, kStart + days(9));
  expect_ok(there->rotate_kek(kAcme, home_.caller()));
  EXPECT_EQ(there->store().log_server().value(), server);
  EXPECT_TRUE(there->store().find_request(caller.request->key)->has_value());
  const auto summary = verify_audit(there->store());
  expect_ok(summary);
  EXPECT_EQ(summary->rows, rows + 3);
  EXPECT_EQ(summary->trees.at("acme").size, acme.size + 2);
  const auto proof = audit::consistency_proof(acme.size, acme.size + 2, [&](const audit::NodeId& id) {
    return there->store().tree_node(server + "/acme", id);
  });
  expect_ok(audit::verify_consistency(acme, summary->trees.at("acme"), *proof));
}

TEST_F(Moving, SourceTakesNothingMoreNotEvenFromWhoHasItOpen) {
  Store open_already = home_.place.open().value();
  const std::uint64_t rows = open_already.audit_head()->rows;
  expect_ok(move());
  expect_error(open_already.record(audit::Event{kStart, "late", "x", "", "", audit::Outcome::kAllowed, ""}),
               Code::kDenied, "moved");
  expect_error(keys().rotate_kek(kAcme, home_.caller()), Code::kDenied, "moved");
  expect_error(keys().unlock_keyring(kMnist, "open", home_.caller()), Code::kDenied, "moved");
  EXPECT_EQ(open_already.audit_head()->rows, rows);
  expect_error(home_.place.open(), Code::kDenied, "it was moved to PostgreSQL, schema " + target_->schema());
}

TEST_F(Moving, TheWayBack) {
  expect_ok(move());
  home_.sql("DROP TRIGGER moved_takes_no_rows; DELETE FROM settings WHERE name = 'moved_to'");
  home_.reopen();
  expect_ok(keys().unlock_keyring(kMnist, "open", home_.caller()));
}

TEST_F(Moving, InterruptedBeforeTheMark) {
  const Path copy = copy_of_file();
  const auto first = move();
  expect_ok(first);
  put_back(copy);
  const auto again = move();
  expect_ok(again);
  EXPECT_EQ(again->tables, first->tables);
  expect_error(home_.place.open(), Code::kDenied, "moved");
}

TEST_F(Moving, InterruptedBeforeTheMarkAndUsedSince) {
  const Path copy = copy_of_file();
  expect_ok(move());
  put_back(copy);
  expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  expect_error(move(), Code::kExists, "another state");
  expect_ok(home_.place.open());
}

TEST_F(Moving, InterruptedAfterTheMark) {
  expect_ok(move());
  auto there = open_target();
  expect_ok(there->rotate_kek(kAcme, home_.caller()));
  expect_ok(move());
  expect_ok(there->unlock_keyring(kMnist, "open", home_.caller()));
}

TEST_F(Moving, TargetHoldsAnotherHome) {
  const Home other(Kind::kPostgres);
  auto source = open_sqlite(home_.store_path());
  auto target = open_postgres(other.place.location(), IfAbsent::kRefuse, home_.random);
  expect_error(move_store(**source, **target, {}, "x"), Code::kExists, "another home");
  expect_ok(keys().unlock_keyring(kMnist, "open", home_.caller()));
}

TEST_F(Moving, MovedElsewhereAlready) {
  expect_ok(move());
  target_.emplace(Kind::kPostgres);
  expect_error(move(), Code::kDenied, "was moved to");
}

TEST_F(Moving, CopyThatDiffersIsNotCommitted) {
  expect_ok(target_->create());
  for (const char* change : {"NEW.detail := 'x'", "IF NEW.sequence = 4 THEN RETURN NULL; END IF"}) {
    target_->sql("CREATE OR REPLACE FUNCTION twist() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " +
                 std::string(change) +
                 "; RETURN NEW; END $$; DROP TRIGGER IF EXISTS twist ON audit; "
                 "CREATE TRIGGER twist BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION twist()");
    expect_error(move(), Code::kCorrupt, "the copy of table audit differs");
    EXPECT_EQ(target_->open()->audit_head()->rows, 0u);
    expect_ok(keys().unlock_keyring(kMnist, "open", home_.caller()));
  }
}

TEST_F(Moving, NothingToMove) {
  StorePlace empty(Kind::kSqlite);
  expect_ok(empty.create());
  auto source = open_sqlite(empty.path());
  auto target = open_postgres(target_->location(), IfAbsent::kCreate, home_.random);
  expect_error(move_store(**source, **target, {}, "x"), Code::kNotFound, "never set up");
}

TEST(Digest, SameContentSameDigest) {
  Home one, two;
  EXPECT_NE(*digest_tables(one.keys->store().database()), *digest_tables(two.keys->store().database()));
  const auto before = *digest_tables(one.keys->store().database());
  one.reopen();
  EXPECT_EQ(*digest_tables(one.keys->store().database()), before);
  one.sql("UPDATE settings SET value = value || ' ' WHERE name = 'root_id'");
  EXPECT_NE(*digest_tables(one.keys->store().database()), before);
}

}  // namespace
}  // namespace cloister::keys
