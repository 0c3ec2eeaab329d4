// Scenes by which controls pass, and what changes of them.
#include "tests/unit/posture/judge/scene.h"

#include <algorithm>

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
  fact.at = Time{kNow.unix_ms - minutes(30).ms};
  fact.valid_until = kNow + hours(1);
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
                 {"date", to_rfc3339(Time{kNow.unix_ms - days(1).ms})}});
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

std::vector<SceneCase> all_scenes() {
  std::vector<SceneCase> all;
  for (std::vector<SceneCase> (*of_prefix)() : {inventory_scenes, endpoint_scenes, edge_scenes, detection_scenes,
                                                governance_scenes, audit_scenes, redteam_scenes}) {
    for (SceneCase& one : of_prefix()) all.push_back(std::move(one));
  }
  return all;
}

std::vector<JudgeCase> scene_cases() {
  std::vector<JudgeCase> out;
  for (const SceneCase& one : all_scenes()) {
    out.push_back({one.control, "Good", Status::kPass, one.good.estate, one.good.facts});
    add_unproven(out, JudgeCase(out.back()));
    for (const SceneChange& change : one.changes) {
      Scene scene = one.good;
      change.change(scene);
      out.push_back({one.control, change.what, change.want, std::move(scene.estate), std::move(scene.facts)});
    }
  }
  return out;
}

}  // namespace cloister::posture
