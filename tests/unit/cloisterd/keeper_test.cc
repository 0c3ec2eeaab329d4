// What the daemon does by itself: identities kept fresh, the deny list followed, KEKs rotated, versions destroyed.
#include "cloisterd/keeper.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "cloisterd/scheduler.h"
#include "cloisterd/ticker.h"
#include "service/denied_ids.h"
#include "tests/support/value_of.h"
#include "tests/unit/keys/home.h"

namespace cloister::daemon {
namespace {

using keys::expect_ok;
using keys::kStart;
using testing::value_of;

identity::SpiffeId id_of(std::string_view text) { return value_of(identity::SpiffeId::parse(text)); }

class KeeperTest : public ::testing::Test {
 protected:
  KeeperTest()
      : log(value_of(Log::start(STDERR_FILENO, [this] { return now.load(); }))),
        issuer(
            value_of(service::Issuer::open(home.keys->store(), *home.root, home.random,
                                           {value_of(identity::TrustDomain::parse("acme.test")), {}}, home.caller()))),
        own(value_of(service::OwnIdentity::create(*issuer, id_of("spiffe://acme.test/cloister/keys"),
                                                  home.keys->store(), home.random, home.caller()))),
        settings(
            value_of(service::AuthenticSettings::open(home.keys->store(), *home.root, home.random, home.caller()))),
        verifier(
            std::make_shared<net::SpiffeVerifier>(own->source(), identity::Conformance::kStrict, identity::DenyList())),
        keeper({[this]() -> Result<keys::Store> {
                  if (store_fails) return Error(Code::kUnavailable, "no store");
                  return home.place.open();
                },
                *issuer, *own, *verifier, settings, *log, metrics, [this] { return now.load(); }, "cloisterd",
                seconds(5)}) {
    log->configure(LogLevel::kError, LogFormat::kText, "");
  }

  void deny(std::string_view id) {
    const audit::Event event{now, "test", "identity.deny", "", "", audit::Outcome::kAllowed, ""};
    expect_ok(home.keys->store().change(event, [&](keys::Store::Change& change) {
      return service::deny_id(home.keys->store(), change, settings, {id_of(id), kStart + days(1), "leaked"}, now);
    }));
  }

  keys::Home home;
  std::atomic<Time> now{kStart};
  bool store_fails = false;
  Metrics metrics;
  std::unique_ptr<Log> log;
  std::unique_ptr<service::Issuer> issuer;
  std::unique_ptr<service::OwnIdentity> own;
  service::AuthenticSettings settings;
  std::shared_ptr<net::SpiffeVerifier> verifier;
  Keeper keeper;
};

TEST_F(KeeperTest, RenewsInTime) {
  EXPECT_EQ(keeper.tick(), seconds(5));
  const auto first = own->source()->current();
  now = kStart + minutes(40);
  keeper.tick();
  EXPECT_NE(own->source()->current(), first);
  EXPECT_TRUE(keeper.store_answers());
}

TEST_F(KeeperTest, StoreOutOfReach) {
  store_fails = true;
  EXPECT_EQ(keeper.tick(), seconds(1));
  EXPECT_FALSE(keeper.store_answers());
  EXPECT_EQ(metrics.store_errors, 1U);
  store_fails = false;
  keeper.tick();
  EXPECT_TRUE(keeper.store_answers());
  now = kStart + minutes(1);
  EXPECT_FALSE(keeper.store_answers());
}

TEST_F(KeeperTest, FollowsTheDenyListOfOthers) {
  deny("spiffe://acme.test/acme/x");
  keeper.tick();
  EXPECT_EQ(verifier->deny_list()->ids().size(), 1U);
  now = kStart + days(2);  // it has run out
  keeper.tick();
  EXPECT_TRUE(verifier->deny_list()->ids().empty());
}

class SchedulerTest : public KeeperTest {
 protected:
  SchedulerTest()
      : scheduler({[this] { return home.open(); }, *log, metrics, [this] { return now.load(); }, home.random,
                   "cloisterd", seconds(60), seconds(30)}) {}
  std::vector<keys::KekVersion> versions() { return value_of(home.keys->store().tenant("acme", "")).versions; }
  Scheduler scheduler;
};

TEST_F(SchedulerTest, RotatesWhatIsDueAndNothingElse) {
  expect_ok(home.keys->create_tenant(keys::kAcme, days(1), home.caller()));
  expect_ok(home.keys->create_tenant(keys::kRival, std::nullopt, home.caller()));
  const Duration rest = scheduler.tick();
  EXPECT_GE(rest, seconds(60));
  EXPECT_LT(rest, seconds(90));
  EXPECT_EQ(versions().size(), 1U);
  now = kStart + days(2);
  scheduler.tick();
  scheduler.tick();
  EXPECT_EQ(versions().size(), 2U);
  EXPECT_EQ(metrics.rotations, 1U);
  EXPECT_EQ(value_of(home.keys->store().tenant("rival", "")).versions.size(), 1U);
}

TEST_F(SchedulerTest, DestroysWhenTheWaitIsOver) {
  expect_ok(home.keys->create_tenant(keys::kAcme, std::nullopt, home.caller()));
  expect_ok(home.keys->rotate_kek(keys::kAcme, home.caller()));
  expect_ok(home.keys->schedule_kek_destruction(keys::kAcme, 1, days(7), home.caller()));
  now = kStart + Duration{days(7).ms - 1};
  scheduler.tick();
  EXPECT_EQ(versions()[0].state, keys::KeyState::kDestructionScheduled);
  now = kStart + days(7);
  scheduler.tick();
  EXPECT_EQ(versions()[0].state, keys::KeyState::kDestroyed);
  EXPECT_EQ(versions()[1].state, keys::KeyState::kEnabled);
  EXPECT_EQ(metrics.destructions, 1U);
  EXPECT_EQ(metrics.rotation_failures, 0U);
}

TEST(TickerTest, WorksWhenWokenAndEnds) {
  std::atomic<int> count{0};
  auto ticker = value_of(Ticker::start(
      [&] {
        ++count;
        return hours(1);
      },
      hours(1)));
  for (int i = 0; i < 1000 && count == 0; ++i) {
    ticker->wake();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_GE(count, 1);
  ticker.reset();
}

}  // namespace
}  // namespace cloister::daemon
