// Every row is a leaf of its tenant's tree; many uses in one transaction; requests that made their change already.
#include <sys/resource.h>

#include <csignal>

#include <thread>

#include "audit/origin.h"
#include "keys/audit_verify.h"
#include "tests/unit/keys/home.h"

namespace cloister::keys {
namespace {

audit::Event event(std::string action, std::string tenant = "acme") {
  return {kStart, "test", std::move(action), std::move(tenant), "x", audit::Outcome::kAllowed, ""};
}

class Trees : public OnBoth {
 protected:
  explicit Trees(Kind kind = GetParam()) : place_(kind), store_(place_.create().value()) {}
  std::string origin(std::string_view tree) { return *store_.log_server() + "/" + std::string(tree); }
  std::vector<std::optional<Recorded>> use(int count, const std::string& tenant = "acme") {
    std::vector<Use> uses;
    for (int i = 0; i < count; ++i) uses.push_back({event("use", tenant), {}, {}});
    auto recorded = store_.record_uses(uses);
    EXPECT_TRUE(recorded.ok()) << recorded.error().message();
    return std::move(recorded).value();
  }
  audit::NodeReader reader(const std::string& origin) {
    return [this, origin](const audit::NodeId& id) { return store_.tree_node(origin, id); };
  }
  std::vector<audit::Hash> leaves(const std::string& origin) {
    std::vector<audit::Hash> hashes;
    expect_ok(store_.for_each_record(origin, 0, 1'000'000, [&](const audit::LogRecord& record) {
      hashes.push_back(audit::leaf_hash(record.encode()));
      return ok_status();
    }));
    return hashes;
  }

  StorePlace place_;
  Store store_;
};
INSTANTIATE_TEST_SUITE_P(On, Trees, ::testing::ValuesIn(kinds()), kind_name);

TEST_P(Trees, EveryRowIsALeaf) {
  expect_ok(store_.record(event("a")));
  expect_ok(
      store_.change(event("b", "acme/production"), [](Store::Change& change) { return change.put_setting("x", "y"); }));
  expect_ok(store_.record(event("c", "rival")));
  expect_ok(store_.record(event("d", "")));
  EXPECT_EQ(store_.trees().value(), (std::vector<std::string>{origin("-"), origin("acme"), origin("rival")}));
  const auto head = store_.tree_head(origin("acme"));
  expect_ok(head);
  const auto hashes = leaves(origin("acme"));
  ASSERT_EQ(hashes.size(), 2u);
  EXPECT_EQ(*head, (audit::TreeHead{2, audit::node_hash(hashes[0], hashes[1])}));
  EXPECT_EQ(store_.tree_head(origin("nobody"))->size, 0u);
}

TEST_P(Trees, WhereTheLastRecordStands) {
  EXPECT_FALSE(store_.last_recorded()->has_value());
  expect_ok(store_.record(event("a")));
  expect_ok(store_.change(event("b"), [](Store::Change& change) { return change.put_setting("x", "y"); }));
  const auto last = store_.last_recorded().value();
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->origin, origin("acme"));
  EXPECT_EQ(last->index, 1u);
  expect_error(store_.change(event("c"), [](Store::Change&) -> Status { return Error(Code::kDenied, "no"); }),
               Code::kDenied);
  EXPECT_EQ(store_.last_recorded().value()->index, 1u);
  expect_ok(store_.record(event("d", "Not a tenant")));
  EXPECT_EQ(store_.last_recorded().value()->origin, origin("-"));
}

TEST_P(Trees, OriginsOfOthers) {
  for (const std::string& other : {std::string("elsewhere/acme"), *store_.log_server(), origin("Acme"), origin(""),
                                   origin("acme/production"), std::string("acme"), std::string()}) {
    expect_error(store_.tree_head(other), Code::kInvalid, "this store keeps");
    expect_error(store_.tree_node(other, {}), Code::kInvalid);
    expect_error(store_.for_each_record(other, 0, 1, [](const audit::LogRecord&) { return ok_status(); }),
                 Code::kInvalid);
  }
}

TEST_P(Trees, ExtrasComeBack) {
  audit::Extras extras;
  extras.set_text(audit::Extra::kRequestId, "r-1").set_number(audit::Extra::kKeyVersion, 3);
  expect_ok(store_.record(AuditEntry(event("a"), extras)));
  expect_ok(store_.for_each_record(origin("acme"), 0, 9, [&](const audit::LogRecord& record) {
    EXPECT_EQ(record.extras(), extras);
    EXPECT_EQ(record.event(), event("a"));
    return ok_status();
  }));
  expect_ok(verify_audit(store_));
}

TEST_P(Trees, ChangedExtrasAreSeen) {
  audit::Extras extras;
  extras.set_text(audit::Extra::kRequestId, "r-1");
  expect_ok(store_.record(AuditEntry(event("a"), extras)));
  extras.set_text(audit::Extra::kRequestId, "r-2");
  place_.sql_on_audit("UPDATE audit SET extras = " + place_.blob(extras.encode()));
  expect_error(verify_audit(store_), Code::kCorrupt, "audit row 1 was changed");
}

TEST_P(Trees, ManyUsesInOneTransaction) {
  std::vector<Use> uses;
  for (int i = 0; i < 100; ++i) uses.push_back({event("use", i % 3 == 0 ? "rival" : "acme/production"), {}, {}});
  const auto recorded = store_.record_uses(uses);
  expect_ok(recorded);
  std::uint64_t next[2] = {0, 0};
  for (int i = 0; i < 100; ++i) {
    const auto& place = (*recorded)[static_cast<std::size_t>(i)];
    ASSERT_TRUE(place.has_value());
    EXPECT_EQ(place->origin, origin(i % 3 == 0 ? "rival" : "acme"));
    EXPECT_EQ(place->index, next[i % 3 == 0 ? 1 : 0]++);
  }
  EXPECT_EQ(store_.audit_head()->rows, 100u);
  EXPECT_TRUE(store_.record_uses({}).value().empty());
  expect_ok(verify_audit(store_));
}

TEST_P(Trees, UseOfWhatWasChangedSinceIsLeftOut) {
  TenantRecord acme;
  acme.tenant = "acme";
  acme.kek_id = std::string(32, '0');
  expect_ok(store_.change(event("add"), [&](Store::Change& change) { return change.add_tenant(acme); }));
  const RowVersion current{"acme", "", "", 1};
  const RowVersion outdated{"acme", "", "", 0};
  const std::vector<Use> uses = {{event("one"), {}, {current}},
                                 {event("two"), {}, {current, outdated}},
                                 {event("three"), {}, {{"acme", "", "absent", 1}}},
                                 {event("four"), {}, {}}};
  const auto recorded = store_.record_uses(uses).value();
  EXPECT_TRUE(recorded[0].has_value());
  EXPECT_FALSE(recorded[1].has_value());
  EXPECT_FALSE(recorded[2].has_value());
  ASSERT_TRUE(recorded[3].has_value());
  EXPECT_EQ(recorded[3]->index, 2u);
  const auto none = store_.record_uses({&uses[1], 2}).value();
  EXPECT_FALSE(none[0].has_value() || none[1].has_value());
  EXPECT_EQ(store_.audit_head()->rows, 3u);
  expect_ok(verify_audit(store_));
}

// Two stores fill one tree past a node that is kept, in batches of every shape.
TEST_P(Trees, NodesAndProofsOfALargeTree) {
  Store other = place_.open().value();
  std::uint64_t size = 0;
  for (const int count : {1, 2, 3, 31, 64, 100, 55, 1, 256, 90}) {
    use(count);
    size += static_cast<std::uint64_t>(count);
    std::swap(store_, other);
  }
  const std::string acme = origin("acme");
  const auto hashes = leaves(acme);
  ASSERT_EQ(hashes.size(), size);
  audit::Frontier frontier;
  std::vector<audit::TreeHead> heads(1);
  for (const audit::Hash& leaf : hashes) {
    const auto completed = frontier.append(leaf).value();
    for (const audit::Node& node : completed) EXPECT_EQ(store_.tree_node(acme, node.id).value(), node.hash);
    heads.push_back({frontier.size(), frontier.root()});
  }
  EXPECT_EQ(store_.tree_head(acme).value(), heads.back());
  for (const std::uint64_t older : {1u, 255u, 256u, 257u, 512u, 602u}) {
    const auto proof = audit::consistency_proof(older, size, reader(acme));
    expect_ok(proof);
    expect_ok(audit::verify_consistency(heads[older], heads[size], *proof));
    const auto inclusion = audit::inclusion_proof(older - 1, size, reader(acme));
    expect_ok(inclusion);
    expect_ok(audit::verify_inclusion(hashes[older - 1], older - 1, heads[size], *inclusion));
  }
  const auto summary = verify_audit(store_);
  expect_ok(summary);
  EXPECT_EQ(summary->rows, size);
  EXPECT_EQ(summary->trees.at("acme"), heads.back());
}

TEST_P(Trees, NodesThatArentThere) {
  use(5);
  const std::string acme = origin("acme");
  expect_ok(store_.tree_node(acme, {2, 0}));
  for (const audit::NodeId& id : {audit::NodeId{0, 5},
                                  {1, 2},
                                  {3, 0},
                                  {8, 0},
                                  {62, 0},
                                  {63, 0},
                                  {200, 0},
                                  {0, ~std::uint64_t{0}},
                                  {7, std::uint64_t{1} << 60}}) {
    expect_error(store_.tree_node(acme, id), Code::kNotFound, "isn't complete");
  }
}

TEST_P(Trees, RecordsFromTheMiddle) {
  use(10);
  std::vector<std::uint64_t> indexes;
  expect_ok(store_.for_each_record(origin("acme"), 7, 2, [&](const audit::LogRecord& record) {
    indexes.push_back(record.index());
    return ok_status();
  }));
  EXPECT_EQ(indexes, (std::vector<std::uint64_t>{7, 8}));
  const auto refuse = [](const audit::LogRecord&) -> Status { return Error(Code::kDenied, "enough"); };
  expect_error(store_.for_each_record(origin("acme"), 0, 9, refuse), Code::kDenied, "enough");
  expect_ok(store_.for_each_record(origin("acme"), 10, 9, refuse));
  place_.sql_on_audit("DELETE FROM audit WHERE tree_index = 4");
  expect_error(store_.for_each_record(origin("acme"), 0, 9, [](const audit::LogRecord&) { return ok_status(); }),
               Code::kCorrupt, "record 4 is missing");
}

// The store's own newest row is there, the tree's isn't.
TEST_P(Trees, CutTailOfATreeIsSeen) {
  use(5);
  use(3, "rival");
  place_.sql_on_audit("DELETE FROM audit WHERE tree = 'acme' AND tree_index = 4");
  expect_error(store_.tree_head(origin("acme")), Code::kCorrupt, "newest row of the tree acme");
  expect_error(store_.record(event("more")), Code::kCorrupt, "newest row of the tree acme");
  expect_ok(store_.record(event("more", "rival")));
  expect_error(verify_audit(store_), Code::kCorrupt, "audit row 5 is missing");
}

TEST_P(Trees, CutTailOfTheStoreIsSeen) {
  use(5);
  place_.sql_on_audit("DELETE FROM audit WHERE sequence > 3");
  expect_error(store_.record_uses(std::vector<Use>{{event("use"), {}, {}}}), Code::kCorrupt, "ends at row 3");
  expect_error(place_.open(), Code::kCorrupt);
}

TEST_P(Trees, ChangedNodeIsSeen) {
  use(256);
  place_.sql("UPDATE nodes SET hash = " + place_.blob(Bytes(32)));
  expect_error(verify_audit(store_), Code::kCorrupt, "level 8");
  place_.sql("DELETE FROM nodes");
  expect_error(verify_audit(store_), Code::kCorrupt, "level 8");
}

TEST_P(Trees, NodeThatNoRowMade) {
  use(3);
  place_.sql("INSERT INTO nodes VALUES ('acme', 8, 0, " + place_.blob(Bytes(32)) + ")");
  expect_error(verify_audit(store_), Code::kCorrupt, "1 more nodes");
}

TEST_P(Trees, SomebodysIdeaOfATenantHasNoTree) {
  for (const char* tenant : {"../x", "Acme", "-", "a b", "acme+x"}) expect_ok(store_.record(event("x", tenant)));
  EXPECT_EQ(store_.trees().value(), std::vector<std::string>{origin("-")});
  expect_ok(verify_audit(store_));
}

TEST_P(Trees, WritersTakeTurns) {
  std::vector<std::jthread> writers;
  std::atomic<int> failures = 0;
  for (int w = 0; w < 2; ++w) {
    writers.emplace_back([&] {
      auto own = place_.open();
      for (int i = 0; i < 20; ++i) {
        const std::vector<Use> uses(7, Use{event("use"), {}, {}});
        if (!own.ok() || !own->record_uses(uses).ok()) ++failures;
      }
    });
  }
  writers.clear();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(verify_audit(store_)->trees.at("acme").size, 280u);
}

// A change that is slow doesn't collide with the rows that are written in its tree meanwhile.
TEST_P(Trees, ChangeBesideUsesOfItsTree) {
  if (GetParam() == Kind::kSqlite) GTEST_SKIP() << "in SQLite a change has the file to itself";
  Store other = place_.open().value();
  int runs = 0;
  expect_ok(store_.change(event("slow"), [&](Store::Change& change) -> Status {
    ++runs;
    CLOISTER_RETURN_IF_ERROR(change.put_setting("a", "b"));
    return other.record(event("meanwhile"));
  }));
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(verify_audit(store_)->trees.at("acme").size, 2u);
}

class Requests : public Trees {
 protected:
  static RequestKey request(std::uint8_t key, Time expires = kStart + days(1)) {
    RequestKey made;
    made.key.fill(key);
    made.digest.fill(7);
    made.expires = expires;
    return made;
  }
  Status change(const RequestKey& request, Time now = kStart) {
    AuditEntry entry(event("change"), {}, request);
    entry.event.time = now;
    return store_.change(
        entry, [&](Store::Change& change) { return change.put_setting("changes", std::to_string(++changes_)); });
  }
  int changes_ = 0;
};
INSTANTIATE_TEST_SUITE_P(On, Requests, ::testing::ValuesIn(kinds()), kind_name);

TEST_P(Requests, SecondChangeIsRefused) {
  expect_ok(change(request(1)));
  const Status again = change(request(1));
  expect_error(again, Code::kExists, "request key");
  EXPECT_EQ(again.error().message().find("request key"), 0u);
  EXPECT_EQ(store_.setting("changes").value(), "1");
  const auto found = store_.find_request(request(1).key);
  expect_ok(found);
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->digest, request(1).digest);
  EXPECT_EQ((*found)->expires, request(1).expires);
  EXPECT_FALSE(store_.find_request(request(2).key)->has_value());
}

TEST_P(Requests, FailedChangeKeepsNoKey) {
  const AuditEntry entry(event("change"), {}, request(1));
  expect_error(store_.change(entry, [](Store::Change&) -> Status { return Error(Code::kDenied, "no"); }),
               Code::kDenied);
  EXPECT_FALSE(store_.find_request(request(1).key)->has_value());
  expect_ok(change(request(1)));
}

TEST_P(Requests, ExpiredKeysGoAsNewOnesCome) {
  for (const std::uint8_t key : {1, 2, 3}) expect_ok(change(request(key)));
  expect_ok(change(request(1, kStart + days(9)), kStart + days(1)));  // its time is over: it may be used anew
  expect_error(change(request(1), kStart + days(2)), Code::kExists);
  expect_ok(change(request(16, kStart + days(9)), kStart + days(2)));
  EXPECT_FALSE(store_.find_request(request(2).key)->has_value());
  EXPECT_FALSE(store_.find_request(request(3).key)->has_value());
  EXPECT_TRUE(store_.find_request(request(1).key)->has_value());
}

TEST_P(Requests, OfTwoAtOnceOneIsMade) {
  std::atomic<int> made = 0;
  std::atomic<int> refused = 0;
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 2; ++i) {
      callers.emplace_back([&] {
        Store own = place_.open().value();
        const Status status = own.change(AuditEntry(event("change"), {}, request(1)),
                                         [](Store::Change& change) { return change.put_setting("changes", "1"); });
        if (status.ok()) ++made;
        if (!status.ok() && status.error().code() == Code::kExists) ++refused;
      });
    }
  }
  EXPECT_EQ(made, 1);
  EXPECT_EQ(refused, 1);
}

// Nothing is recorded, nobody is told that it was, and it goes on when there is room again.
TEST(FullDisk, RefusesAndLosesNothing) {
  StorePlace place(Kind::kSqlite);
  Store store = place.create().value();
  expect_ok(store.record(event("before")));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{std::filesystem::file_size(place.path()) / 2, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto recorded = store.record_uses(std::vector<Use>(256, Use{event(std::string(60, 'u')), {}, {}}));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_FALSE(recorded.ok());
  EXPECT_EQ(store.audit_head()->rows, 1u);
  expect_ok(store.record(event("after")));
  EXPECT_EQ(verify_audit(store)->rows, 2u);
}

}  // namespace
}  // namespace cloister::keys
