#include "redteam/playbook.h"

#include <set>

#include "crypto/library.h"
#include "redteam/run.h"
#include "tests/support/expect.h"
#include "tests/unit/redteam/fixture.h"

namespace cloister::redteam {
namespace {

TEST(Playbook, HasAllExercises) {
  const Playbook& playbook = built_in_playbook();
  EXPECT_EQ(playbook.exercises.size(), 51u);
  for (const char* drill : {"kek-rotation", "dek-rotation", "destruction", "aead-limits", "attested-release"}) {
    ASSERT_NE(playbook.find(drill), nullptr) << drill;
    EXPECT_TRUE(playbook.find(drill)->not_here.empty()) << drill;
  }
  for (const auto& [group, count] : {std::pair{'K', 15}, {'T', 12}, {'A', 11}, {'M', 8}}) {
    for (int i = 1; i <= count; ++i) {
      const std::string id = std::string("RT-") + group + (i < 10 ? "0" : "") + std::to_string(i);
      const Exercise* exercise = playbook.find(id);
      ASSERT_NE(exercise, nullptr) << id;
      EXPECT_FALSE(exercise->capec.empty() && exercise->cwe.empty()) << id;
    }
  }
  EXPECT_EQ(playbook.find("RT-K16"), nullptr);
}

constexpr std::string_view kOne =
    "id = \"p\"\nversion = \"1\"\n[[exercise]]\nid = \"RT-X01\"\nname = \"n\"\nprocedure = \"p\"\ndefended = \"d\"\n"
    "automation = \"auto\"\nneeds = \"none\"\nproves = [\"KEY-01\"]\n";

TEST(Playbook, Malformed) {
  EXPECT_TRUE(parse_playbook(kOne).ok());
  const std::string one(kOne);
  testing::expect_refused(parse_playbook(one + one.substr(one.find("[["))), Code::kInvalid, "twice");
  testing::expect_refused(parse_playbook(one + "more = \"x\"\n"), Code::kInvalid, "more");
  testing::expect_refused(parse_playbook(one + "[[other]]\nid = \"x\"\n"), Code::kInvalid, "no such table");
  std::string without = one;
  without.erase(without.find("defended"), sizeof("defended = \"d\""));
  testing::expect_refused(parse_playbook(without), Code::kInvalid, "defended");
}

class Running : public Exercises {
 protected:
  Result<std::vector<Report>> go(RunOptions options) {
    return run(built_in_playbook(), options, directory_.path(), random_, Time{1'795'000'000'000}, progress_, {});
  }
};

TEST_F(Running, NobodyAnswersForIt) {
  testing::expect_refused(go({.exercises = {"RT-A01"}}), Code::kInvalid, "authorised");
}

TEST_F(Running, NoSuchExercise) {
  testing::expect_refused(go({.authorised_by = "alice", .exercises = {"RT-K99"}}), Code::kInvalid, "RT-K99");
}

TEST_F(Running, ServerThatIsNotThisMachine) {
  RunOptions options{.authorised_by = "alice", .exercises = {"RT-A01"}};
  options.targets.server = "192.0.2.7:443";
  testing::expect_refused(go(options), Code::kInvalid, "isn't this machine");
  options.targets.beyond = "192.0.2.8";
  testing::expect_refused(go(options), Code::kInvalid, "isn't this machine");
  options.targets.beyond = "192.0.2.7";
  EXPECT_TRUE(go(options).ok());
}

// A neighbour on the link and a cloud's metadata service are others' machines.
TEST_F(Running, ServerThatIsNearby) {
  RunOptions options{.authorised_by = "alice", .exercises = {"RT-A01"}};
  for (const char* server : {"169.254.169.254:80", "[fe80::1]:443", "[fd00:ec2::254]:80"}) {
    options.targets.server = server;
    testing::expect_refused(go(options), Code::kInvalid, "isn't this machine");
  }
  for (const char* server : {"127.0.0.1:443", "127.8.0.1:443", "[::1]:443"}) {
    options.targets.server = server;
    EXPECT_TRUE(go(options).ok()) << server;
  }
}

TEST_F(Running, WhatTheProgramDoesNotHandIn) {
  RunOptions options{.authorised_by = "alice", .exercises = {"RT-M07"}};
  expect_not_run(testing::value_of(go(options)).front(), "doesn't bring");
  options.targets.handed_in["RT-M07"] = [](const Field& field) {
    Tally tally(field, "RT-M07", "mend it");
    tally.attack("handed in", Status(Error(Code::kDenied, "no")));
    return std::move(tally).finish();
  };
  expect_defended(testing::value_of(go(options)).front());
}

TEST_F(Running, FindingsNameWhatWasAttacked) {
  RunOptions options{.authorised_by = "alice", .exercises = {"RT-K03", "RT-A01", "RT-T07"}};
  options.targets.host = "keys-1";
  options.targets.server = "127.0.0.1:1";
  const auto subjects = [&] {
    std::vector<std::string> out;
    const auto reports = go(options);
    EXPECT_TRUE(reports.ok());
    for (const Report& report : *reports) out.push_back(report.attacked.kind + ":" + report.attacked.name);
    return out;
  };
  EXPECT_EQ(subjects(), (std::vector<std::string>{"host:keys-1", ":", "endpoint:127.0.0.1:1"}));
  options.targets.workload = "serving";
  EXPECT_EQ(subjects().back(), "workload:serving");
}

TEST_F(Running, WhatDoesNotRunHereSaysWhy) {
  const auto reports = go({.authorised_by = "alice", .exercises = {"RT-A10"}});
  ASSERT_TRUE(reports.ok());
  expect_not_run(reports->front(), "host");
}

TEST_F(Running, Stopped) {
  progress_.request_stop();
  const auto reports = go({.authorised_by = "alice", .exercises = {"RT-K14", "RT-A01"}});
  ASSERT_TRUE(reports.ok());
  for (const Report& report : *reports) expect_not_run(report, "stopped");
}

TEST_F(Running, OutOfTime) {
  const auto reports = go({.authorised_by = "alice", .exercises = {"RT-K14"}, .patience = Duration{0}});
  ASSERT_TRUE(reports.ok());
  expect_not_run(reports->front(), "time");
}

// Every exercise that the playbook doesn't excuse has somebody who runs it, and leaves nothing behind.
TEST_F(Running, EveryOneThatRunsHere) {
  ASSERT_TRUE(crypto::start_process().ok());
  std::set<std::string> ran;
  const auto reports = go({.authorised_by = "alice"});
  ASSERT_TRUE(reports.ok()) << reports.error().message();
  for (const Report& report : *reports) {
    ran.insert(report.id);
    if (report.id == "RT-M06") {
      ASSERT_FALSE(report.details.empty());
      EXPECT_EQ(report.details.front(), "against a checkpoint that this run took before the tampering");
      EXPECT_TRUE(report.covers.empty());
    }
    if (report.id == "RT-K03" || report.id == "RT-K05") continue;  // what this machine is like isn't the test's
    EXPECT_NE(report.outcome, Outcome::kFailed) << transcript(report);
  }
  for (const Exercise& exercise : built_in_playbook().exercises) {
    EXPECT_EQ(ran.contains(exercise.id), exercise.not_here.empty()) << exercise.id;
  }
  EXPECT_EQ(std::filesystem::directory_iterator(directory_.path()), std::filesystem::directory_iterator());
}

}  // namespace
}  // namespace cloister::redteam
