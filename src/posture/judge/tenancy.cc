// TEN-01 to TEN-03: keys of one tenant open nothing of another.
#include <algorithm>

#include "posture/judge/judge.h"
#include "posture/judge/layers.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kSeparate =
    "give each tenant a KEK and datasets of its own (cloister tenant create, cloister dataset create), and seal what "
    "is "
    "shared for each of them anew";

SubjectVerdict judge_confusion(const View& view) {
  std::vector<SubjectVerdict> parts;
  parts.push_back(judge_drill(view, the_platform(), {.drill = "RT-K12", .alerts = true, .every_case_refused = true}));
  add_drills_run(view, {"RT-T08"}, parts);
  return all_of(the_platform(), std::move(parts));
}

Finding look_separation(const View& view, const Fact& fact) {
  const auto per_dek = fact.number("tenants_per_dek_max"), per_kek = fact.number("tenants_per_kek_max");
  if (!per_dek || !per_kek || *per_dek < 1 || *per_kek < 1) {
    return unproven("how many tenants share a key isn't known", std::string(kSeparate));
  }
  if (*per_dek > 1) return fails(std::to_string(*per_dek) + " tenants share a data key", std::string(kSeparate));
  if (*per_kek == 1) return passes("no key is shared between tenants");
  if (fact.truth("per_environment") != true) {
    return fails(std::to_string(*per_kek) + " tenants share a KEK", std::string(kSeparate));
  }
  if (judge_confusion(view).status != Status::kPass) {
    return unproven("KEKs are one for an environment, and it isn't shown that tenants are kept apart under them",
                    "cloister redteam run RT-K12 --authorised-by NAME");
  }
  return passes("KEKs are one for an environment, as documented, and tenants are kept apart under them");
}

bool names_tenant(std::string_view list, std::string_view tenant) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    // Of a tenant's name with its environment, or of all its environments.
    if (item == tenant || (tenant.starts_with(item) && tenant.substr(item.size()).starts_with('/'))) return true;
  }
  return false;
}

Finding look_tenants(const Fact& seal, const std::string& label) {
  const std::vector<std::string>* tenants = seal.list("tenants");
  if (tenants == nullptr) return unproven("whose objects lie there isn't known");
  std::vector<std::string> others;
  for (const std::string& tenant : *tenants) {
    if (!names_tenant(label, tenant)) others.push_back(tenant);
  }
  if (others.empty()) return passes("its objects are of the tenants that it is labelled with");
  return fails("objects of " + joined(others, ", ") + " lie there, and the label says " + label,
               "move them, or correct the label");
}

std::vector<SubjectVerdict> judge_ten_01(const View& view) {
  std::vector<SubjectVerdict> out;
  out.push_back(judge_by(view, {the_platform(), "nobody looked which keys tenants share", std::string(kSeparate)},
                         view.about("tenant.separation", the_platform()),
                         [&](const Fact& fact) { return look_separation(view, fact); }));
  for (const LocationFacts& location : locations(view)) {
    if (location.seals.empty() || location.declared == nullptr || location.declared->label.tenant.empty()) continue;
    out.push_back(judge_by(view, {location.subject, {}}, location.seals,
                           [&](const Fact& seal) { return look_tenants(seal, location.declared->label.tenant); }));
  }
  return out;
}

std::vector<SubjectVerdict> judge_ten_02(const View& view) { return {judge_confusion(view)}; }

Finding look_authentication(const Fact& fact) {
  const std::string remediation =
      "give workloads attested identities that expire (cloister entry create, cloisterd's Workload API), and remove "
      "access keys, tokens and passwords";
  const auto fixed = fact.number("static_credentials");
  const auto longest = fact.number("ttl_minutes_max"), allowed = fact.number("ttl_minutes_policy");
  if (!fixed || *fixed < 0) return unproven("how callers prove who they are isn't known", remediation);
  if (*fixed > 0)
    return fails(std::to_string(*fixed) + " credentials don't expire, or can be carried off", remediation);
  if (fact.truth("tenant_bound") == false) return fails("the tenant is what the request says", remediation);
  if (fact.truth("tenant_bound") != true) return unproven("where the tenant comes from isn't known");
  if (!longest || !allowed) return unproven("how long an identity lives, and may live, isn't known");
  if (*longest > *allowed) {
    return fails(
        "identities live " + std::to_string(*longest) + " minutes, and " + std::to_string(*allowed) + " are allowed",
        "shorten them in cloisterd's settings");
  }
  return passes("every caller has an identity that lives " + std::to_string(*longest) + " minutes at most");
}

std::vector<SubjectVerdict> judge_ten_03(const View& view) {
  std::vector<SubjectVerdict> out;
  std::vector<Subject> subjects = {the_platform()};
  for (const Fact* fact : view.all("key.authentication")) {
    if (fact->subject.kind == SubjectKind::kWorkload) subjects.push_back(fact->subject);
  }
  for (const Subject& subject : subjects) {
    const Facts facts = view.about("key.authentication", subject);
    // Where each key service was looked at there is nothing more to say about the platform.
    if (facts.empty() && subjects.size() > 1) continue;
    out.push_back(
        judge_by(view, {subject, "nobody looked how callers prove who they are"}, facts, look_authentication));
  }
  out.push_back(judge_drill(view, the_platform(), {.drill = "identity-replay", .every_case_refused = true}));
  add_drills_run(view, {"RT-K15"}, out);
  return out;
}

}  // namespace

std::span<const JudgeOf> tenancy_judges() {
  static constexpr JudgeOf kJudges[] = {{"TEN-01", judge_ten_01}, {"TEN-02", judge_ten_02}, {"TEN-03", judge_ten_03}};
  return kJudges;
}

}  // namespace cloister::posture
