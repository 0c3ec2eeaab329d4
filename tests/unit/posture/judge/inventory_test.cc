#include "tests/unit/posture/judge/scene.h"

namespace cloister::posture {
namespace {

using enum Status;

Fact entry(Subject subject) {
  return scene_fact("inventory.entry", std::move(subject),
                    {{"declared", true},
                     {"observed", true},
                     {"owner", std::string("ana@example.org")},
                     {"environment", std::string("production")},
                     {"sensitivity", std::string("internal")},
                     {"address", std::string("file:/srv/corpus")}});
}

Scene good() {
  Scene scene;
  scene.estate.locations.push_back(scene_location("corpus"));
  scene.facts.push_back(entry({SubjectKind::kLocation, "corpus"}));
  scene.facts.push_back(
      scene_fact("inventory.scope", {},
                 {{"read", std::vector<std::string>{"/proc/self/mountinfo"}}, {"unread", std::vector<std::string>{}}}));
  return scene;
}

}  // namespace

std::vector<SceneCase> inventory_cases() {
  const std::string kind = "inventory.entry";
  return {
      {"INV-01",
       good(),
       {set_value("SeenAndUndeclared", kFail, kind, "declared", false),
        set_value("DeclaredAndUnseen", kFail, kind, "observed", false),
        set_value("NobodyOwnsIt", kFail, kind, "owner", std::string()),
        set_value("NoEnvironment", kFail, kind, "environment", std::string()),
        set_value("NoSensitivity", kFail, kind, "sensitivity", std::string()),
        set_value("ScopeUnread", kNotAssessed, "inventory.scope", "unread", std::vector<std::string>{"/srv/locked"}),
        set_value("NothingRead", kNotAssessed, "inventory.scope", "read", std::vector<std::string>{}),
        {"UndeclaredEdgeWithoutAnEntry", kNotAssessed,
         [](Scene& scene) {
           scene.facts.push_back(scene_fact("path.edge", {SubjectKind::kEdge, "a>b/tcp/1"}, {{"undeclared", true}}));
         }},
        {"KeyNeedsNoMoreThanAnOwner", kPass,
         [](Scene& scene) {
           scene.estate.keys.push_back(scene_key("k"));
           scene.facts.push_back(entry({SubjectKind::kKey, "k"}));
           scene.facts.back().values.erase("environment");
           scene.facts.back().values.erase("sensitivity");
         }},
        {"KeyWithoutAnOwner", kFail,
         [](Scene& scene) {
           scene.estate.keys.push_back(scene_key("k"));
           scene.facts.push_back(entry({SubjectKind::kKey, "k"}));
           scene.facts.back().values.erase("owner");
         }},
        {"EdgeIsAnsweredForByItsEnds", kPass,
         [](Scene& scene) {
           const Subject edge = scene_edge(scene.estate, "a", "b", 443);
           scene.facts.push_back(scene_fact("inventory.entry", edge, {{"declared", true}, {"observed", true}}));
         }}},
       {"address"}}};
}

}  // namespace cloister::posture
