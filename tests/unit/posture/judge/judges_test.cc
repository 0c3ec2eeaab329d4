// The lines of the tables as scenes, and the words that verdicts must have.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "tests/unit/posture/judge/cases.h"

namespace cloister::posture {

namespace {

// Values that facts of these kinds have and the control doesn't ask for.
constexpr std::string_view kOfKeys =
    "algorithm created cryptoperiod_days deletion_scheduled exportable key_class last_rotated manager origin "
    "policy_findings protection rotated_automatically rotation_automatic rotation_period_days state state_recorded "
    "tenants versions_retired wrapped_by";
constexpr std::string_view kOfStorage =
    "aead algorithm integrity key key_bits key_manager level objects objects_sampled sample_bound_permille";
constexpr std::string_view kOfScans = "bytes coverage_permille empty files";
constexpr std::string_view kOfDrills = "alerts_seen covers refused";
constexpr std::string_view kOfWorkloads = "advisories platform release reverified tcb_status";

struct NotAsked {
  std::string_view control;
  std::vector<std::string_view> values;
  std::string_view but = {};  // of those, what it does ask for
};

const std::vector<NotAsked>& not_asked() {
  static const std::vector<NotAsked> all = {
      {"REST-01", {kOfStorage, kOfScans}},
      {"REST-02", {kOfStorage, kOfScans}},
      {"REST-03", {kOfStorage, kOfScans}},
      {"REST-04", {kOfStorage, kOfScans}},
      {"REST-05", {kOfStorage, "where"}},
      {"REST-06",
       {kOfStorage, kOfScans, "deks_reused keyring_ids raw_keys slot_keys tenants"},
       "algorithm integrity key_bits level"},
      {"REST-07", {kOfScans, "encrypted_other sealed"}},
      {"KEY-01", {kOfKeys, "where"}, "exportable origin protection"},
      {"KEY-02",
       {kOfKeys, kOfScans, "aead algorithms deks_reused integrity key_bits objects raw_keys sample_bound_permille"},
       "manager state"},
      {"KEY-03", {kOfKeys, kOfScans, "algorithms"}, "manager state"},
      {"KEY-04", {kOfDrills}, "covers"},
      {"KEY-05", {kOfKeys}},
      {"KEY-06", {kOfKeys, kOfDrills}, "alerts_seen last_rotated rotation_automatic rotation_period_days"},
      {"KEY-07", {kOfDrills}, "covers"},
      {"KEY-08", {kOfDrills}},
      {"KEY-09", {kOfKeys, kOfDrills}, "state state_recorded"},
      {"KEY-11", {"covers"}},
      {"TEN-02", {"covers"}},
      {"TEN-03", {"alerts_seen covers methods"}},
      {"MOD-01", {"signer"}},
      {"MOD-02", {kOfDrills}},
      {"USE-01", {"computed justified reason"}},
      {"USE-02", {kOfWorkloads}},
      {"USE-03", {kOfDrills, "findings"}},
      {"USE-04", {kOfDrills, "break_glass unattested_paths"}},
      {"USE-05", {kOfDrills}},
      {"USE-06", {kOfWorkloads, kOfDrills}, "covers"},
      {"USE-07", {kOfWorkloads, kOfDrills}},
      {"USE-08", {kOfWorkloads, kOfDrills}, "covers"},
      {"USE-09", {kOfWorkloads}},
      {"USE-11", {kOfDrills, "assurance at debug platform release reverified"}},
  };
  return all;
}

std::set<std::string> words(std::string_view text) {
  std::set<std::string> out;
  std::istringstream in{std::string(text)};
  for (std::string word; in >> word;) out.insert(word);
  return out;
}

std::vector<SceneCase> scenes(const std::vector<JudgeCase>& lines) {
  std::vector<SceneCase> out = scenes_of(lines);
  for (SceneCase& one : out) {
    const auto found = std::ranges::find(not_asked(), one.control, &NotAsked::control);
    if (found == not_asked().end()) continue;
    std::set<std::string> values;
    for (const std::string_view of : found->values) values.merge(words(of));
    for (const std::string& asked : words(found->but)) values.erase(asked);
    one.optional.assign(values.begin(), values.end());
  }
  return out;
}

}  // namespace

std::vector<SceneCase> storage_cases() { return scenes(storage_lines()); }
std::vector<SceneCase> key_cases() { return scenes(key_lines()); }
std::vector<SceneCase> tenancy_cases() { return scenes(tenancy_lines()); }
std::vector<SceneCase> model_cases() { return scenes(model_lines()); }
std::vector<SceneCase> use_cases() { return scenes(use_lines()); }

namespace {

std::string told(const ControlAssessment& control) {
  std::string out = control.reason;
  for (const SubjectVerdict& one : control.subjects) {
    out += "\n  " + one.subject.text() + " " + std::string(name_of(one.status)) + ": " + one.reason + " | " +
           one.remediation;
  }
  return out;
}

TEST(Judges, SayWhatWasSeenAndWhatToDo) {
  for (const auto lines : {storage_lines, key_lines, tenancy_lines, model_lines, use_lines}) {
    for (const JudgeCase& one : lines()) {
      if (one.says.empty()) continue;
      const Assessment assessment = assess(built_in_catalogue(), one.estate, one.facts, {}, kNow);
      const std::string text = told(*assessment.find(one.control));
      EXPECT_NE(text.find(one.says), std::string::npos) << one.control << " " << one.name << ": " << text;
    }
  }
}

}  // namespace
}  // namespace cloister::posture
