// TEN-01 to TEN-03 in situations.
#include "tests/unit/posture/judge/cases.h"

namespace cloister::posture {
namespace {

using enum Status;

Fact separation_of(std::int64_t per_dek, std::int64_t per_kek) {
  return fact_of("tenant.separation", {},
                 {{"tenants_per_dek_max", number(per_dek)}, {"tenants_per_kek_max", number(per_kek)}});
}

void add_separation(std::vector<JudgeCase>& out) {
  const std::string control = "TEN-01";
  const Estate estate = estate_with("corpus", "file:/c", DataKind::kTrainingData);
  const JudgeCase pass{control, "AKekEach", kPass, estate, {separation_of(1, 1)}};
  out.push_back(whole(pass));
  out.push_back({control, "SharedDek", kFail, estate, {separation_of(2, 1)}, "cloister tenant create"});
  out.push_back({control, "SharedKek", kFail, estate, {separation_of(1, 3)}});
  const Fact per_environment = with(separation_of(1, 3), "per_environment", truth(true));
  out.push_back({control, "OneKekForAnEnvironment", kPass, estate, {per_environment, drill_of("RT-K12")}});
  out.push_back({control, "AndNobodyTriedToCross", kNotAssessed, estate, {per_environment}});
  out.push_back({control, "NoTenantsCounted", kNotAssessed, estate, {separation_of(0, 0)}});
  out.push_back({control, "ObjectsOfItsTenant", kPass, estate, {separation_of(1, 1), seals_of("corpus")}});
  out.push_back({control,
                 "ObjectsOfAnotherTenant",
                 kFail,
                 estate,
                 {separation_of(1, 1), with(seals_of("corpus"), "tenants", list({"acme", "umbrella"}))},
                 "umbrella"});
  out.push_back({control,
                 "ANameThatOnlyBeginsAlike",
                 kFail,
                 estate,
                 {separation_of(1, 1), with(seals_of("corpus"), "tenants", list({"acmecorp"}))}});
  out.push_back({control,
                 "ItsEnvironment",
                 kPass,
                 estate,
                 {separation_of(1, 1), with(seals_of("corpus"), "tenants", list({"acme/production"}))}});
}

void add_crossing(std::vector<JudgeCase>& out) {
  const std::string control = "TEN-02";
  const Fact drill = drill_of("RT-K12");
  const JudgeCase pass{control, "EveryCrossingRefused", kPass, {}, {drill}};
  out.push_back(whole(pass));
  out.push_back({control, "OneCrossed", kFail, {}, {with(drill, "refused", number(2))}, "1 of 3"});
  out.push_back({control, "Failed", kFail, {}, {with(drill, "outcome", text("failed"))}});
  out.push_back({control, "NobodyWasTold", kFail, {}, {with(drill, "alerts_seen", truth(false))}});
  out.push_back({control, "TicketsCross", kFail, {}, {drill, with(drill_of("RT-T08"), "outcome", text("failed"))}});
  out.push_back({control, "NotCounted", kNotAssessed, {}, {without(drill, "refused")}});
  out.push_back({control, "UnknownOutcome", kNotAssessed, {}, {with(drill, "outcome", text("fine"))}});
}

void add_identity(std::vector<JudgeCase>& out) {
  const std::string control = "TEN-03";
  const Fact known = fact_of("key.authentication", {},
                             {{"methods", list({"mtls-svid"})},
                              {"static_credentials", number(0)},
                              {"ttl_minutes_max", number(60)},
                              {"ttl_minutes_policy", number(60)},
                              {"tenant_bound", truth(true)}});
  const Fact replay = drill_of("identity-replay");
  const JudgeCase pass{control, "ShortLivedIdentities", kPass, {}, {known, replay}};
  out.push_back(whole(pass));
  out.push_back({control, "AccessKeys", kFail, {}, {with(known, "static_credentials", number(2)), replay}});
  out.push_back({control, "TenantFromTheRequest", kFail, {}, {with(known, "tenant_bound", truth(false)), replay}});
  out.push_back({control, "LongLived", kFail, {}, {with(known, "ttl_minutes_max", number(1440)), replay}});
  out.push_back({control, "ReplayWorks", kFail, {}, {known, with(replay, "outcome", text("failed"))}});
  out.push_back(
      {control, "RevocationLate", kFail, {}, {known, replay, with(drill_of("RT-K15"), "outcome", text("failed"))}});
  out.push_back({control, "LifeNotKnown", kNotAssessed, {}, {without(known, "ttl_minutes_max"), replay}});
}

}  // namespace

std::vector<JudgeCase> tenancy_lines() {
  std::vector<JudgeCase> out;
  add_separation(out);
  add_crossing(out);
  add_identity(out);
  return out;
}

}  // namespace cloister::posture
