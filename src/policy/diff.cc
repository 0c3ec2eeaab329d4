#include "policy/diff.h"

#include <algorithm>

namespace cloister::policy {
namespace {

using Texts = std::vector<std::string>;

template <typename Pattern>
Texts texts_of(const std::vector<Pattern>& patterns) {
  Texts texts;
  for (const Pattern& pattern : patterns) texts.push_back(pattern.text());
  std::ranges::sort(texts);
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts;
}

template <typename Word>
Texts texts_of(WordSet<Word> set, std::span<const std::string_view> names) {
  if (set == WordSet<Word>::all(names.size())) return {"any"};
  Texts texts;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (set.has(static_cast<Word>(i))) texts.emplace_back(names[i]);
  }
  return texts;
}

std::string joined(const Texts& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + text;
  return out;
}

Texts minus(const Texts& from, const Texts& what) {
  Texts out;
  std::ranges::copy_if(from, std::back_inserter(out),
                       [&what](const std::string& text) { return std::ranges::find(what, text) == what.end(); });
  return out;
}

// A rule's restrictions, each as sorted texts. In the order in which they are told.
struct Part {
  std::string_view name;
  Texts values;
};
std::vector<Part> parts_of(const Rule& rule) {
  return {{"operation", texts_of(rule.operations, operation_names())},
          {"dataset", texts_of(rule.datasets)},
          {"tenant", texts_of(rule.tenants)},
          {"environment", texts_of(rule.environments)},
          {"purpose", texts_of(rule.purposes, purpose_names())}};
}

std::string validity_text(const Validity& validity) {
  std::string text;
  if (validity.not_before) text += ", from " + to_rfc3339(*validity.not_before);
  if (validity.not_after) text += ", until " + to_rfc3339(*validity.not_after);
  return text;
}

std::string scope_text(const Rule& rule) {
  std::string text;
  for (const Part& part : parts_of(rule)) {
    if (part.values.empty()) continue;
    text += (text.empty() ? "" : ", ") + std::string(part.name) + " " + joined(part.values);
  }
  return text + validity_text(rule.validity);
}

Change gained(const Rule& rule, const Texts& who) {
  const bool is_allow = rule.effect == Effect::kAllow;
  return {rule.name, joined(who), (is_allow ? "may now: " : "is now denied: ") + scope_text(rule), is_allow};
}

Change lost(const Rule& rule, const Texts& who) {
  const bool is_allow = rule.effect == Effect::kAllow;
  return {rule.name, joined(who), (is_allow ? "may no longer: " : "is no longer denied: ") + scope_text(rule),
          !is_allow};
}

// Whether something is valid at a time when it wasn't.
bool lasts_longer(const Validity& before, const Validity& after) {
  const bool earlier = before.not_before && (!after.not_before || *after.not_before < *before.not_before);
  const bool later = before.not_after && (!after.not_after || *before.not_after < *after.not_after);
  return earlier || later;
}

std::string validity_change(const Validity& after) {
  const std::string text = validity_text(after);
  return text.empty() ? "without an end" : text.substr(2);
}

struct Difference {
  std::string text;
  bool adds = false;
  bool takes = false;
};

Difference difference_of(const Rule& before, const Rule& after) {
  Difference difference;
  const std::vector<Part> old_parts = parts_of(before), new_parts = parts_of(after);
  for (std::size_t i = 0; i < old_parts.size(); ++i) {
    const Texts added = minus(new_parts[i].values, old_parts[i].values);
    const Texts removed = minus(old_parts[i].values, new_parts[i].values);
    if (added.empty() && removed.empty()) continue;
    const auto is_any = [](const Texts& texts) { return texts == Texts{"any"}; };
    difference.adds |= !added.empty() && !is_any(old_parts[i].values);
    difference.takes |= !removed.empty() && !is_any(new_parts[i].values);
    difference.text += (difference.text.empty() ? "" : "; ") + std::string(new_parts[i].name);
    if (!added.empty()) difference.text += " +" + joined(added);
    if (!removed.empty()) difference.text += " -" + joined(removed);
  }
  if (before.validity != after.validity) {
    difference.adds |= lasts_longer(before.validity, after.validity);
    difference.takes |= lasts_longer(after.validity, before.validity);
    difference.text += (difference.text.empty() ? "" : "; ") + validity_change(after.validity);
  }
  return difference;
}

void diff_rule(const Rule& before, const Rule& after, std::vector<Change>& changes) {
  const Texts old_callers = texts_of(before.callers), new_callers = texts_of(after.callers);
  if (before.effect != after.effect) {
    changes.push_back(lost(before, old_callers));
    changes.push_back(gained(after, new_callers));
    return;
  }
  const Texts removed = minus(old_callers, new_callers), added = minus(new_callers, old_callers);
  if (!removed.empty()) changes.push_back(lost(before, removed));
  if (!added.empty()) changes.push_back(gained(after, added));
  const Texts kept = minus(old_callers, removed);
  const Difference difference = difference_of(before, after);
  if (kept.empty() || difference.text.empty()) return;
  const bool is_allow = after.effect == Effect::kAllow;
  changes.push_back({after.name, joined(kept), (is_allow ? "may: " : "is denied: ") + difference.text,
                     is_allow ? difference.adds : difference.takes});
}

void diff_rules(const Policy& before, const Policy& after, std::vector<Change>& changes) {
  auto old_rule = before.rules().begin();
  auto new_rule = after.rules().begin();
  while (old_rule != before.rules().end() || new_rule != after.rules().end()) {
    if (new_rule == after.rules().end() || (old_rule != before.rules().end() && old_rule->name < new_rule->name)) {
      changes.push_back(lost(*old_rule, texts_of(old_rule->callers)));
      ++old_rule;
    } else if (old_rule == before.rules().end() || new_rule->name < old_rule->name) {
      changes.push_back(gained(*new_rule, texts_of(new_rule->callers)));
      ++new_rule;
    } else {
      diff_rule(*old_rule++, *new_rule++, changes);
    }
  }
}

std::string quota_text(const std::optional<Quota>& quota) {
  if (!quota) return "none";
  return std::to_string(quota->requests_per_second) + " requests a second, burst " + std::to_string(quota->burst) +
         ", " + std::to_string(quota->keys_per_batch) + " keys a batch";
}

bool is_more(const std::optional<Quota>& before, const std::optional<Quota>& after) {
  if (!before || !after) return after.has_value();
  return after->requests_per_second > before->requests_per_second || after->burst > before->burst ||
         after->keys_per_batch > before->keys_per_batch;
}

void diff_quotas(const Policy& before, const Policy& after, std::vector<Change>& changes) {
  Texts tenants;
  for (const Policy* policy : {&before, &after}) {
    for (const auto& [tenant, quota] : policy->quotas()) tenants.push_back(tenant);
  }
  std::ranges::sort(tenants);
  tenants.erase(std::unique(tenants.begin(), tenants.end()), tenants.end());
  for (const std::string& tenant : tenants) {
    // A tenant that loses its own quota falls back to the one for any.
    const std::optional<Quota> was = before.quota_of(tenant), is = after.quota_of(tenant);
    if (was == is) continue;
    const std::string who = tenant == kQuotaOfOthers ? "every tenant without a quota of its own" : "tenant " + tenant;
    changes.push_back({"", who, "quota: " + quota_text(was) + " -> " + quota_text(is), is_more(was, is)});
  }
}

}  // namespace

std::vector<Change> diff(const Policy& before, const Policy& after) {
  std::vector<Change> changes;
  if (before.validity() != after.validity()) {
    changes.push_back({"", "everyone", "the policy is good " + validity_change(after.validity()),
                       lasts_longer(before.validity(), after.validity())});
  }
  diff_rules(before, after, changes);
  diff_quotas(before, after, changes);
  return changes;
}

}  // namespace cloister::policy
