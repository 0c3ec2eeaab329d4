// Keys by their names, their facts, and the keys above them.
#include "posture/judge/key_facts.h"

#include <algorithm>

namespace cloister::posture {
namespace {

// Root, KEK, ring, dataset key: more than that is a circle, or somebody's joke.
constexpr int kChainMax = 8;

Finding look_manager(const View& view, const Fact& fact) {
  const std::string* manager = fact.text("manager");
  const std::string& name = fact.subject.id;
  if (manager == nullptr) return unproven("who manages " + name + " isn't known");
  if (*manager == "platform_default") return fails(name + " is the platform's default key", {});
  if (*manager == "foreign" || is_foreign_account(view.estate(), name)) {
    return fails(name + " belongs to another account", {});
  }
  if (*manager != "operator") return unproven("who manages " + name + " isn't known");
  if (is_platform_name(name)) return fails(name + " is the platform's default key", {});
  if (fact.truth("deletion_scheduled") == true) {
    return fails(name + " is about to be deleted", "cancel its deletion, or move the data to another key first");
  }
  const std::string* state = fact.text("state");
  if (state == nullptr) return unproven("the state of " + name + " isn't known");
  if (*state == "enabled") return passes(name + " is the operator's");
  if (*state == "disabled" || *state == "pending-deletion" || *state == "destroyed" || *state == "not-ready") {
    return fails(name + " is " + *state, "enable it, or move the data to another key");
  }
  return unproven("the state of " + name + " isn't known");
}

SubjectVerdict judge_chain(const View& view, const Subject& subject, const std::string& key, int depth) {
  if (depth > kChainMax) return not_assessed(subject, "the keys above " + key + " go round in a circle");
  const Facts facts = view.about("key.posture", key_subject(key));
  const Question asked{subject, "nobody described the key " + key,
                       "cloister kms describe, or audit with the rights to"};
  std::vector<SubjectVerdict> parts;
  parts.push_back(judge_by(view, asked, facts, [&](const Fact& fact) { return look_manager(view, fact); }));
  for (const Fact* fact : facts) {
    const std::string* above = fact->text("wrapped_by");
    if (above == nullptr || above->empty() || !why_no_proof(view, *fact).empty()) continue;
    parts.push_back(judge_chain(view, subject, *above, depth + 1));
  }
  return all_of(subject, std::move(parts));
}

}  // namespace

Subject key_subject(std::string_view name) { return {SubjectKind::kKey, std::string(name)}; }

const std::string* KeyFacts::text(const View& view, std::string_view name) const {
  for (const Fact* fact : postures) {
    const std::string* text = why_no_proof(view, *fact).empty() ? fact->text(name) : nullptr;
    if (text != nullptr) return text;
  }
  return nullptr;
}

std::string KeyFacts::key_class(const View& view) const {
  const std::string* said = text(view, "key_class");
  if (said != nullptr && !said->empty()) return *said;
  return declared == nullptr ? std::string() : declared->key_class;
}

std::vector<KeyFacts> keys(const View& view) {
  std::map<std::string, KeyFacts> known;
  for (const DeclaredKey& key : view.estate().keys) {
    known[key.name].subject = key_subject(key.name);
    known[key.name].declared = &key;
  }
  for (const Fact* fact : view.all("key.posture")) {
    if (fact->subject.kind != SubjectKind::kKey) continue;
    KeyFacts& key = known[fact->subject.id];
    key.subject = fact->subject;
    key.postures.push_back(fact);
  }
  std::vector<KeyFacts> out;
  for (auto& [name, key] : known) {
    if (key.declared == nullptr || in_scope(key.declared->label)) out.push_back(std::move(key));
  }
  return out;
}

std::vector<KeyFacts> wrapping_keys(const View& view) {
  std::vector<KeyFacts> out = keys(view);
  std::erase_if(out, [&](const KeyFacts& key) {
    const std::string key_class = key.key_class(view);
    return key_class == "tls" || key_class == "signing";
  });
  return out;
}

SubjectVerdict judge_manager(const View& view, const Subject& subject, const std::string& key) {
  return judge_chain(view, subject, key, 0);
}

bool is_platform_name(std::string_view key) {
  return key.starts_with("alias/aws/") || key.find(":alias/aws/") != key.npos;
}

bool is_foreign_account(const Estate& estate, std::string_view key) {
  if (estate.own_accounts.empty() || !key.starts_with("arn:")) return false;
  // arn:PARTITION:kms:REGION:ACCOUNT:…
  std::size_t at = 0;
  for (int colon = 0; colon < 4; ++colon) {
    at = key.find(':', at);
    if (at == key.npos) return false;
    ++at;
  }
  const std::string_view account = key.substr(at, key.find(':', at) - at);
  return !account.empty() && std::ranges::find(estate.own_accounts, account) == estate.own_accounts.end();
}

}  // namespace cloister::posture
