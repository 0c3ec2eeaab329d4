#include "cloisterd/anomaly_watch.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/value_of.h"
#include "tests/unit/keys/home.h"

namespace cloister::daemon {
namespace {

using keys::kStart;
using testing::value_of;

service::DecisionEvent event_of(std::string_view operation) {
  service::DecisionEvent event;
  event.time = kStart;
  event.tenant = "acme";
  event.environment = "production";
  event.dataset = "images";
  event.caller = "spiffe://acme.test/acme/trainer";
  event.operation = operation;
  event.remote = "192.0.2.7:51820";
  event.keys = 3;
  return event;
}

TEST(AnomalyWatch, UsesOfKeysAndNothingElse) {
  std::string key_id;
  const auto usage = usage_of(event_of("unwrap"), key_id);
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->operation, audit::anomaly::Operation::kUnwrap);
  EXPECT_EQ(usage->key_id, "acme/production/images");
  EXPECT_EQ(usage->dek_count, 3U);
  EXPECT_EQ(usage->source, "192.0.2.7");
  EXPECT_FALSE(usage_of(event_of("/v1/identity/enroll"), key_id));
  EXPECT_FALSE(usage_of(event_of("tenant.list"), key_id));
  service::DecisionEvent nobody = event_of("unwrap");
  nobody.caller = {};
  EXPECT_FALSE(usage_of(nobody, key_id));
}

TEST(AnomalyWatch, WhyItWasRefused) {
  using audit::anomaly::UsageOutcome;
  std::string key_id;
  const auto outcome_of = [&](std::string_view problem, audit::Outcome outcome) {
    service::DecisionEvent event = event_of("unwrap");
    event.problem = problem;
    event.outcome = outcome;
    return usage_of(event, key_id)->outcome;
  };
  EXPECT_EQ(outcome_of("", audit::Outcome::kAllowed), UsageOutcome::kAllowed);
  EXPECT_EQ(outcome_of("refused", audit::Outcome::kRefused), UsageOutcome::kDenied);
  EXPECT_EQ(outcome_of("wrap-does-not-open", audit::Outcome::kRefused), UsageOutcome::kWrongContext);
  EXPECT_EQ(outcome_of("key-version-unknown", audit::Outcome::kRefused), UsageOutcome::kWrongKey);
  EXPECT_EQ(outcome_of("store-unavailable", audit::Outcome::kFailed), UsageOutcome::kFailed);
}

class WatchTest : public ::testing::Test {
 protected:
  WatchTest() : log(value_of(Log::start(STDERR_FILENO, [] { return kStart; }))) {
    log->configure(LogLevel::kError, LogFormat::kText, "");
  }
  std::unique_ptr<AnomalyWatch> start() {
    return value_of(AnomalyWatch::start({[this] { return home.place.open(); },
                                         nullptr,
                                         {},
                                         home.directory / "anomalies.state",
                                         *log,
                                         metrics,
                                         [] { return kStart; },
                                         home.random,
                                         "cloisterd"}));
  }
  // Every version of a KEK destroyed within a minute: what no day's work looks like.
  static void wreck(AnomalyWatch& watch) {
    for (int i = 0; i < 50; ++i) {
      for (const char* operation : {"kek.disable", "kek.schedule-destroy", "kek.destroy-immediately"}) {
        service::DecisionEvent event = event_of(operation);
        event.time = kStart + seconds(i);
        event.dataset = {};
        watch.observe(event);
      }
    }
  }

  keys::Home home;
  std::unique_ptr<Log> log;
  Metrics metrics;
};

TEST_F(WatchTest, FindingsAreOnRecord) {
  const auto watch = start();
  wreck(*watch);
  ASSERT_GT(metrics.anomalies, 0U);
  std::size_t found = 0;
  for (int i = 0; i < 500 && found == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    for (const audit::Row& row : home.audit_rows()) found += row.event.action == "anomaly.found" ? 1 : 0;
  }
  EXPECT_GT(found, 0U);
}

TEST_F(WatchTest, RemembersAcrossARestart) {
  auto watch = start();
  wreck(*watch);
  const std::uint64_t first = metrics.anomalies;
  watch.reset();
  watch = start();
  wreck(*watch);
  // Told before: not news again so soon.
  EXPECT_LT(metrics.anomalies - first, first + 1);
  struct stat info{};
  ASSERT_EQ(::stat((home.directory / "anomalies.state").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(WatchTest, StateThatWasDamaged) {
  ASSERT_TRUE(write_file(home.directory / "anomalies.state", as_bytes("nonsense"), Overwrite::kRefuse, 0600).ok());
  const auto watch = start();
  wreck(*watch);
  EXPECT_GT(metrics.anomalies, 0U);
}

}  // namespace
}  // namespace cloister::daemon
