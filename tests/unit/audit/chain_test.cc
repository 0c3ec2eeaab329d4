// Rows of the audit: what is put in, left out, changed or moved is seen, in the chain and in the trees.
#include "audit/chain.h"

#include <gtest/gtest.h>

#include <functional>

#include "audit/origin.h"

namespace cloister::audit {
namespace {

Event event(std::string action, std::string tenant = "acme") {
  return Event{Time{1'700'000'000'000},
               "uid:1000 alice",
               std::move(action),
               std::move(tenant),
               "kek:00:1",
               Outcome::kAllowed,
               "ok"};
}

// Builds rows as a store does: one transaction each.
class Log {
 public:
  Log& add(Event said, const Extras& extras = {}) {
    Frontier& tree = trees_[tree_name(said.tenant)];
    Row row = make_row(tree.size(), std::move(said), extras);
    EXPECT_TRUE(tree.append(row.leaf).ok());
    row.peaks = tree.peaks();
    chain(row, rows.size() + 1, rows.empty() ? RowHash{} : rows.back().hash);
    rows.push_back(std::move(row));
    return *this;
  }
  // As they were before there were trees.
  Log& add_older(Event said) {
    add(std::move(said));
    Row& row = rows.back();
    row.hash = older_row_hash(row.sequence, row.previous, row.event);
    return *this;
  }
  std::vector<Row> rows;

 private:
  std::map<std::string, Frontier> trees_;
};

std::vector<Row> rows(int count) {
  Log log;
  for (int i = 1; i <= count; ++i) log.add(event("action." + std::to_string(i)));
  return log.rows;
}

Status verify(const std::vector<Row>& made) {
  ChainVerifier verifier;
  for (const Row& row : made) CLOISTER_RETURN_IF_ERROR(verifier.next(row));
  return verifier.finish();
}

void expect_corrupt(const std::vector<Row>& made, std::string_view words = "") {
  const Status status = verify(made);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), Code::kCorrupt) << status.error().message();
  EXPECT_NE(status.error().message().find(words), std::string::npos) << status.error().message();
}

TEST(AuditChain, VerifiesAndSaysTheHeads) {
  Log log;
  log.add(event("a")).add(event("b", "acme/production")).add(event("c", "rival")).add(event("d", ""));
  ChainVerifier verifier;
  for (const Row& row : log.rows) ASSERT_TRUE(verifier.next(row).ok());
  ASSERT_TRUE(verifier.finish().ok());
  EXPECT_EQ(verifier.rows(), 4u);
  EXPECT_EQ(verifier.head(), log.rows.back().hash);
  const auto trees = verifier.trees();
  ASSERT_EQ(trees.size(), 3u);
  EXPECT_EQ(trees.at("acme").size, 2u);
  EXPECT_EQ(trees.at("acme").root, node_hash(log.rows[0].leaf, log.rows[1].leaf));
  EXPECT_EQ(trees.at("-"), (TreeHead{1, log.rows[3].leaf}));
}

// Computed with Python's hashlib from docs/formats/audit.md.
TEST(AuditChain, KnownAnswer) {
  Row first = make_row(0, event("kek.rotate"), {});
  EXPECT_EQ(to_hex(first.leaf), "58cf9bcb6ec6fcbb460f70e791746ec789012eb9c4e272b6e9a2bfc6bb83b308");
  chain(first, 1, RowHash{});
  EXPECT_EQ(to_hex(first.hash), "e83345b5e0c3836c8a897de8f096940cc41d380615027a2d530edea6e55d5623");
  first.peaks = {first.leaf};
  chain(first, 1, RowHash{});
  EXPECT_EQ(to_hex(first.hash), "56bb024a4ad661ce1a174d410ac2e7fcfaffcaf7ce88dc24ab59c66cdbbee575");
  EXPECT_EQ(to_hex(older_row_hash(1, RowHash{}, first.event)),
            "8464cc523addaff0dfccda365e9f5a1d5a2c6c22591d1485b511000deb868e06");
}

TEST(AuditChain, EveryChangedFieldIsSeen) {
  for (const bool older : {false, true}) {
    const auto change = [&](const std::function<void(Row&)>& edit) {
      Log log;
      for (int i = 0; i < 3; ++i) older ? log.add_older(event("x")) : log.add(event("x"));
      ASSERT_TRUE(verify(log.rows).ok());
      edit(log.rows[1]);
      expect_corrupt(log.rows);
    };
    change([](Row& row) { row.event.time.unix_ms += 1; });
    change([](Row& row) { row.event.actor = "uid:0 root"; });
    change([](Row& row) { row.event.action += "x"; });
    change([](Row& row) { row.event.tenant = "rival"; });
    change([](Row& row) { row.event.tenant.clear(); });
    change([](Row& row) { row.event.subject.clear(); });
    change([](Row& row) { row.event.outcome = Outcome::kRefused; });
    change([](Row& row) { row.event.detail += "!"; });
    change([](Row& row) { row.extras.set_text(Extra::kRequestId, "r"); });
    change([](Row& row) { row.index = 0; });
    change([](Row& row) { row.index = ~std::uint64_t{0}; });
    change([](Row& row) { row.leaf[0] ^= 1; });
    change([](Row& row) { row.peaks[0][0] ^= 1; });
    change([](Row& row) { row.previous[0] ^= 1; });
    change([](Row& row) { row.hash[31] ^= 1; });
    change([](Row& row) { row.sequence = 7; });
  }
}

TEST(AuditChain, ExtrasAreCovered) {
  Extras extras;
  extras.set_text(Extra::kRequestId, "r-1").set_number(Extra::kKeyVersion, 3);
  Log log;
  log.add(event("a"), extras);
  ASSERT_TRUE(verify(log.rows).ok());
  auto without = log.rows;
  without[0].extras = {};
  expect_corrupt(without, "changed");
  auto other = log.rows;
  other[0].extras.set_number(Extra::kKeyVersion, 4);
  expect_corrupt(other, "changed");
}

TEST(AuditChain, RowsFromBeforeTheTrees) {
  Log log;
  log.add_older(event("a")).add_older(event("b", "rival")).add(event("c"));
  EXPECT_TRUE(verify(log.rows).ok());
  log.add_older(event("an old form behind a new one"));
  expect_corrupt(log.rows, "audit row 4 was changed");
}

TEST(AuditChain, BytesMovedBetweenFieldsAreSeen) {
  auto made = rows(1);
  made[0].event.actor = "uid:1000 alic";
  made[0].event.action = "e" + made[0].event.action;
  expect_corrupt(made);
}

TEST(AuditChain, MissingRow) {
  auto made = rows(4);
  made.erase(made.begin() + 1);
  expect_corrupt(made);
  auto beheaded = rows(4);
  beheaded.erase(beheaded.begin());
  expect_corrupt(beheaded);
}

TEST(AuditChain, SwappedRows) {
  auto made = rows(4);
  std::swap(made[1], made[2]);
  expect_corrupt(made);
}

TEST(AuditChain, InsertedRow) {
  auto made = rows(3);
  Row forged = make_row(1, event("forged"), {});
  chain(forged, 2, made[0].hash);
  made.insert(made.begin() + 1, forged);
  expect_corrupt(made);
}

// Chained well, but not where it says in its tree.
TEST(AuditChain, LeafOutOfPlace) {
  auto made = rows(1);
  Row twice = make_row(0, event("again"), {});
  chain(twice, 2, made[0].hash);
  made.push_back(twice);
  expect_corrupt(made, "leaf 0 of the tree acme where leaf 1 is due");
}

TEST(AuditChain, PeaksOfAnotherTree) {
  auto made = rows(1);
  made[0].peaks[0] = node_hash(made[0].leaf, made[0].leaf);
  chain(made[0], 1, RowHash{});
  expect_corrupt(made, "is another than its rows make");
}

TEST(AuditChain, NewestRowOfATreeSaysHowItStands) {
  auto made = rows(2);
  made[1].peaks.clear();
  chain(made[1], 2, made[0].hash);
  expect_corrupt(made, "the newest row of the tree acme is missing");
}

TEST(AuditChain, SomebodysIdeaOfATenant) {
  Log log;
  log.add(event("tenant.create", "../Acme")).add(event("tenant.create", "-")).add(event("x", std::string(300, 'a')));
  EXPECT_TRUE(verify(log.rows).ok());
  for (const Row& row : log.rows) {
    EXPECT_EQ(row.tree(), "-");
    EXPECT_EQ(row.event.tenant, "");
  }
  EXPECT_EQ(log.rows[0].event.detail, "of \"../Acme\": ok");
}

TEST(AuditChain, FieldLongerThanARowHoldsIsRefused) {
  auto made = rows(1);
  made[0].event.detail = std::string(kDetailMax + 1, 'x');
  expect_corrupt(made);
}

}  // namespace
}  // namespace cloister::audit
