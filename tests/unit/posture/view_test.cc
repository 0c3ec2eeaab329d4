#include "posture/view.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "posture/subjects.h"
#include "tests/unit/posture/judge/scene.h"

namespace cloister::posture {
namespace {

const Subject kCorpus = {SubjectKind::kLocation, "corpus"};

Fact seen(std::string collector, Time at, std::string encrypted) {
  Fact fact = scene_fact("storage.encryption", kCorpus, {{"encrypted", std::move(encrypted)}});
  fact.collector = std::move(collector);
  fact.at = at;
  return fact;
}

TEST(View, NewestOfEachCollector) {
  const Time early{kSceneTime.unix_ms - 2000}, late{kSceneTime.unix_ms - 1000};
  std::vector<Fact> facts = {seen("a/1", early, "yes"), seen("b/1", early, "yes"), seen("a/1", late, "no")};
  const Estate estate;
  for (int i = 0; i < 6; ++i) {
    std::ranges::next_permutation(facts, {}, &Fact::id);
    const View view(estate, facts, kSceneTime);
    const auto about = view.about("storage.encryption", kCorpus);
    ASSERT_EQ(about.size(), 2U);
    EXPECT_EQ(*about[0]->text("encrypted"), "no");
    EXPECT_EQ(about[1]->collector, "b/1");
    EXPECT_EQ(view.all("storage.encryption"), about);
    EXPECT_TRUE(view.about("storage.encryption", {SubjectKind::kLocation, "corpu"}).empty());
    EXPECT_TRUE(view.about("storage.encrypt", kCorpus).empty());
    EXPECT_TRUE(view.all("storage").empty());
  }
}

// Facts of one time: none replaces another, and they are the same in every order.
TEST(View, ContradictionOfOneTimeIsKept) {
  const Time early{kSceneTime.unix_ms - 1000};
  std::vector<Fact> facts = {seen("a/1", kSceneTime, "yes"), seen("a/1", kSceneTime, "no"),
                             seen("a/1", kSceneTime, "yes"), seen("a/1", early, "unknown")};
  const Estate estate;
  for (int i = 0; i < 24; ++i) {
    std::ranges::next_permutation(facts, {}, &Fact::id);
    const View view(estate, facts, kSceneTime);
    const auto about = view.about("storage.encryption", kCorpus);
    ASSERT_EQ(about.size(), 2U);
    EXPECT_EQ(*about[0]->text("encrypted"), "no");
    EXPECT_EQ(*about[1]->text("encrypted"), "yes");
  }
}

TEST(View, SeveralOfOneKindStandSideBySide) {
  std::vector<Fact> facts = {scene_drill("RT-K01"), scene_drill("RT-K02"), scene_record("review", {}),
                             scene_record("not-applicable", {{"control", std::string("USE-06")}}),
                             scene_record("not-applicable", {{"control", std::string("USE-08")}})};
  for (const char* what : {"swap", "core"}) {
    facts.push_back(scene_fact("transient.persistence", {SubjectKind::kHost, "h"}, {{"what", std::string(what)}}));
  }
  const Estate estate;
  const View view(estate, facts, kSceneTime);
  EXPECT_EQ(view.all("drill").size(), 2U);
  EXPECT_EQ(view.all("record").size(), 3U);
  EXPECT_EQ(view.about("transient.persistence", {SubjectKind::kHost, "h"}).size(), 2U);
  EXPECT_EQ(view.newest().size(), 7U);
}

TEST(View, DecommissionedIsGoneUnlessItIsSeenAgainOrDeclared) {
  const FactValues reason = {{"reason", std::string("moved to the other site")}};
  Fact record = scene_record("decommission", reason, kCorpus);
  record.at = Time{kSceneTime.unix_ms - 500};
  const Fact before = seen("a/1", Time{kSceneTime.unix_ms - 1000}, "no");
  const Fact after = seen("a/1", Time{kSceneTime.unix_ms - 100}, "no");
  Estate estate;
  const auto known = [&](std::vector<Fact> facts) {
    const View view(estate, facts, kSceneTime);
    return view.all("storage.encryption").size();
  };
  EXPECT_EQ(known({before}), 1U);
  EXPECT_EQ(known({before, record}), 0U);
  EXPECT_EQ(known({after, record}), 1U);
  Fact old = record;
  old.valid_until = Time{kSceneTime.unix_ms - 1};  // once gone, it stays gone
  EXPECT_EQ(known({before, old}), 0U);
  Fact alone = record;
  alone.values["approver"] = *alone.text("owner");
  EXPECT_EQ(known({before, alone}), 1U);
  Fact unreasoned = record;
  unreasoned.values.erase("reason");
  EXPECT_EQ(known({before, unreasoned}), 1U);
  Fact measured = record;  // a machine doesn't decide that
  measured.method = Method::kTest;
  EXPECT_EQ(known({before, measured}), 1U);
  estate.locations.push_back(scene_location("corpus"));
  EXPECT_EQ(known({before, record}), 1U);
}

TEST(View, WhatPeopleSayAndSimulationsShowIsNotSeen) {
  std::vector<Fact> facts = {scene_record("review", {}), scene_drill("RT-A10"), scene_drill("RT-K01")};
  facts[1].simulated = true;
  const Estate estate;
  const View view(estate, facts, kSceneTime);
  std::vector<std::string> ids;
  EXPECT_FALSE(view.seen(ids));
  for (const Fact* fact : {view.all("record")[0], view.all("drill")[0], view.all("drill")[1]}) {
    if (fact->simulated || fact->kind == "record") ids.push_back(view.id_of(*fact));
  }
  EXPECT_EQ(ids.size(), 2U);
  EXPECT_FALSE(view.seen(ids));
  for (const Fact* fact : view.all("drill")) ids.push_back(view.id_of(*fact));
  EXPECT_TRUE(view.seen(ids));
}

TEST(View, SubjectsOfTheInventory) {
  Estate estate;
  estate.locations.push_back(scene_location("corpus"));
  estate.workloads.push_back(scene_workload("trainer"));
  const Subject edge = scene_edge(estate, "trainer", "store", 8443);
  estate.graph.edges.push_back(estate.graph.edges[0]);
  estate.graph.edges.back().transport = probe::path::Transport::kRdma;
  estate.graph.edges.back().port = estate.graph.edges.back().port_last = 0;
  estate.graph.edges.push_back(estate.graph.edges[0]);
  estate.graph.edges.back().port_last = 8450;
  EXPECT_EQ(edge.text(), "edge:trainer>store/tcp/8443");
  const std::vector<Fact> facts = {scene_fact("model.signature", {SubjectKind::kModel, "m"}, {}),
                                   scene_fact("key.posture", {SubjectKind::kKey, "arn:k"}, {}),
                                   scene_fact("storage.encryption", kCorpus, {})};
  const View view(estate, facts, kSceneTime);
  std::vector<std::string> texts;
  for (const Subject& subject : known_subjects(view)) texts.push_back(subject.text());
  EXPECT_EQ(texts,
            (std::vector<std::string>{"location:corpus", "key:arn:k", "workload:trainer", "edge:trainer>store/rdma",
                                      "edge:trainer>store/tcp/8443", "edge:trainer>store/tcp/8443-8450"}));
  EXPECT_TRUE(is_fabric(estate.graph.edges[1]));
  EXPECT_FALSE(is_fabric(estate.graph.edges[0]));
}

}  // namespace
}  // namespace cloister::posture
