// Controls judged in situations, as lines of a table; scene_test.cc runs them with those of the other prefixes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "posture/view.h"
#include "tests/unit/posture/judge/scene.h"

namespace cloister::posture {

inline constexpr Time kNow = kSceneTime;

struct JudgeCase {
  std::string control;
  std::string name;  // what goes right or wrong: "PlatformDefaultKey"
  Status expected = Status::kNotAssessed;
  Estate estate;
  std::vector<Fact> facts;
  std::string says = {};  // that some verdict's reason or remediation holds; empty: anything
  bool whole = false;     // it passes, and every one of its facts is needed for that
};

std::vector<JudgeCase> storage_lines();
std::vector<JudgeCase> key_lines();
std::vector<JudgeCase> tenancy_lines();
std::vector<JudgeCase> model_lines();
std::vector<JudgeCase> use_lines();

inline JudgeCase whole(JudgeCase one) {
  one.whole = true;
  return one;
}

// A fact of now, by examination, good for a day.
inline Fact fact_of(std::string kind, Subject subject, FactValues values) {
  Fact fact;
  fact.kind = std::move(kind);
  fact.subject = std::move(subject);
  fact.collector = "test/1";
  fact.scope = "all of it";
  fact.at = kNow;
  fact.valid_until = kNow + hours(24);
  fact.values = std::move(values);
  return fact;
}
inline Fact expired(Fact fact) {
  fact.at = Time{kNow.unix_ms - days(400).ms};
  fact.valid_until = Time{kNow.unix_ms - 1};
  return fact;
}
inline Fact simulated(Fact fact) {
  fact.simulated = true;
  return fact;
}
inline Fact unseen(Fact fact) {
  fact.values.clear();
  fact.not_assessed = "permission denied";
  return fact;
}
inline Fact with(Fact fact, std::string name, FactValue value) {
  fact.values[std::move(name)] = std::move(value);
  return fact;
}
inline Fact without(Fact fact, std::string_view name) {
  fact.values.erase(fact.values.find(name));
  return fact;
}
// Literals are neither truths nor other numbers.
inline FactValue text(std::string value) { return FactValue(std::move(value)); }
inline FactValue number(std::int64_t value) { return FactValue(value); }
inline FactValue list(std::vector<std::string> value) { return FactValue(std::move(value)); }
inline FactValue truth(bool value) { return FactValue(value); }

// Facts and parts of estates that many cases have.
Estate estate_with(std::string name, std::string address, DataKind kind);
Subject at(std::string location);
Subject object_at(std::string object);
Subject of_key(std::string key);
Subject of_workload(std::string workload);
Fact scan_of(std::string location);                                      // ten files, all sealed
Fact seals_of(std::string location);                                     // by keyring 00…01 of acme
Fact drill_of(std::string drill, std::vector<std::string> covers = {});  // three cases, all refused, somebody told
Fact record_of(std::string record, Subject subject = {});
Fact posture_of(std::string key, std::string key_class);  // a provider's, enabled, the operator's
// Keyring 00…01, its KEK and the root they are under.
std::vector<Fact> home_keys();
inline const std::string kRing = "00000000000000000000000000000001";

// Each case that is whole is a scene to be spoiled in every way; all others of a control are changes of its first.
std::vector<SceneCase> scenes_of(const std::vector<JudgeCase>& cases);

}  // namespace cloister::posture
