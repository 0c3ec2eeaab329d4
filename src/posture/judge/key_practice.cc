// KEY-08 to KEY-11: how keys are used, ended, given to people, and listed.
#include <algorithm>

#include "posture/judge/judge.h"
#include "posture/judge/keys.h"

namespace cloister::posture {
namespace {

Finding look_lifecycle(const Fact& fact) {
  const std::string* state = fact.text("state");
  const std::string* recorded = fact.text("state_recorded");
  if (state == nullptr || *state == "unknown") return unproven("its state isn't known");
  if (recorded == nullptr || *recorded == "unknown") return unproven("the state that it should have isn't recorded");
  if (*state == *recorded) return passes("it is " + *state + ", as recorded");
  return fails("it is " + *state + ", and recorded as " + *recorded,
               "find out who changed it, and bring record and key together");
}

constexpr std::string_view kSplit =
    "name principals and keys instead of \"any\", let nobody who administers a key decrypt with it, and require the "
    "context of tenant and dataset: cloister policy check";

Finding look_access(const Fact& fact) {
  const std::string remediation(kSplit);
  const auto wildcards = fact.number("wildcards"), both = fact.number("admin_and_user");
  const auto denied = fact.truth("canary_denied");
  if (wildcards && *wildcards > 0) return fails(std::to_string(*wildcards) + " rules let anybody decrypt", remediation);
  if (both && *both > 0) {
    return fails(std::to_string(*both) + " principals both administer keys and decrypt with them", remediation);
  }
  if (denied == false) return fails("a principal without rights wasn't refused", remediation);
  if (wildcards != 0 || both != 0) return unproven("who may use and administer it isn't known", remediation);
  if (!denied)
    return unproven("nobody without rights has tried to use it", "cloister redteam run RT-K13 --authorised-by NAME");
  return passes("only who is named may use it, and nobody of those administers it");
}

Finding look_findings(const Fact& fact) {
  const std::vector<std::string>* findings = fact.list("policy_findings");
  if (findings == nullptr) return passes({});  // key.access is what it is judged by
  std::vector<std::string> worrying;
  for (const std::string& finding : *findings) {
    if (finding == "public-principal" || finding == "wildcard-action" || finding == "other-account") {
      worrying.push_back(finding);
    }
  }
  if (worrying.empty()) return passes("its policy names whom it lets in");
  return fails("its policy: " + joined(worrying, ", "), std::string(kSplit));
}

// Keys of a home are reached through its policy, which is the platform's; a provider's key has a policy of its own.
bool is_of_home(const Subject& key) { return key.id.starts_with("cloister:") && !key.id.starts_with("cloister:root:"); }

Finding look_cbom(const View& view, const Fact& fact) {
  const auto components = fact.number("components"), unknown = fact.number("unknown_algorithms"),
             withdrawn = fact.number("withdrawn");
  const std::string remediation = "cloister posture audit --crypto-inventory FILE, and replace what is withdrawn";
  if (fact.at > view.now() || view.now() - fact.at > days(30)) return unproven("the CBOM is older than 30 days");
  if (!components || !unknown || !withdrawn) return unproven("the CBOM isn't counted whole");
  if (*components < 1) return unproven("the CBOM is empty");
  if (*unknown > 0) return fails(std::to_string(*unknown) + " algorithms aren't known", remediation);
  if (*withdrawn > 0) return fails(std::to_string(*withdrawn) + " withdrawn algorithms are in use", remediation);
  if (fact.truth("schema_valid") != true) return unproven("nobody held the CBOM against its schema");
  return passes(std::to_string(*components) + " components, none with an unknown or withdrawn algorithm");
}

}  // namespace

std::vector<SubjectVerdict> judge_key_08(const View& view) {
  return {judge_drills(view, the_platform(),
                       {{.drill = "RT-K08"},
                        {.drill = "RT-K09", .every_case_refused = true},
                        {.drill = "RT-K11"},
                        {.drill = "RT-K14", .every_case_refused = true},
                        {.drill = "aead-limits", .covers = {"limits"}}})};
}

std::vector<SubjectVerdict> judge_key_09(const View& view) {
  std::vector<SubjectVerdict> out;
  for (const KeyFacts& key : keys(view)) {
    out.push_back(judge_by(view, {key.subject, "nobody described the key"}, key.postures, look_lifecycle));
  }
  if (out.empty()) out.push_back(not_assessed(the_platform(), "no key was described"));
  out.push_back(judge_drills(view, the_platform(),
                             {{.drill = "destruction", .covers = {"primary", "replica", "backup", "cache"}},
                              {.drill = "RT-K10", .alerts = true}}));
  add_drills_run(view, {"RT-K15"}, out);
  return out;
}

std::vector<SubjectVerdict> judge_key_10(const View& view) {
  std::vector<SubjectVerdict> out;
  const std::string nobody = "nobody looked who may use it";
  out.push_back(judge_by(view, {the_platform(), "nobody looked who may use keys", std::string(kSplit)},
                         view.about("key.access", the_platform()), look_access));
  for (const KeyFacts& key : wrapping_keys(view)) {
    const Facts access = view.about("key.access", key.subject);
    if (is_of_home(key.subject) && access.empty()) continue;
    std::vector<SubjectVerdict> parts;
    parts.push_back(judge_by(view, {key.subject, nobody, std::string(kSplit)}, access, look_access));
    parts.push_back(judge_by(view, {key.subject, "nobody described the key"}, key.postures, look_findings));
    out.push_back(all_of(key.subject, std::move(parts)));
  }
  add_drills_run(view, {"RT-K13"}, out);
  return out;
}

std::vector<SubjectVerdict> judge_key_11(const View& view) {
  std::vector<SubjectVerdict> parts;
  parts.push_back(judge_by(view, {the_platform(), "no CBOM was made", "cloister posture audit --crypto-inventory FILE"},
                           view.about("cbom", the_platform()),
                           [&](const Fact& fact) { return look_cbom(view, fact); }));
  parts.push_back(judge_by(
      view, {the_platform(), "no plan for quantum-safe keys is recorded", "cloister posture record pqc-plan"},
      records(view, "pqc-plan", the_platform()), [&](const Fact& record) { return check_record(view, record); }));
  return {all_of(the_platform(), std::move(parts))};
}

std::span<const JudgeOf> key_judges() {
  static constexpr JudgeOf kJudges[] = {{"KEY-01", judge_key_01}, {"KEY-02", judge_key_02}, {"KEY-03", judge_key_03},
                                        {"KEY-04", judge_key_04}, {"KEY-05", judge_key_05}, {"KEY-06", judge_key_06},
                                        {"KEY-07", judge_key_07}, {"KEY-08", judge_key_08}, {"KEY-09", judge_key_09},
                                        {"KEY-10", judge_key_10}, {"KEY-11", judge_key_11}};
  return kJudges;
}

}  // namespace cloister::posture
