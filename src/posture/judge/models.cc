// MOD-01 and MOD-02: models are signed when they are published, and nothing else is ever loaded.
#include <algorithm>

#include "posture/judge/judge.h"
#include "posture/judge/layers.h"

namespace cloister::posture {
namespace {

Finding look_signature(const Fact& fact) {
  const std::string remediation =
      "seal the model as a directory, whose manifest is signed over every file (cloister seal DIRECTORY), or sign it "
      "in "
      "the release pipeline; name the signers that count";
  const auto is_signed = fact.truth("signed"), covered = fact.truth("covered"), allowed = fact.truth("signer_allowed");
  if (is_signed == false) return fails("it isn't signed", remediation);
  if (covered == false) return fails("its signature leaves files out", remediation);
  if (allowed == false) return fails("who signed it isn't on the list", remediation);
  if (!is_signed) return unproven("whether it is signed isn't known", remediation);
  if (!covered) return unproven("whether its signature covers every file isn't known", remediation);
  if (!allowed) return unproven("whether its signer is one that counts isn't known", remediation);
  const std::string* signer = fact.text("signer");
  return passes("every file is signed for" + (signer == nullptr ? "" : " by " + *signer));
}

// A location may hold several models.
bool is_of(const Subject& model, const std::string& location) {
  return model.id == location || (model.id.starts_with(location) && model.id.substr(location.size()).starts_with('#'));
}

std::vector<SubjectVerdict> judge_mod_01(const View& view) {
  std::vector<SubjectVerdict> out;
  std::vector<Subject> models;
  for (const Fact* fact : view.all("model.signature")) {
    if (fact->subject.kind == SubjectKind::kModel && (models.empty() || models.back() != fact->subject)) {
      models.push_back(fact->subject);
    }
  }
  const std::string nobody = "nobody looked whether its models are signed";
  for (const Location& location : view.estate().locations) {
    if (location.kind != DataKind::kModel) continue;
    const auto count = std::ranges::count_if(models, [&](const Subject& model) { return is_of(model, location.name); });
    if (!in_scope(location.label)) {
      std::erase_if(models, [&](const Subject& model) { return is_of(model, location.name); });
    } else if (count == 0) {
      out.push_back(not_assessed({SubjectKind::kLocation, location.name}, nobody));
    }
  }
  for (const Subject& model : models) {
    out.push_back(judge_by(view, {model, nobody}, view.about("model.signature", model), look_signature));
  }
  add_drills_run(view, {"RT-M02"}, out);
  return out;
}

std::vector<SubjectVerdict> judge_mod_02(const View& view) {
  return {judge_drills(view, the_platform(),
                       {{.drill = "RT-M01", .covers = {"positive"}, .every_case_refused = true},
                        {.drill = "RT-M02", .every_case_refused = true},
                        {.drill = "RT-M03", .every_case_refused = true},
                        {.drill = "RT-M04"},
                        {.drill = "RT-M05", .every_case_refused = true}})};
}

}  // namespace

std::span<const JudgeOf> model_judges() {
  static constexpr JudgeOf kJudges[] = {{"MOD-01", judge_mod_01}, {"MOD-02", judge_mod_02}};
  return kJudges;
}

}  // namespace cloister::posture
