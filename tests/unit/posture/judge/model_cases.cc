// MOD-01 and MOD-02 in situations.
#include "tests/unit/posture/judge/cases.h"

namespace cloister::posture {
namespace {

using enum Status;

void add_signing(std::vector<JudgeCase>& out) {
  const std::string control = "MOD-01";
  const Estate estate = estate_with("models", "file:/m", DataKind::kModel);
  const Fact good = fact_of("model.signature", {SubjectKind::kModel, "models#llama"},
                            {{"signed", truth(true)},
                             {"covered", truth(true)},
                             {"signer_allowed", truth(true)},
                             {"signer", text("release@acme")}});
  const JudgeCase pass{control, "Signed", kPass, estate, {good}};
  out.push_back(whole(pass));
  out.push_back({control, "Unsigned", kFail, estate, {with(good, "signed", truth(false))}, "cloister seal"});
  out.push_back({control, "UncoveredTokenizer", kFail, estate, {with(good, "covered", truth(false))}});
  out.push_back({control, "UnknownSigner", kFail, estate, {with(good, "signer_allowed", truth(false))}});
  Fact other = with(good, "signed", truth(false));
  other.subject.id = "models#mistral";
  out.push_back({control, "OneOfTwoUnsigned", kFail, estate, {good, other}, "model:models#mistral"});
  out.push_back({control, "SignerNotHeldAgainstAList", kNotAssessed, estate, {without(good, "signer_allowed")}});
  Fact elsewhere = good;
  elsewhere.subject.id = "models-old#llama";
  out.push_back({control, "OnlyAnotherLocationsModel", kNotAssessed, estate, {elsewhere}});
  out.push_back(
      {control, "ExtraFileLoads", kFail, estate, {good, with(drill_of("RT-M02"), "outcome", text("failed"))}});
}

void add_loading(std::vector<JudgeCase>& out) {
  const std::string control = "MOD-02";
  const std::vector<Fact> good = {drill_of("RT-M01", {"positive"}), drill_of("RT-M02"), drill_of("RT-M03"),
                                  drill_of("RT-M04"), drill_of("RT-M05")};
  const JudgeCase pass{control, "OnlyWhatIsSignedLoads", kPass, {}, good};
  out.push_back(whole(pass));
  for (std::size_t i = 0; i < good.size(); ++i) {
    JudgeCase one{control, *good[i].text("drill") + "Loads", kFail, {}, good};
    one.facts[i].values["outcome"] = text("failed");
    out.push_back(std::move(one));
  }
  JudgeCase nothing{control, "NothingLoadsAtAll", kNotAssessed, {}, good, "positive"};
  nothing.facts[0].values["covers"] = list({});
  out.push_back(nothing);
}

}  // namespace

std::vector<JudgeCase> model_lines() {
  std::vector<JudgeCase> out;
  add_signing(out);
  add_loading(out);
  return out;
}

}  // namespace cloister::posture
