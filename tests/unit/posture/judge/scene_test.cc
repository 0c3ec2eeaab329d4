// Runs every case, and what must hold for all of them: no judge passes what no valid fact proves.
#include "tests/unit/posture/judge/scene.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "posture/subjects.h"

namespace cloister::posture {

Fact& Scene::fact(std::string_view kind, std::string_view which) {
  const auto found = std::ranges::find_if(facts, [&](const Fact& fact) {
    if (fact.kind != kind) return false;
    const std::string* name = which.empty() ? nullptr : fact.text(kind);
    return which.empty() || (name != nullptr && *name == which);
  });
  CLOISTER_CHECK(found != facts.end());
  return *found;
}

void Scene::drop(std::string_view kind) {
  std::erase_if(facts, [&](const Fact& fact) { return fact.kind == kind; });
}

Fact scene_fact(std::string kind, Subject subject, FactValues values) {
  Fact fact;
  fact.method = kind == "record" ? Method::kRecord : Method::kTest;
  fact.kind = std::move(kind);
  fact.subject = std::move(subject);
  fact.collector = "scene/1";
  fact.scope = "a test";
  fact.at = Time{kSceneTime.unix_ms - minutes(30).ms};
  fact.valid_until = kSceneTime + hours(1);
  fact.values = std::move(values);
  return fact;
}

Fact scene_drill(std::string drill, FactValues values) {
  values.insert({{"drill", std::move(drill)},
                 {"outcome", std::string("defended")},
                 {"cases", std::int64_t{3}},
                 {"refused", std::int64_t{3}},
                 {"alerts_seen", true}});
  return scene_fact("drill", {}, std::move(values));
}

Fact scene_record(std::string record, FactValues values, Subject subject) {
  values.insert({{"record", std::move(record)},
                 {"owner", std::string("ana@example.org")},
                 {"approver", std::string("bo@example.org")},
                 {"date", to_rfc3339(Time{kSceneTime.unix_ms - days(1).ms})}});
  return scene_fact("record", std::move(subject), std::move(values));
}

Label scene_label() { return {"ana@example.org", "production", "acme", Sensitivity::kRegulated}; }

Location scene_location(std::string name) {
  Location location;
  location.name = std::move(name);
  location.address = "file:/srv/" + location.name;
  location.label = scene_label();
  return location;
}

Workload scene_workload(std::string name) {
  Workload workload;
  workload.name = std::move(name);
  workload.label = scene_label();
  return workload;
}

Endpoint scene_endpoint(std::string name) {
  Endpoint endpoint;
  endpoint.name = std::move(name);
  endpoint.address = endpoint.name + ":443";
  endpoint.label = scene_label();
  return endpoint;
}

DeclaredKey scene_key(std::string name) {
  DeclaredKey key;
  key.name = std::move(name);
  key.key_class = "kek";
  key.label = scene_label();
  return key;
}

Subject scene_edge(Estate& estate, std::string from, std::string to, std::uint16_t port) {
  auto& graph = estate.graph;
  const auto position = [&](const std::string& name) {
    const auto found = std::ranges::find(graph.components, name, &probe::path::Component::name);
    if (found != graph.components.end()) return static_cast<std::size_t>(found - graph.components.begin());
    graph.components.emplace_back().name = name;
    return graph.components.size() - 1;
  };
  probe::path::Edge edge;
  edge.from = position(from);
  edge.to = position(to);
  edge.port = edge.port_last = port;
  graph.edges.push_back(edge);
  return edge_subject(graph, edge);
}

SceneChange set_value(std::string what, Status want, std::string kind, std::string name, FactValue value) {
  return {std::move(what), want,
          [kind = std::move(kind), name = std::move(name), value = std::move(value)](Scene& scene) {
            scene.fact(kind).values[name] = value;
          }};
}

namespace {

std::vector<SceneCase> all_cases() {
  std::vector<SceneCase> all;
  for (std::vector<SceneCase> (*of_prefix)() :
       {inventory_cases, endpoint_cases, edge_cases, detection_cases, governance_cases, audit_cases, redteam_cases,
        storage_cases, key_cases, tenancy_cases, model_cases, use_cases}) {
    for (SceneCase& one : of_prefix()) all.push_back(std::move(one));
  }
  return all;
}

ControlAssessment judged(const Scene& scene, const std::string& control, Time now = kSceneTime) {
  Catalogue alone;  // the others' judges would only take time
  alone.controls = {*built_in_catalogue().find(control)};
  return assess(alone, scene.estate, scene.facts, {}, now).controls.front();
}

std::string told(const ControlAssessment& control) {
  std::string out = control.control + " is " + std::string(name_of(control.status));
  for (const SubjectVerdict& verdict : control.subjects)
    out += "\n  " + verdict.subject.text() + " " + std::string(name_of(verdict.status)) + ": " + verdict.reason;
  return out;
}

TEST(JudgesOfScenes, PassFailAndNotAssessed) {
  for (const SceneCase& one : all_cases()) {
    const ControlAssessment good = judged(one.good, one.control);
    EXPECT_EQ(good.status, Status::kPass) << told(good);
    for (const SubjectVerdict& verdict : good.subjects) {
      EXPECT_FALSE(verdict.evidence.empty()) << told(good);
      EXPECT_TRUE(verdict.remediation.empty()) << told(good);
    }
    for (const SceneChange& change : one.changes) {
      Scene scene = one.good;
      change.change(scene);
      const ControlAssessment got = judged(scene, one.control);
      EXPECT_EQ(got.status, change.want) << change.what << ": " << told(got);
    }
  }
}

TEST(JudgesOfScenes, FailuresSayWhyAndWhatToDo) {
  for (const SceneCase& one : all_cases()) {
    for (const SceneChange& change : one.changes) {
      Scene scene = one.good;
      change.change(scene);
      for (const SubjectVerdict& verdict : judged(scene, one.control).subjects) {
        EXPECT_FALSE(verdict.reason.empty()) << one.control << " " << change.what;
        if (verdict.status == Status::kFail) {
          EXPECT_FALSE(verdict.remediation.empty()) << one.control << " " << change.what << ": " << verdict.reason;
          EXPECT_FALSE(verdict.evidence.empty()) << one.control << " " << change.what << ": " << verdict.reason;
        }
      }
    }
  }
}

// Takes one fact after the other, and does that to it: then nothing passes.
void nothing_passes_when(std::string_view what, const std::function<void(Scene&, std::size_t)>& spoil) {
  for (const SceneCase& one : all_cases()) {
    for (std::size_t i = 0; i < one.good.facts.size(); ++i) {
      Scene scene = one.good;
      spoil(scene, i);
      const ControlAssessment got = judged(scene, one.control);
      EXPECT_EQ(got.status, Status::kNotAssessed) << what << " " << one.good.facts[i].kind << ": " << told(got);
    }
  }
}

TEST(JudgesOfScenes, MissingFactIsNotAssessed) {
  nothing_passes_when("without", [](Scene& scene, std::size_t i) {
    scene.facts.erase(scene.facts.begin() + static_cast<std::ptrdiff_t>(i));
  });
}

TEST(JudgesOfScenes, FactThatCouldNotLookIsNotAssessed) {
  nothing_passes_when("blind", [](Scene& scene, std::size_t i) {
    scene.facts[i].values.clear();
    scene.facts[i].not_assessed = "permission denied";
  });
}

TEST(JudgesOfScenes, ExpiredFactIsNotAssessed) {
  nothing_passes_when("expired",
                      [](Scene& scene, std::size_t i) { scene.facts[i].valid_until = Time{kSceneTime.unix_ms - 1}; });
}

TEST(JudgesOfScenes, FactFromTheFutureIsNotAssessed) {
  nothing_passes_when("to come", [](Scene& scene, std::size_t i) { scene.facts[i].at = kSceneTime + seconds(1); });
}

TEST(JudgesOfScenes, SimulatedFactIsNotAssessed) {
  nothing_passes_when("simulated", [](Scene& scene, std::size_t i) { scene.facts[i].simulated = true; });
}

// A drill and a record stay what they are about: so does a run keep what an earlier one knew.
void hide(Fact& fact) {
  if (fact.kind == "drill") {
    fact.values["outcome"] = std::string("not_run");
  } else if (fact.kind == "record") {
    fact.values.erase("approver");
  } else {
    fact.values.clear();
    fact.not_assessed = "hidden";
  }
}

// Whatever is hidden of a bad state, it doesn't become a good one.
TEST(JudgesOfScenes, HidingFactsNeverMakesAPass) {
  std::mt19937_64 random(0x41de);
  for (const SceneCase& one : all_cases()) {
    for (const SceneChange& change : one.changes) {
      if (change.want == Status::kPass) continue;
      Scene bad = one.good;
      change.change(bad);
      for (int i = 0; i < 12; ++i) {
        Scene hidden = bad;
        for (Fact& fact : hidden.facts) {
          if (random() % 3 == 0) hide(fact);
        }
        const ControlAssessment got = judged(hidden, one.control);
        EXPECT_NE(got.status, Status::kPass) << change.what << ": " << told(got);
      }
    }
  }
}

TEST(JudgesOfScenes, MissingValueNeverPasses) {
  for (const SceneCase& one : all_cases()) {
    for (std::size_t i = 0; i < one.good.facts.size(); ++i) {
      for (const auto& [name, value] : one.good.facts[i].values) {
        if (std::ranges::find(one.optional, name) != one.optional.end()) continue;
        Scene scene = one.good;
        scene.facts[i].values.erase(name);
        const ControlAssessment got = judged(scene, one.control);
        EXPECT_NE(got.status, Status::kPass) << "without " << name << ": " << told(got);
      }
    }
  }
}

TEST(JudgesOfScenes, ValueOfAnotherTypeNeverPasses) {
  for (const SceneCase& one : all_cases()) {
    for (std::size_t i = 0; i < one.good.facts.size(); ++i) {
      for (const auto& [name, value] : one.good.facts[i].values) {
        if (std::ranges::find(one.optional, name) != one.optional.end()) continue;
        Scene scene = one.good;
        const bool text = std::holds_alternative<std::string>(value);
        scene.facts[i].values[name] = text ? FactValue(std::vector<std::string>{"x"}) : FactValue(std::string("x"));
        const ControlAssessment got = judged(scene, one.control);
        EXPECT_NE(got.status, Status::kPass) << name << " of another type: " << told(got);
      }
    }
  }
}

TEST(JudgesOfScenes, NoFactsAtAllPassNothing) {
  for (const SceneCase& one : all_cases()) {
    Scene scene = one.good;
    scene.facts.clear();
    EXPECT_EQ(judged(scene, one.control).status, Status::kNotAssessed) << one.control;
    scene.estate = {};
    EXPECT_EQ(judged(scene, one.control).status, Status::kNotAssessed) << one.control;
  }
}

// For docs/controls.md: by which facts each control is passed, drills and records by their names.
TEST(JudgesOfScenes, FactsThatJudgeEachControlAreWrittenDown) {
  const char* build = std::getenv("BUILD_DIR");
  if (build == nullptr) GTEST_SKIP() << "no BUILD_DIR to write to";
  std::map<std::string, std::set<std::string>> facts;
  for (const SceneCase& one : all_cases()) {
    for (const Fact& fact : one.good.facts) {
      const bool named = fact.kind == "drill" || fact.kind == "record";
      facts[one.control].insert(named ? fact.kind + " " + *fact.text(fact.kind) : fact.kind);
    }
  }
  std::ofstream file(std::string(build) + "/posture-controls.json", std::ios::trunc);
  file << nlohmann::json(facts).dump(1) << "\n";
  ASSERT_TRUE(file.good());
}

// A control without a judge can't be passed, and one without cases isn't tested.
TEST(JudgesOfScenes, EveryControlHasAJudgeAndIsTestedForPassFailAndNotAssessed) {
  std::map<std::string, std::set<Status>> tested;
  for (const SceneCase& one : all_cases()) {
    tested[one.control].insert({Status::kPass, Status::kNotAssessed});
    for (const SceneChange& change : one.changes) tested[one.control].insert(change.want);
  }
  std::set<std::string_view> judged_controls;
  for (const JudgeOf& judge : judges()) EXPECT_TRUE(judged_controls.insert(judge.control).second) << judge.control;
  for (const Control& control : built_in_catalogue().controls) {
    EXPECT_TRUE(judged_controls.contains(control.id)) << control.id;
    for (const Status status : {Status::kPass, Status::kFail, Status::kNotAssessed})
      EXPECT_TRUE(tested[control.id].contains(status)) << control.id << " isn't tested for " << name_of(status);
  }
  for (const std::string_view control : judged_controls)
    EXPECT_NE(built_in_catalogue().find(control), nullptr) << control;
}

}  // namespace
}  // namespace cloister::posture
