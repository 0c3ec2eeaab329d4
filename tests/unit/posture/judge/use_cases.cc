// USE-01 to USE-11 in situations.
#include "posture/candidates.h"
#include "tests/unit/posture/judge/cases.h"

namespace cloister::posture {
namespace {

using enum Status;

Estate with_workload(WorkloadUse use, std::optional<Sensitivity> sensitivity, bool accelerator = false) {
  Estate estate;
  Workload workload;
  workload.name = "job";
  workload.use = use;
  workload.label = {"team", "production", "acme", sensitivity};
  workload.accelerator = accelerator;
  estate.workloads.push_back(std::move(workload));
  return estate;
}

Estate regulated(WorkloadUse use) { return with_workload(use, Sensitivity::kRegulated); }

Fact attested() {
  return fact_of("attestation.workload", of_workload("job"),
                 {{"platform", text("intel-tdx")},
                  {"assurance", text("hardware")},
                  {"sound", truth(true)},
                  {"debug", truth(false)},
                  {"release", text("00ff")},
                  {"at", text(to_rfc3339(Time{kNow.unix_ms - hours(2).ms}))},
                  {"tcb_status", text("up-to-date")},
                  {"advisories", list({})},
                  {"reverified", truth(true)}});
}
Fact by_software() { return simulated(with(attested(), "assurance", text("insecure_software"))); }

Fact decided(TeeDecision computed, TeeDecision decision, const std::string& reason = {}) {
  Fact fact = fact_of("assessment.workload", of_workload("job"),
                      {{"decision", text(std::string(name_of(decision)))},
                       {"computed", text(std::string(name_of(computed)))},
                       {"justified", truth(computed == decision || !reason.empty())},
                       {"reason", text(reason)},
                       {"decided_at", text(to_rfc3339(Time{kNow.unix_ms - days(30).ms}))},
                       {"owner", text("ada")},
                       {"approver", text("grace")}});
  fact.method = Method::kRecord;
  return fact;
}

void add_decisions(std::vector<JudgeCase>& out) {
  const std::string control = "USE-01";
  using enum TeeDecision;
  const Estate estate = regulated(WorkloadUse::kInference);
  const JudgeCase pass{control, "AsTheRuleSays", kPass, estate, {decided(kTee, kTee)}};
  out.push_back(whole(pass));
  out.push_back({control, "OverriddenWithReason", kPass, estate, {decided(kTee, kLater, "hardware comes in March")}});
  for (const char* name : {"TooOld", "NotSeen", "Missing"}) {
    JudgeCase one{control, name, kNotAssessed, estate, pass.facts};
    if (one.name == "TooOld") one.facts[0] = expired(one.facts[0]);
    if (one.name == "NotSeen") one.facts[0] = unseen(one.facts[0]);
    if (one.name == "Missing") one.facts.clear();
    out.push_back(std::move(one));
  }
  out.push_back({control, "Simulated", kNotAssessed, estate, {simulated(pass.facts[0])}});
  out.push_back({control, "OverriddenWithout", kFail, estate, {decided(kTee, kNotNeeded)}});
  out.push_back({control, "ReasonWasForOtherData", kNotAssessed, estate, {decided(kLater, kNotNeeded, "small")}});
  out.push_back({control, "ApprovedByItsOwner", kNotAssessed, estate, {with(pass.facts[0], "approver", text("ada"))}});
  out.push_back(
      {control, "UnderAnotherSpelling", kNotAssessed, estate, {with(pass.facts[0], "approver", text("Ada "))}});
  out.push_back({control, "BlankApprover", kNotAssessed, estate, {with(pass.facts[0], "approver", text(" "))}});
  out.push_back(
      {control, "YearsOld", kNotAssessed, estate, {with(pass.facts[0], "decided_at", text("2020-01-01T00:00:00Z"))}});
  out.push_back(
      {control, "Unlabelled", kNotAssessed, with_workload(WorkloadUse::kInference, std::nullopt), pass.facts});
}

void add_attested(std::vector<JudgeCase>& out, const std::string& control) {
  const Estate estate = regulated(WorkloadUse::kTraining);
  const JudgeCase pass{control, "AttestedByHardware", kPass, estate, {attested()}};
  out.push_back(whole(pass));
  out.push_back({control, "SoftwareTeeNeverSatisfies", kNotAssessed, estate, {by_software()}, "simulation"});
  out.push_back({control,
                 "SoftwareTeeThatHidesIt",
                 kNotAssessed,
                 estate,
                 {with(attested(), "assurance", text("insecure_software"))}});
  out.push_back({control, "NoTee", kFail, estate, {with(attested(), "assurance", text("none"))}});
  out.push_back({control, "DebugMode", kFail, estate, {with(attested(), "debug", truth(true))}});
  out.push_back({control, "Unsound", kFail, estate, {with(attested(), "sound", truth(false))}});
  out.push_back({control,
                 "Yesterday",
                 kNotAssessed,
                 estate,
                 {with(attested(), "at", text(to_rfc3339(Time{kNow.unix_ms - hours(25).ms})))}});
  out.push_back(
      {control, "Tomorrow", kNotAssessed, estate, {with(attested(), "at", text(to_rfc3339(kNow + hours(1))))}});
  out.push_back(
      {control, "Unlabelled", kNotAssessed, with_workload(WorkloadUse::kTraining, std::nullopt), {attested()}});
  out.push_back({control,
                 "NothingSensitive",
                 kNotAssessed,
                 with_workload(WorkloadUse::kTraining, Sensitivity::kPublic),
                 {attested()},
                 "nothing"});
  Estate reads = with_workload(WorkloadUse::kTraining, Sensitivity::kInternal);
  reads.locations = estate_with("claims", "file:/c", DataKind::kTrainingData).locations;
  reads.locations[0].label.sensitivity = Sensitivity::kRegulated;
  reads.workloads[0].reads = {"claims"};
  out.push_back({control, "WhatItReadsCounts", kFail, reads, {with(attested(), "assurance", text("none"))}});
}

void add_drilled(std::vector<JudgeCase>& out, const std::string& control, const Estate& estate,
                 const std::vector<Fact>& good) {
  const JudgeCase pass{control, "AsItMustBe", kPass, estate, good};
  out.push_back(whole(pass));
  for (std::size_t i = 0; i < good.size(); ++i) {
    if (good[i].kind != "drill") continue;
    JudgeCase one{control, *good[i].text("drill") + "Failed", kFail, estate, good};
    one.facts[i].values["outcome"] = text("failed");
    out.push_back(one);
    if (good[i].list("covers")->empty()) continue;
    one.name = *good[i].text("drill") + "ShowsLess";
    one.expected = kNotAssessed;
    one.facts[i] = with(good[i], "covers", list({"canary"}));
    out.push_back(one);
  }
}

Fact policy_of() {
  return fact_of("attestation.policy", {},
                 {{"datasets", number(2)},
                  {"unattested_paths", number(0)},
                  {"break_glass", text("none")},
                  {"findings", list({})}});
}

void add_release(std::vector<JudgeCase>& out) {
  const std::vector<Fact> release = {policy_of(),
                                     drill_of("attested-release", {"positive", "no-evidence", "stale", "measurement",
                                                                   "debug", "tenant", "replay", "channel"}),
                                     drill_of("RT-A02"), drill_of("RT-A05"), drill_of("RT-A08")};
  add_drilled(out, "USE-03", {}, release);
  const auto policy_with = [&](const std::string& control, std::vector<Fact> facts, const std::string& name,
                               FactValue value, Status expected) {
    facts[0].values[name] = std::move(value);
    out.push_back({control, "Policy/" + name, expected, {}, std::move(facts)});
  };
  policy_with("USE-03", release, "unattested_paths", number(1), kFail);
  policy_with("USE-03", release, "break_glass", text("single"), kFail);
  policy_with("USE-03", release, "break_glass", text("?"), kNotAssessed);
  policy_with("USE-03", release, "datasets", number(0), kNotAssessed);

  const std::vector<Fact> vectors = {policy_of(), drill_of("negative-vectors", {"intel-tdx"}), drill_of("RT-A01"),
                                     drill_of("RT-A03"), drill_of("RT-A04")};
  const JudgeCase pass{"USE-04", "EveryVectorRefused", kPass, {}, vectors};
  out.push_back(whole(pass));
  policy_with("USE-04", vectors, "findings", list({"no-debug-claim"}), kFail);
  policy_with("USE-04", vectors, "datasets", number(0), kNotAssessed);
  JudgeCase other{"USE-04", "NoVectorsForThePlatformInUse", kNotAssessed, regulated(WorkloadUse::kTraining), vectors};
  other.facts.push_back(with(attested(), "platform", text("amd-sev-snp")));
  out.push_back(other);
  JudgeCase one_taken{"USE-04", "OneVectorTaken", kFail, {}, vectors};
  one_taken.facts[1].values["refused"] = number(2);
  out.push_back(one_taken);
}

void add_accelerators(std::vector<JudgeCase>& out) {
  const std::string control = "USE-05";
  const Estate estate = with_workload(WorkloadUse::kTraining, Sensitivity::kRegulated, true);
  const Fact mode =
      fact_of("accelerator.mode", of_workload("job"),
              {{"cc_on", truth(true)}, {"devtools", truth(false)}, {"bound", truth(true)}, {"rim_match", truth(true)}});
  const std::vector<Fact> good = {mode, drill_of("RT-A06"), drill_of("RT-A07")};
  add_drilled(out, control, estate, good);
  const auto wrong = [&](const std::string& name, bool value) {
    out.push_back({control, "Wrong/" + name, kFail, estate, {with(mode, name, truth(value)), good[1], good[2]}});
    out.push_back({control, "Unknown/" + name, kNotAssessed, estate, {without(mode, name), good[1], good[2]}});
  };
  wrong("cc_on", false);
  wrong("devtools", true);
  wrong("bound", false);
  wrong("rim_match", false);
}

void add_patterns(std::vector<JudgeCase>& out) {
  add_drilled(out, "USE-06", regulated(WorkloadUse::kTraining),
              {attested(), drill_of("confidential-training", {"canary", "outputs-sealed"})});
  add_drilled(out, "USE-07", regulated(WorkloadUse::kInference),
              {attested(), drill_of("confidential-inference", {"canary", "binding", "relay"}), drill_of("RT-A02")});
  add_drilled(out, "USE-08", regulated(WorkloadUse::kFederation),
              {attested(), drill_of("confidential-federation", {"canary", "measurement", "outputs"})});
  const Estate training = regulated(WorkloadUse::kTraining);
  using enum TeeDecision;
  out.push_back({"USE-06", "NobodyDecided", kNotAssessed, training, {}, "isn't on record"});
  out.push_back(
      {"USE-06", "DecidedAgainst", kNotAssessed, training, {decided(kTee, kLater, "no hardware")}, "nothing"});
  out.push_back({"USE-06", "WithoutReason", kNotAssessed, training, {decided(kTee, kNotNeeded)}, "isn't on record"});
  out.push_back({"USE-06",
                 "CanaryFoundInHostMemory",
                 kFail,
                 regulated(WorkloadUse::kTraining),
                 {attested(), drill_of("confidential-training", {"canary", "outputs-sealed"}),
                  with(drill_of("RT-A10"), "outcome", text("failed"))}});
}

void add_kept(std::vector<JudgeCase>& out) {
  const Fact releases = fact_of("attestation.releases", {},
                                {{"releases", number(5)},
                                 {"without_evidence", number(0)},
                                 {"reverified", number(5)},
                                 {"inconsistent", number(0)},
                                 {"retention_days", number(400)},
                                 {"log_valid", truth(true)}});
  const JudgeCase pass{"USE-10", "KeptAndTheSame", kPass, {}, {releases}};
  out.push_back(whole(pass));
  out.push_back({"USE-10", "ReleaseWithoutEvidence", kFail, {}, {with(releases, "without_evidence", number(1))}});
  out.push_back({"USE-10", "AnotherVerdict", kFail, {}, {with(releases, "inconsistent", number(1))}});
  out.push_back({"USE-10", "BrokenLog", kFail, {}, {with(releases, "log_valid", truth(false))}});
  out.push_back({"USE-10", "ForgottenTooSoon", kFail, {}, {with(releases, "retention_days", number(30))}});
  out.push_back({"USE-10", "NothingReleased", kNotAssessed, {}, {with(releases, "releases", number(0))}});
  out.push_back({"USE-10", "NothingVerifiedAgain", kNotAssessed, {}, {with(releases, "reverified", number(0))}});

  const Estate estate = regulated(WorkloadUse::kTraining);
  out.push_back({"USE-11", "NobodyDecided", kNotAssessed, estate, {}, "isn't on record"});
  const std::vector<Fact> watched = {attested(), record_of("advisory-watch"),
                                     record_of("site-exposure", {SubjectKind::kSite, "hall 1"}), drill_of("RT-A04")};
  const JudgeCase current{"USE-11", "UpToDate", kPass, estate, watched};
  out.push_back(whole(current));
  for (const char* status : {"out-of-date", "revoked", "configuration-needed"}) {
    JudgeCase one{"USE-11", status, kFail, estate, watched};
    one.facts[0].values["tcb_status"] = text(status);
    out.push_back(std::move(one));
  }
  JudgeCase advised{"USE-11", "Advisory", kFail, estate, watched, "INTEL-SA-1"};
  advised.facts[0].values["advisories"] = list({"INTEL-SA-1"});
  out.push_back(std::move(advised));
}

}  // namespace

std::vector<JudgeCase> use_lines() {
  std::vector<JudgeCase> out;
  add_decisions(out);
  add_attested(out, "USE-02");
  add_attested(out, "USE-09");
  add_release(out);
  add_accelerators(out);
  add_patterns(out);
  add_kept(out);
  return out;
}

}  // namespace cloister::posture
