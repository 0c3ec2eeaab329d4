// What tests of judges are made of: an estate and facts by which a control passes, and what is to be changed so that it
// fails or isn't assessed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "posture/assessment.h"

namespace cloister::posture {

inline constexpr Time kSceneTime{1'790'000'000'000};

struct Scene {
  Estate estate;
  std::vector<Fact> facts;

  // The first fact of that kind; of "drill" and "record" the first of that name.
  Fact& fact(std::string_view kind, std::string_view which = {});
  void drop(std::string_view kind);  // all facts of that kind
};

// A valid fact, half an hour old, made by a test unless it is a record.
Fact scene_fact(std::string kind, Subject subject, FactValues values);
Fact scene_drill(std::string drill, FactValues values = {});                     // defended, alerts seen
Fact scene_record(std::string record, FactValues values, Subject subject = {});  // complete, of a day ago

// "plain" location, workload and so on with all labels.
Location scene_location(std::string name);
Workload scene_workload(std::string name);
Endpoint scene_endpoint(std::string name);
DeclaredKey scene_key(std::string name);
// Declares both components and an edge for mutual TLS between them; returns its subject.
Subject scene_edge(Estate& estate, std::string from, std::string to, std::uint16_t port);

struct SceneChange {
  std::string what;  // what is wrong then: "AnswersInTheClear"
  Status want = Status::kFail;
  std::function<void(Scene&)> change;
};

struct SceneCase {
  std::string control;
  Scene good;  // passes
  std::vector<SceneChange> changes;
  // Values that a fact may lack, by name: without them it passes all the same.
  std::vector<std::string> optional;
};

// Sets a value of the first fact of that kind.
SceneChange set_value(std::string what, Status want, std::string kind, std::string name, FactValue value);

// One table of cases a prefix.
std::vector<SceneCase> inventory_cases();
std::vector<SceneCase> endpoint_cases();
std::vector<SceneCase> edge_cases();
std::vector<SceneCase> detection_cases();
std::vector<SceneCase> governance_cases();
std::vector<SceneCase> audit_cases();
std::vector<SceneCase> redteam_cases();
std::vector<SceneCase> storage_cases();
std::vector<SceneCase> key_cases();
std::vector<SceneCase> tenancy_cases();
std::vector<SceneCase> model_cases();
std::vector<SceneCase> use_cases();

}  // namespace cloister::posture
