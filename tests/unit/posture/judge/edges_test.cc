#include "tests/unit/posture/judge/scene.h"

namespace cloister::posture {
namespace {

using enum Status;
using Texts = std::vector<std::string>;

SceneChange undeclared_edge(Status want) {
  return {"UndeclaredEdgeCountsToo", want, [](Scene& scene) {
            scene.facts.push_back(scene_fact("inventory.entry", {SubjectKind::kEdge, "10.0.0.1>b/tcp/99"}, {}));
          }};
}

SceneCase mutual_tls() {
  Scene scene;
  const Subject edge = scene_edge(scene.estate, "trainer", "store", 8443);
  scene.facts.push_back(
      scene_fact("mtls.drill", edge,
                 {{"accepted", Texts{"expected"}},
                  {"refused", Texts{"no-certificate", "expired", "other-trust-domain", "other-workload"}},
                  {"tls13", true}}));
  const std::string kind = "mtls.drill";
  return {"TRN-06",
          scene,
          {set_value("AnonymousClientTaken", kFail, kind, "accepted", Texts{"expected", "no-certificate"}),
           set_value("OtherWorkloadTaken", kFail, kind, "accepted", Texts{"other-workload", "expected"}),
           set_value("RightClientRefusedToo", kNotAssessed, kind, "accepted", Texts{}),
           set_value("ExpiredNotTried", kNotAssessed, kind, "refused",
                     Texts{"no-certificate", "other-trust-domain", "other-workload"}),
           set_value("NoTls13", kFail, kind, "tls13", false),
           {"DrillOfTheServerCovers", kPass,
            [](Scene& changed) { changed.fact("mtls.drill").subject = {SubjectKind::kWorkload, "store"}; }},
           {"DrillOfTheClientDoesNot", kNotAssessed,
            [](Scene& changed) { changed.fact("mtls.drill").subject = {SubjectKind::kWorkload, "trainer"}; }},
           {"LessThanMutualTlsDeclared", kNotAssessed,
            [](Scene& changed) { changed.estate.graph.edges[0].requires_at_least = probe::path::Protection::kTls; }},
           undeclared_edge(kNotAssessed)},
          {}};
}

SceneCase mesh() {
  Scene scene;
  scene.estate.workloads.push_back(scene_workload("trainer"));
  const std::string kind = "mesh.policy";
  scene.facts.push_back(scene_fact(kind, {SubjectKind::kWorkload, "trainer"},
                                   {{"strict", true},
                                    {"plaintext_refused", true},
                                    {"shared_identities", std::int64_t{0}},
                                    {"svid_ttl_minutes", std::int64_t{60}},
                                    {"rotation_seen", true}}));
  return {"TRN-07",
          scene,
          {set_value("Permissive", kFail, kind, "strict", false),
           set_value("PlaintextAnswered", kFail, kind, "plaintext_refused", false),
           set_value("SharedIdentity", kFail, kind, "shared_identities", std::int64_t{1}),
           set_value("LongLived", kFail, kind, "svid_ttl_minutes", std::int64_t{1441}),
           set_value("NotRenewed", kFail, kind, "rotation_seen", false),
           set_value("NoLifetime", kNotAssessed, kind, "svid_ttl_minutes", std::int64_t{0}),
           {"PlatformCoversAll", kPass, [](Scene& changed) { changed.fact("mesh.policy").subject = {}; }},
           {"WorkloadOutsideOfTheMesh", kNotAssessed,
            [](Scene& changed) { changed.estate.workloads.push_back(scene_workload("forgotten")); }}},
          {}};
}

Scene edge_scene(FactValues values) {
  Scene scene;
  const Subject edge = scene_edge(scene.estate, "trainer", "store", 8443);
  scene.facts.push_back(scene_fact("path.edge", edge, std::move(values)));
  return scene;
}

FactValues proven() {
  return {{"verdict", std::string("enforced")},
          {"outcome", std::string("pass")},
          {"classes", Texts{"active-probe", "capture"}}};
}

std::vector<SceneChange> weaker_evidence() {
  const std::string kind = "path.edge";
  return {set_value("PlaintextSeen", kFail, kind, "verdict", std::string("plaintext-seen")),
          set_value("PlaintextPossible", kFail, kind, "verdict", std::string("plaintext-possible")),
          set_value("SomethingAgainstIt", kFail, kind, "outcome", std::string("fail")),
          set_value("OneClassOfEvidence", kNotAssessed, kind, "outcome", std::string("unproven")),
          set_value("ExceptedInItsOwnFile", kNotAssessed, kind, "outcome", std::string("excepted")),
          set_value("ConfiguredAlone", kNotAssessed, kind, "verdict", std::string("configured")),
          set_value("RestsOnNothing", kNotAssessed, kind, "classes", Texts{})};
}

SceneCase every_pair() {
  SceneCase out = {"TRN-08", edge_scene(proven()), weaker_evidence(), {}};
  out.changes.push_back(undeclared_edge(kNotAssessed));
  return out;
}

SceneCase provider_defaults() {
  const std::string kind = "path.edge";
  return {"TRN-09",
          edge_scene({{"provider_default_only", true}, {"provider_verified", true}}),
          {set_value("DefaultNotVerified", kFail, kind, "provider_verified", false),
           {"NoProviderNeeded", kPass,
            [](Scene& scene) {
              scene.fact("path.edge").values["provider_default_only"] = false;
              scene.fact("path.edge").values.erase("provider_verified");
            }},
           undeclared_edge(kNotAssessed)},
          {}};
}

SceneCase fabrics() {
  SceneCase out = {"TRN-10", edge_scene(proven()), weaker_evidence(), {}};
  out.good.estate.graph.edges[0].protocol = "nccl";
  out.changes.push_back(
      {"NoFabric", kNotAssessed, [](Scene& scene) { scene.estate.graph.edges[0].protocol = "https"; }});
  out.changes.push_back({"SeenToBeOne", kPass, [](Scene& scene) {
                           scene.estate.graph.edges[0].protocol = "tcp";
                           scene.fact("path.edge").values["fabric"] = true;
                         }});
  return out;
}

}  // namespace

std::vector<SceneCase> edge_cases() { return {mutual_tls(), mesh(), every_pair(), provider_defaults(), fabrics()}; }

}  // namespace cloister::posture
