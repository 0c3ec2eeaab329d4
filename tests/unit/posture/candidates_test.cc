// The rule of audit 3 over labels and use, the pilot it proposes, and the decisions that people make.
#include "posture/candidates.h"

#include <gtest/gtest.h>

namespace cloister::posture {
namespace {

constexpr Time kNow{1'790'000'000'000};

Workload workload(std::string name, std::optional<Sensitivity> sensitivity) {
  Workload out;
  out.name = std::move(name);
  out.use = WorkloadUse::kInference;
  out.label.environment = "production";
  out.label.sensitivity = sensitivity;
  out.host_trusted = true;
  return out;
}

Fact attested(const std::string& name) {
  Fact fact;
  fact.kind = "attestation.workload";
  fact.subject = {SubjectKind::kWorkload, name};
  fact.collector = "test/1";
  fact.at = kNow;
  fact.valid_until = kNow + hours(24);
  fact.values = {{"assurance", std::string("hardware")},
                 {"platform", std::string("intel-tdx")},
                 {"sound", true},
                 {"debug", false},
                 {"at", to_rfc3339(kNow)}};
  return fact;
}

std::string_view decision(const Estate& estate) {
  const View view(estate, {}, kNow);
  const Candidate one = candidate(view, estate.workloads.front());
  return one.computed ? name_of(*one.computed) : "none";
}

TEST(Candidates, DataDecides) {
  Estate estate;
  const auto of = [&](std::optional<Sensitivity> sensitivity) {
    estate.workloads = {workload("chat", sensitivity)};
    return decision(estate);
  };
  EXPECT_EQ(of(Sensitivity::kRegulated), "tee");
  EXPECT_EQ(of(Sensitivity::kThirdPartyIp), "tee");
  EXPECT_EQ(of(Sensitivity::kSensitiveBusiness), "later");
  EXPECT_EQ(of(Sensitivity::kInternal), "not_needed");
  EXPECT_EQ(of(Sensitivity::kPublic), "not_needed");
  EXPECT_EQ(of(std::nullopt), "none") << "what isn't labelled isn't harmless";
}

TEST(Candidates, MachinesOfOthersAndOtherPartiesRaiseIt) {
  Estate estate;
  estate.workloads = {workload("chat", Sensitivity::kSensitiveBusiness)};
  estate.workloads[0].host_trusted = false;
  EXPECT_EQ(decision(estate), "tee");
  estate.workloads[0].label.sensitivity = Sensitivity::kInternal;
  EXPECT_EQ(decision(estate), "later");
  estate.workloads[0].several_parties = true;
  estate.workloads[0].use = WorkloadUse::kFederation;
  EXPECT_EQ(decision(estate), "tee");
  estate.workloads[0].label.sensitivity = Sensitivity::kPublic;
  EXPECT_EQ(decision(estate), "not_needed");
}

// Whose machines they are has to be said: what nobody said is no trust.
TEST(Candidates, MachinesAreNotTrustedUnlessTheEstateSaysSo) {
  Estate estate;
  estate.workloads = {workload("chat", Sensitivity::kSensitiveBusiness)};
  estate.workloads[0].host_trusted = Workload().host_trusted;
  EXPECT_EQ(decision(estate), "tee");
}

TEST(Candidates, WhatItReadsCountsToo) {
  Estate estate;
  Location claims;
  claims.name = "claims";
  claims.label.sensitivity = Sensitivity::kRegulated;
  estate.locations.push_back(claims);
  estate.workloads = {workload("chat", Sensitivity::kInternal)};
  estate.workloads[0].reads = {"claims", "nowhere"};
  EXPECT_EQ(decision(estate), "tee");
}

TEST(Candidates, MostUrgentFirstAndStagingLeftOut) {
  Estate estate;
  estate.workloads = {workload("a-public", Sensitivity::kPublic), workload("b-attested", Sensitivity::kRegulated),
                      workload("c-bare", Sensitivity::kThirdPartyIp), workload("d-unlabelled", std::nullopt),
                      workload("e-staging", Sensitivity::kRegulated)};
  estate.workloads[4].label.environment = "staging";
  const std::vector<Fact> facts = {attested("b-attested")};
  const View view(estate, facts, kNow);
  const std::vector<Candidate> found = candidates(view);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].workload, "c-bare");
  EXPECT_FALSE(found[0].is_attested());
  EXPECT_EQ(found[1].workload, "b-attested");
  EXPECT_TRUE(found[1].is_attested()) << found[1].attested;
  EXPECT_EQ(found[2].workload, "d-unlabelled");
  EXPECT_EQ(found[3].workload, "a-public");
}

TEST(Candidates, PilotIsTheEasiestThatNeedsIt) {
  Estate estate;
  estate.workloads = {workload("federated", Sensitivity::kRegulated),
                      workload("chat; rm -rf /", Sensitivity::kRegulated), workload("tiny", Sensitivity::kPublic)};
  estate.workloads[0].several_parties = true;
  estate.workloads[1].accelerator = true;
  const View view(estate, {}, kNow);
  const auto plan = pilot_plan(view, candidates(view));
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->workload, "chat; rm -rf /");
  EXPECT_GE(plan->steps.size(), 8U);
  EXPECT_FALSE(plan->done_when.empty());
}

TEST(Candidates, NoPilotWhereNothingNeedsOne) {
  Estate estate;
  estate.workloads = {workload("tiny", Sensitivity::kPublic), workload("done", Sensitivity::kRegulated)};
  const std::vector<Fact> facts = {attested("done")};
  const View view(estate, facts, kNow);
  EXPECT_FALSE(pilot_plan(view, candidates(view)).has_value());
}

TEST(Candidates, SoftwareTeeAttestsNothing) {
  Estate estate;
  estate.workloads = {workload("chat", Sensitivity::kRegulated)};
  Fact fact = attested("chat");
  fact.values["assurance"] = std::string("insecure_software");
  const std::vector<Fact> claimed = {fact};
  EXPECT_FALSE(candidate(View(estate, claimed, kNow), estate.workloads[0]).is_attested());
  fact.values["assurance"] = std::string("hardware");
  fact.simulated = true;
  const std::vector<Fact> labelled = {fact};
  EXPECT_FALSE(candidate(View(estate, labelled, kNow), estate.workloads[0]).is_attested());
}

TEST(Candidates, DecisionsNeedTwoPeopleAndAReasonToDiffer) {
  Estate estate;
  estate.workloads = {workload("chat", Sensitivity::kRegulated), workload("blank", std::nullopt)};
  const View view(estate, {}, kNow);
  const Candidate chat = candidate(view, estate.workloads[0]);
  const auto made = assessment_fact(chat, {TeeDecision::kTee, "ada", "grace", ""}, "test/1", kNow);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(*made->text("computed"), "tee");
  EXPECT_EQ(made->method, Method::kRecord);
  EXPECT_TRUE(parse_fact(fact_json(*made)).ok());
  EXPECT_TRUE(assessment_fact(chat, {TeeDecision::kLater, "ada", "grace", "no hardware yet"}, "t/1", kNow).ok());
  EXPECT_FALSE(assessment_fact(chat, {TeeDecision::kLater, "ada", "grace", ""}, "t/1", kNow).ok());
  EXPECT_FALSE(assessment_fact(chat, {TeeDecision::kTee, "ada", "ada", ""}, "t/1", kNow).ok());
  EXPECT_FALSE(assessment_fact(chat, {TeeDecision::kTee, "ada", " Ada", ""}, "t/1", kNow).ok());
  EXPECT_FALSE(assessment_fact(chat, {TeeDecision::kTee, "ada", " ", ""}, "t/1", kNow).ok());
  EXPECT_FALSE(assessment_fact(chat, {TeeDecision::kTee, "", "grace", ""}, "t/1", kNow).ok());
  const Candidate blank = candidate(view, estate.workloads[1]);
  EXPECT_FALSE(assessment_fact(blank, {TeeDecision::kNotNeeded, "ada", "grace", "x"}, "t/1", kNow).ok());
}

TEST(Candidates, WordsAndBack) {
  for (const TeeDecision one : {TeeDecision::kTee, TeeDecision::kLater, TeeDecision::kNotNeeded}) {
    EXPECT_EQ(parse_tee_decision(name_of(one)), one);
  }
  EXPECT_FALSE(parse_tee_decision("maybe").has_value());
}

}  // namespace
}  // namespace cloister::posture
