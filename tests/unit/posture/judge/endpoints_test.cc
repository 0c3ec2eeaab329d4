#include "tests/unit/posture/judge/scene.h"

namespace cloister::posture {
namespace {

using enum Status;
using Texts = std::vector<std::string>;

const std::string kTls = "tls.endpoint";
const Subject kApi = {SubjectKind::kEndpoint, "api"};

Scene scene_of(FactValues values) {
  Scene scene;
  scene.estate.endpoints.push_back(scene_endpoint("api"));
  scene.facts.push_back(scene_fact(kTls, kApi, std::move(values)));
  return scene;
}

SceneChange undeclared_too(Status want) {
  return {"UndeclaredEndpointCountsToo", want, [](Scene& scene) {
            scene.facts.push_back(scene_fact("inventory.entry", {SubjectKind::kEndpoint, "10.0.0.9:8080"}, {}));
          }};
}

SceneCase tls_only() {
  return {"TRN-01",
          scene_of({{"plaintext_refused", true}, {"versions", Texts{"1.3"}}}),
          {set_value("AnswersInTheClear", kFail, kTls, "plaintext_refused", false),
           set_value("NoTlsEither", kNotAssessed, kTls, "versions", Texts{}), undeclared_too(kNotAssessed)},
          {}};
}

SceneCase modern_tls() {
  return {"TRN-02",
          scene_of({{"versions", Texts{"1.2", "TLS 1.3"}},
                    {"weak", Texts{}},
                    {"tls13", true},
                    {"early_data_refused", true},
                    {"downgrade_resisted", true}}),
          {set_value("Tls11Offered", kFail, kTls, "versions", Texts{"1.1", "1.2", "1.3"}),
           set_value("UnknownVersion", kFail, kTls, "versions", Texts{"1.3", "9.9"}),
           set_value("WeakSuite", kFail, kTls, "weak", Texts{"TLS_RSA_WITH_RC4_128_SHA"}),
           set_value("NoTls13", kFail, kTls, "tls13", false),
           set_value("EarlyDataTaken", kFail, kTls, "early_data_refused", false),
           set_value("DowngradeUnnoticed", kFail, kTls, "downgrade_resisted", false),
           set_value("NoVersionSeen", kNotAssessed, kTls, "versions", Texts{}), undeclared_too(kNotAssessed)},
          {}};
}

void without_staple(Scene& scene, bool responder, std::int64_t lifetime_days) {
  auto& values = scene.fact(kTls).values;
  values["staple"] = std::string("none");
  values["ocsp_responder"] = responder;
  values["lifetime_days"] = lifetime_days;
}

void excuse(Scene& scene, const std::string& approver) {
  scene.facts.push_back(scene_record(
      "not-applicable", {{"control", std::string("TRN-03")}, {"reason", std::string("watched by CRL")}}, kApi));
  scene.facts.back().values["approver"] = approver;
}

SceneCase revocation() {
  return {"TRN-03",
          scene_of({{"staple", std::string("valid")}, {"hsts", true}, {"hsts_applicable", true}}),
          {set_value("StapleBad", kFail, kTls, "staple", std::string("bad")),
           set_value("StapleUnknown", kNotAssessed, kTls, "staple", std::string("perhaps")),
           set_value("NoHsts", kFail, kTls, "hsts", false),
           {"NoBrowserNeedsNoHsts", kPass,
            [](Scene& scene) {
              scene.fact(kTls).values["hsts_applicable"] = false;
              scene.fact(kTls).values.erase("hsts");
            }},
           {"NoStapleThoughThereIsAResponder", kFail, [](Scene& scene) { without_staple(scene, true, 90); }},
           {"ShortLived", kPass, [](Scene& scene) { without_staple(scene, false, 6); }},
           {"NoResponderAndNothingRecorded", kNotAssessed, [](Scene& scene) { without_staple(scene, false, 90); }},
           {"NoResponderAndRecorded", kPass,
            [](Scene& scene) {
              without_staple(scene, false, 90);
              excuse(scene, "bo@example.org");
            }},
           {"RecordApprovedByItsOwner", kNotAssessed,
            [](Scene& scene) {
              without_staple(scene, false, 90);
              excuse(scene, "ana@example.org");
            }},
           {"RecordDoesNotExcuseAResponder", kFail,
            [](Scene& scene) {
              without_staple(scene, true, 90);
              excuse(scene, "bo@example.org");
            }},
           {"MustStapleIsNotShortLived", kFail,
            [](Scene& scene) {
              without_staple(scene, false, 6);
              scene.fact(kTls).values["must_staple"] = true;
            }},
           undeclared_too(kNotAssessed)},
          {}};
}

// Nobody saw the monitor alert, but somebody tried it, and says so.
void alert_recorded(Scene& scene, const std::string& approver, Time date) {
  scene.fact("ct.monitor").values.erase("alert_seen");
  scene.facts.push_back(scene_record("ct-alert", {{"date", to_rfc3339(date)}}, kApi));
  scene.facts.back().values["approver"] = approver;
}

SceneCase transparency() {
  Scene scene = scene_of({{"caa", true}});
  scene.facts.push_back(scene_fact("ct.monitor", kApi, {{"unmatched", std::int64_t{0}}, {"alert_seen", true}}));
  return {"TRN-04",
          scene,
          {set_value("UnknownCertificate", kFail, "ct.monitor", "unmatched", std::int64_t{1}),
           set_value("NoAlert", kFail, "ct.monitor", "alert_seen", false),
           set_value("NoCaa", kFail, kTls, "caa", false),
           set_value("NegativeCount", kNotAssessed, "ct.monitor", "unmatched", std::int64_t{-1}),
           {"NobodyTriedTheAlert", kNotAssessed,
            [](Scene& changed) { changed.fact("ct.monitor").values.erase("alert_seen"); }},
           {"AlertRecorded", kPass,
            [](Scene& changed) { alert_recorded(changed, "bo@example.org", Time{kSceneTime.unix_ms - days(3).ms}); }},
           {"AlertRecordedByOneAlone", kNotAssessed,
            [](Scene& changed) { alert_recorded(changed, "ana@example.org", Time{kSceneTime.unix_ms - days(3).ms}); }},
           {"AlertRecordedLongAgo", kNotAssessed,
            [](Scene& changed) { alert_recorded(changed, "bo@example.org", Time{kSceneTime.unix_ms - days(200).ms}); }},
           undeclared_too(kNotAssessed)},
          {}};
}

SceneCase external_scans() {
  Scene scene = scene_of({{"external", true}});
  scene.facts.push_back(scene_record("external-scan", {{"orphans", std::int64_t{0}}}));
  const auto dated = [](Time time) {
    return [time](Scene& changed) { changed.fact("record").values["date"] = to_rfc3339(time); };
  };
  return {"TRN-05",
          scene,
          {set_value("ScannedFromInside", kNotAssessed, kTls, "external", false),
           set_value("FindingNotInTheThreatModel", kFail, "record", "orphans", std::int64_t{2}),
           set_value("ApprovedByItsOwner", kNotAssessed, "record", "approver", std::string("ana@example.org")),
           {"MoreThanThirtyDaysAgo", kFail, dated(Time{kSceneTime.unix_ms - days(31).ms})},
           {"DatedTomorrow", kNotAssessed, dated(kSceneTime + days(1))},
           undeclared_too(kNotAssessed)},
          {}};
}

}  // namespace

std::vector<SceneCase> endpoint_cases() {
  return {tls_only(), modern_tls(), revocation(), transparency(), external_scans()};
}

}  // namespace cloister::posture
