#include "cloisterd/collateral_keeper.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "attest/collateral/merge.h"
#include "attest/collateral/refresh.h"
#include "home/collateral_cache.h"
#include "tests/support/recorded_transport.h"
#include "tests/support/revocation_lists.h"
#include "tests/support/value_of.h"
#include "tests/unit/keys/home.h"

namespace cloister::daemon {
namespace {

using attest::CollateralKind;
using attest::CollateralNeed;
using testing::value_of;

const CollateralNeed kCrl{CollateralKind::kAmdCrl, "Milan/vcek"};
const CollateralNeed kInfo{CollateralKind::kIntelTcbInfo, "tdx/00806f050000"};

std::string tcb_info(Time issued, unsigned number) {
  return R"({"tcbInfo":{"issueDate":")" + to_rfc3339(issued) + R"(","nextUpdate":")" + to_rfc3339(issued + days(30)) +
         R"(","tcbEvaluationDataNumber":)" + std::to_string(number) + "}}";
}

class CollateralKeeperTest : public ::testing::Test {
 protected:
  CollateralKeeperTest() : log(value_of(Log::start(STDERR_FILENO, [] { return keys::kStart; }))) {
    log->configure(LogLevel::kError, LogFormat::kText, "");
    waiting.now = keys::kStart;
    make(true);
  }

  void make(bool fetches, std::size_t guests_per_minute = 0) {
    CollateralKeeperParts parts{[this] { return home.open(); }, home.directory.path(), nullptr,          *log, metrics,
                                [this] { return waiting.now; }, "cloisterd",           guests_per_minute};
    if (fetches) {
      parts.fetcher = value_of(home::CollateralFetcher::create(
          {},
          [this](const kms::Endpoint&) -> Result<std::unique_ptr<kms::HttpTransport>> {
            return std::unique_ptr<kms::HttpTransport>(
                std::make_unique<testing::FunctionTransport>([this](const net::Request& request) {
                  ++asked;
                  return answer(request);
                }));
          },
          waiting.waiting(), home::Attempts::kOnce));
    }
    keeper = std::make_unique<CollateralKeeper>(std::move(parts));
  }

  Result<net::Response> answer(const net::Request& request) {
    if (down) return Error(Code::kUnavailable, "no route");
    if (request.method == "POST") {
      requests.emplace_back(as_text(request.body));
      return net::Response{404, {}, {}, {}};
    }
    if (request.target.find("/crl") != std::string::npos) {
      return net::Response{200, {}, net::to_buffer(as_text(testing::pss_revocation_list())), {}};
    }
    return net::Response{
        200, {{"tcb-info-issuer-chain", "-----BEGIN CERTIFICATE-----"}}, net::to_buffer(tcb_info(issued, number)), {}};
  }

  const attest::CollateralItem* find(const CollateralNeed& need) {
    held = keeper->current();
    return held->find(need.kind, need.key);
  }

  keys::Home home;
  std::unique_ptr<Log> log;
  Metrics metrics;
  testing::TestWaiting waiting;
  bool down = false;
  Time issued = keys::kStart;
  unsigned number = 18;
  unsigned asked = 0;
  std::vector<std::string> requests;  // about certificates
  std::unique_ptr<CollateralKeeper> keeper;
  std::shared_ptr<const attest::Collateral> held;
};

TEST_F(CollateralKeeperTest, FetchedWhenEvidenceNeedsIt) {
  EXPECT_EQ(find(kCrl), nullptr);
  keeper->want({{kCrl, kInfo}, {}}, "spiffe://acme.test/w");
  EXPECT_EQ(find(kCrl), nullptr);  // not in the way of the request
  keeper->tick();
  EXPECT_NE(find(kCrl), nullptr);
  EXPECT_NE(find(kInfo), nullptr);
  EXPECT_EQ(metrics.collateral_fetched, 2U);
  keeper->tick();
  EXPECT_EQ(asked, 2U);
  home.reopen();
  EXPECT_EQ(home.last_event().action, "collateral.fetch");
  // Another server of this home finds it.
  make(false);
  keeper->load();
  EXPECT_NE(find(kInfo), nullptr);
}

// Evidence says what it likes: a made-up chip for each request.
TEST_F(CollateralKeeperTest, MadeUpMachines) {
  const auto made_up = [](unsigned i) {
    char digits[16];
    std::snprintf(digits, sizeof(digits), "%012x", i);
    return CollateralNeed{CollateralKind::kIntelTcbInfo, "tdx/" + std::string(digits)};
  };
  for (unsigned i = 0; i < 100; ++i) keeper->want({{made_up(i)}, {}}, "");
  keeper->tick();
  EXPECT_EQ(asked, 0U);  // nobody knows who it was
  keeper->want({{kCrl}, {}}, "");
  keeper->tick();
  EXPECT_EQ(asked, 1U);  // the same for all machines of a product
  for (unsigned i = 0; i < 100; ++i) keeper->want({{made_up(i)}, {}}, "spiffe://acme.test/w");
  keeper->want({{made_up(1000)}, {}}, "spiffe://acme.test/other");
  keeper->tick();
  EXPECT_EQ(asked, 1U + FetchBudget::kPerMinute + 1);
  EXPECT_EQ(metrics.collateral_not_asked, 100U + 100 - FetchBudget::kPerMinute);
}

// Each asks for what all machines of a product have in common, and that is asked for once.
TEST_F(CollateralKeeperTest, ManyGuestsOfOneProduct) {
  for (unsigned i = 0; i < 1000; ++i) keeper->want({{kCrl}, {}}, "");
  for (unsigned i = 0; i < 100; ++i) keeper->want({{kInfo}, {}}, "spiffe://acme.test/w");
  keeper->tick();
  EXPECT_NE(find(kCrl), nullptr);
  EXPECT_NE(find(kInfo), nullptr);
  EXPECT_EQ(asked, 2U);
  EXPECT_EQ(metrics.collateral_not_asked, 0U);
}

// Both name the same serial number, and differ in whose certificate it is of.
TEST_F(CollateralKeeperTest, GuestSaysWhatIsAskedAboutAnothersMachine) {
  const CollateralNeed answer{CollateralKind::kNvidiaOcsp, "0a"};
  const home::Wanted made_up{{answer}, {{{"0a", {1}}}}};
  const home::Wanted known{{answer}, {{{"0a", {2}}}}};
  const auto asked_about = [this](const std::vector<std::pair<home::Wanted, std::string>>& all, std::size_t guests) {
    make(true, guests);
    requests.clear();
    for (const auto& [wanted, caller] : all) keeper->want(wanted, caller);
    keeper->tick();
    return requests;
  };
  const std::string worker = "spiffe://acme.test/w";
  for (const std::size_t guests : {0, 8}) {
    EXPECT_EQ(asked_about({{made_up, ""}, {known, worker}}, guests), std::vector<std::string>{"\x02"}) << guests;
    EXPECT_EQ(asked_about({{known, worker}, {made_up, ""}}, guests), std::vector<std::string>{"\x02"}) << guests;
    // What nobody needs isn't kept for whoever comes next.
    const home::Wanted no_request{{answer}, {}}, no_need{{}, {{{"0a", {1}}}}};
    EXPECT_TRUE(asked_about({{no_need, ""}, {no_request, worker}}, guests).empty()) << guests;
  }
  EXPECT_TRUE(asked_about({{made_up, ""}}, 0).empty());
  EXPECT_EQ(asked_about({{made_up, ""}}, 8), std::vector<std::string>{"\x01"});
}

TEST_F(CollateralKeeperTest, RefusedToAGuest) {
  const CollateralNeed answer{CollateralKind::kNvidiaOcsp, "0a"};
  make(true, 8);
  keeper->want({{answer}, {{{"0a", {1}}}}}, "");
  keeper->tick();
  EXPECT_EQ(requests, std::vector<std::string>{"\x01"});
  for (int i = 0; i < 2; ++i) {
    keeper->want({{answer}, {{{"0a", {2}}}}}, "spiffe://acme.test/w");
    keeper->tick();
    EXPECT_EQ(requests, (std::vector<std::string>{"\x01", "\x02"}));
  }
}

TEST_F(CollateralKeeperTest, OutageTakesNothingAway) {
  keeper->want({{kInfo}, {}}, "spiffe://acme.test/w");
  keeper->tick();
  down = true;
  waiting.now = waiting.now + days(20);  // long due
  keeper->tick();
  ASSERT_NE(find(kInfo), nullptr);
  EXPECT_FALSE(attest::expired(*find(kInfo), waiting.now));
  EXPECT_EQ(metrics.collateral_failures, 1U);
  const unsigned before = asked;
  keeper->tick();
  EXPECT_EQ(asked, before);  // not hammered
  down = false;
  waiting.now = waiting.now + minutes(6);
  issued = waiting.now;
  keeper->tick();
  EXPECT_EQ(find(kInfo)->issued, issued);
}

TEST_F(CollateralKeeperTest, AheadOfExpiry) {
  keeper->want({{kInfo}, {}}, "spiffe://acme.test/w");
  keeper->tick();
  waiting.now = waiting.now + days(6);
  keeper->tick();
  EXPECT_EQ(asked, 1U);
  waiting.now = waiting.now + days(2);
  keeper->tick();
  EXPECT_EQ(asked, 2U);
}

TEST_F(CollateralKeeperTest, MirrorThatIsBehind) {
  keeper->want({{kInfo}, {}}, "spiffe://acme.test/w");
  keeper->tick();
  waiting.now = waiting.now + days(8);
  issued = waiting.now;
  number = 17;
  keeper->tick();
  EXPECT_EQ(attest::collateral_facts(kInfo.kind, find(kInfo)->body)->number, 18U);
  keeper->tick();
  EXPECT_EQ(asked, 2U);  // not asked again at once
}

TEST_F(CollateralKeeperTest, ImportedByAnotherProcess) {
  make(false);
  keeper->load();
  const Status imported = home::update_collateral(
      home.directory.path(), *home.keys, keys::kStart, [](attest::CollateralBundle& bundle) -> Status {
        CLOISTER_TRY(attest::CollateralItem item,
                     attest::make_collateral(kCrl, testing::pss_revocation_list(), "", keys::kStart));
        attest::merge(bundle.collateral, std::move(item));
        return {};
      });
  ASSERT_TRUE(imported.ok()) << imported.error().message();
  keeper->tick();
  EXPECT_NE(find(kCrl), nullptr);
  keeper->want({{kInfo}, {}}, "spiffe://acme.test/w");
  keeper->tick();
  EXPECT_EQ(asked, 0U);  // it doesn't fetch
}

TEST_F(CollateralKeeperTest, FileOfSomebodyElse) {
  keeper->want({{kCrl}, {}}, "spiffe://acme.test/w");
  keeper->tick();
  const Path file = home::collateral_path(home.directory.path());
  Bytes bytes = value_of(read_file(file, 1 << 20));
  bytes.back() ^= 1;
  bytes.push_back(0);
  ASSERT_TRUE(write_file(file, bytes, Overwrite::kReplace).ok());
  keeper->tick();
  EXPECT_EQ(metrics.collateral_failures, 1U);
  EXPECT_NE(find(kCrl), nullptr);  // what was read before is used on
}

}  // namespace
}  // namespace cloister::daemon
