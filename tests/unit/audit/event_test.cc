// The hash chain: what is put in, left out, changed or moved is seen.
#include "audit/event.h"

#include <gtest/gtest.h>

#include <vector>

namespace cloister::audit {
namespace {

Event event(std::string action) {
  return Event{
      Time{1'700'000'000'000}, "uid:1000 alice", std::move(action), "acme", "kek:00:1", Outcome::kAllowed, "ok"};
}

std::vector<Row> rows(int count) {
  std::vector<Row> made;
  RowHash head{};
  for (int i = 1; i <= count; ++i) {
    made.push_back(chain(static_cast<std::uint64_t>(i), head, event("action." + std::to_string(i))));
    head = made.back().hash;
  }
  return made;
}

Status verify(const std::vector<Row>& made) {
  ChainVerifier verifier;
  for (const Row& row : made) CLOISTER_RETURN_IF_ERROR(verifier.next(row));
  return {};
}

void expect_corrupt(const std::vector<Row>& made) {
  const Status status = verify(made);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), Code::kCorrupt) << status.error().message();
}

TEST(AuditChain, VerifiesAndSaysTheHead) {
  const auto made = rows(5);
  ChainVerifier verifier;
  for (const Row& row : made) ASSERT_TRUE(verifier.next(row).ok());
  EXPECT_EQ(verifier.rows(), 5u);
  EXPECT_EQ(verifier.head(), made.back().hash);
}

// Computed with Python's hashlib from docs/formats/audit.md.
TEST(AuditChain, KnownAnswer) {
  const Row first = chain(1, RowHash{}, event("kek.rotate"));
  EXPECT_EQ(to_hex(first.hash), "8464cc523addaff0dfccda365e9f5a1d5a2c6c22591d1485b511000deb868e06");
}

TEST(AuditChain, EveryChangedFieldIsSeen) {
  const auto change = [](auto&& edit) {
    auto made = rows(3);
    edit(made[1]);
    expect_corrupt(made);
  };
  change([](Row& row) { row.event.time.unix_ms += 1; });
  change([](Row& row) { row.event.actor = "uid:0 root"; });
  change([](Row& row) { row.event.action += "x"; });
  change([](Row& row) { row.event.tenant = "rival"; });
  change([](Row& row) { row.event.subject.clear(); });
  change([](Row& row) { row.event.outcome = Outcome::kRefused; });
  change([](Row& row) { row.event.detail += "!"; });
  change([](Row& row) { row.previous[0] ^= 1; });
  change([](Row& row) { row.hash[31] ^= 1; });
  change([](Row& row) { row.sequence = 7; });
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
  made.insert(made.begin() + 1, chain(2, made[0].hash, event("forged")));
  expect_corrupt(made);
}

TEST(AuditChain, HostileTextIsRecordedHarmlessly) {
  Event hostile = event("dataset.create");
  hostile.subject = "a\nb\x1b[31m\xff";
  hostile.detail = std::string(100'000, 'x');
  const Row row = chain(1, RowHash{}, hostile);
  EXPECT_EQ(row.event.subject, "a?b?[31m?");
  EXPECT_EQ(row.event.detail.size(), kDetailMax);
  ChainVerifier verifier;
  EXPECT_TRUE(verifier.next(row).ok());
}

TEST(AuditChain, TextIsCutBetweenCharacters) {
  Event long_name = event("x");
  long_name.actor.clear();
  for (int i = 0; i < 200; ++i) long_name.actor += "\u00e9";
  long_name.actor.insert(0, "a");
  const Row row = chain(1, RowHash{}, long_name);
  EXPECT_EQ(row.event.actor.size(), 255u);
  ChainVerifier verifier;
  EXPECT_TRUE(verifier.next(row).ok());
}

TEST(AuditChain, FieldLongerThanARowHoldsIsRefused) {
  auto made = rows(1);
  made[0].event.detail = std::string(kDetailMax + 1, 'x');
  expect_corrupt(made);
}

TEST(AuditOutcome, NamesGoBothWays) {
  for (const Outcome outcome : {Outcome::kAllowed, Outcome::kRefused, Outcome::kFailed}) {
    const auto parsed = parse_outcome(outcome_name(outcome));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, outcome);
  }
  EXPECT_EQ(parse_outcome("maybe").error().code(), Code::kCorrupt);
}

}  // namespace
}  // namespace cloister::audit
