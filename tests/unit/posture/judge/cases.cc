// Facts that many cases of judges have.
#include "tests/unit/posture/judge/cases.h"

#include <map>

namespace cloister::posture {

Subject at(std::string location) { return {SubjectKind::kLocation, std::move(location)}; }
Subject object_at(std::string object) { return {SubjectKind::kObject, std::move(object)}; }
Subject of_key(std::string key) { return {SubjectKind::kKey, std::move(key)}; }
Subject of_workload(std::string workload) { return {SubjectKind::kWorkload, std::move(workload)}; }

Estate estate_with(std::string name, std::string address, DataKind kind) {
  Estate estate;
  Location location;
  location.name = std::move(name);
  location.address = std::move(address);
  location.kind = kind;
  location.label = {"data team", "production", "acme", Sensitivity::kInternal};
  estate.locations.push_back(std::move(location));
  return estate;
}

Fact scan_of(std::string location) {
  return fact_of("content.scan", at(std::move(location)),
                 {{"files", number(10)},
                  {"bytes", number(1'000'000)},
                  {"sealed", number(10)},
                  {"encrypted_other", number(0)},
                  {"plaintext", number(0)},
                  {"plaintext_unknown_type", number(0)},
                  {"compressed", number(0)},
                  {"high_entropy_unknown", number(0)},
                  {"empty", number(0)},
                  {"unreadable", number(0)},
                  {"skipped", number(0)},
                  {"complete", truth(true)},
                  {"canaries_right", truth(true)},
                  {"coverage_permille", number(1000)}});
}

Fact seals_of(std::string location) {
  return fact_of("seal.location", at(std::move(location)),
                 {{"objects", number(10)},
                  {"algorithms", list({"aes-256-gcm"})},
                  {"tenants", list({"acme"})},
                  {"keyring_ids", list({kRing})},
                  {"slot_keys", list({kRing + "/2"})},
                  {"deks_reused", number(0)},
                  {"raw_keys", number(0)}});
}

Fact drill_of(std::string drill, std::vector<std::string> covers) {
  return fact_of("drill", {},
                 {{"drill", text(std::move(drill))},
                  {"outcome", text("defended")},
                  {"cases", number(3)},
                  {"refused", number(3)},
                  {"alerts_seen", truth(true)},
                  {"covers", list(std::move(covers))}});
}

Fact record_of(std::string record, Subject subject) {
  Fact fact = fact_of("record", std::move(subject),
                      {{"record", text(std::move(record))},
                       {"owner", text("ada")},
                       {"approver", text("grace")},
                       {"date", text(to_rfc3339(Time{kNow.unix_ms - days(10).ms}))},
                       {"covers", list({"root", "kek", "dataset"})}});
  fact.method = Method::kRecord;
  return fact;
}

Fact posture_of(std::string key, std::string key_class) {
  return fact_of("key.posture", of_key(std::move(key)),
                 {{"manager", text("operator")},
                  {"origin", text("provider")},
                  {"protection", text("hsm")},
                  {"state", text("enabled")},
                  {"state_recorded", text("enabled")},
                  {"exportable", truth(false)},
                  {"rotation_automatic", truth(true)},
                  {"rotation_period_days", number(90)},
                  {"created", text(to_rfc3339(Time{kNow.unix_ms - days(100).ms}))},
                  {"last_rotated", text(to_rfc3339(Time{kNow.unix_ms - days(10).ms}))},
                  {"deletion_scheduled", truth(false)},
                  {"key_class", text(std::move(key_class))},
                  {"policy_findings", list({})}});
}

std::vector<Fact> home_keys() {
  Fact ring = with(posture_of("cloister:keyring:" + kRing, "dataset"), "wrapped_by", text("cloister:aa"));
  Fact kek = with(posture_of("cloister:aa", "kek"), "wrapped_by", text("arn:aws:kms:eu-west-1:111122223333:key/k"));
  for (Fact* fact : {&ring, &kek}) {
    fact->values["origin"] = text("software");
    fact->values["protection"] = text("software");
  }
  ring.values["versions_retired"] = list({"1"});
  return {ring, kek, posture_of("arn:aws:kms:eu-west-1:111122223333:key/k", "root")};
}

std::vector<SceneCase> scenes_of(const std::vector<JudgeCase>& cases) {
  std::vector<SceneCase> out;
  std::map<std::string, std::size_t> first;
  for (const JudgeCase& one : cases) {
    if (!one.whole) continue;
    first.try_emplace(one.control, out.size());
    out.push_back({one.control, {one.estate, one.facts}, {}, {}});
  }
  for (const JudgeCase& one : cases) {
    if (one.whole) continue;
    const auto change = [estate = one.estate, facts = one.facts](Scene& scene) {
      scene.estate = estate;
      scene.facts = facts;
    };
    out[first.at(one.control)].changes.push_back({one.name, one.expected, change});
  }
  return out;
}

}  // namespace cloister::posture
