#include "audit/anomaly/novelty.h"

#include "tests/unit/audit/anomaly/stream.h"

namespace cloister::audit::anomaly {
namespace {

using NewActor = AfterThreeWeeks;

TEST_F(NewActor, AWorkloadNobodyKnowsOnAnOldKey) {
  UsageEvent event = stream.event();
  event.principal = "spiffe://acme/ns/serve/sa/debug-tool";
  stream.use(event);
  expect_told(Kind::kNewActor, Severity::kHigh, "a workload never seen before");
}

TEST_F(NewActor, WhereNewWorkloadsComeEveryDayOneMoreIsLittleNews) {
  std::string name = "spiffe://acme/ns/serve/sa/tool-a";
  for (int day = 0; day < 14; ++day) {
    stream.ms += kDay;
    UsageEvent event = stream.event();
    ++name.back();
    event.principal = name;
    stream.found.clear();
    stream.use(event);
    ASSERT_TRUE(day > 0 || stream.count(Kind::kNewActor) == 1);
  }
  EXPECT_EQ(stream.count(Kind::kNewActor), 0);
}

TEST_F(NewActor, FromOutsideInANamespaceOfItsOwn) {
  UsageEvent event = stream.event();
  event.principal = "spiffe://acme/ns/elsewhere/sa/tool";
  event.source = "203.0.113.9";
  stream.use(event);
  expect_told(Kind::kNewActor, Severity::kHigh, "uses key model for the first time");
}

TEST_F(NewActor, TheNextVersionOfAKnownOne) {
  for (const char* version : {"spiffe://acme/ns/serve/sa/llm2", "spiffe://acme/ns/serve/sa/llm3"}) {
    UsageEvent event = stream.event();
    event.principal = version;
    stream.use(event);
  }
  // llm and llm2 differ by a digit that appears: the first version with a number is a family of its own.
  EXPECT_LE(stream.found.size(), 1U);
  stream.found.clear();
  UsageEvent event = stream.event();
  event.principal = "spiffe://acme/ns/serve/sa/llm4";
  stream.use(event);
  expect_quiet();
}

TEST_F(NewActor, AKnownOneUnderTheKeyOfOthers) {
  UsageEvent event = stream.event();
  event.key_id = "corpus";
  stream.use(event);
  EXPECT_EQ(stream.count(Kind::kNewActor), 1);
}

TEST_F(NewActor, ItsFirstUseOfAKeyThatWasJustCreated) {
  UsageEvent create = stream.event(Operation::kCreateKey);
  create.principal = kAda;
  create.source = "192.168.7.9";
  create.key_id = "model-2";
  stream.at(21, 10);
  stream.use(create);
  stream.found.clear();
  UsageEvent event = stream.event();
  event.key_id = "model-2";
  stream.use(event);
  EXPECT_EQ(stream.count(Kind::kNewActor), 0);
}

TEST_F(NewActor, IsToldOnceADay) {
  UsageEvent event = stream.event();
  event.principal = "spiffe://acme/ns/serve/sa/debug-tool";
  for (int i = 0; i < 20; ++i) {
    stream.use(event);
    stream.ms += 30 * kMinute;
  }
  EXPECT_EQ(stream.count(Kind::kNewActor), 1);
}

TEST(NewActorWhileLearning, IsNoNews) {
  Stream stream;
  stream.work(3);
  UsageEvent event = stream.event();
  event.principal = "spiffe://acme/ns/serve/sa/debug-tool";
  stream.use(event);
  EXPECT_TRUE(stream.found.empty());
}

TEST(NoveltyRate, SurprisesLessTheMoreOftenItHappens) {
  NoveltyRate rate;
  const double first = rate.surprise(30 * kDay, 0);
  for (int day = 0; day < 30; day += 3) rate.add(day * kDay);
  EXPECT_GT(first, 5.9);
  EXPECT_LT(rate.surprise(30 * kDay, 0), 2.5);
  EXPECT_GE(rate.surprise(0, 10 * kDay), 0);  // a clock that is behind
}

}  // namespace
}  // namespace cloister::audit::anomaly
