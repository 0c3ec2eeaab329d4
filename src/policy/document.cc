#include "policy/document.h"

#include <algorithm>
#include <array>

#include "base/reader.h"
#include "base/toml_fields.h"

namespace cloister::policy {
namespace {

constexpr std::string_view kAny = "any";
constexpr std::size_t kIdSizeMax = 128;
constexpr std::size_t kRuleNameSizeMax = 128;
constexpr std::uint32_t kQuotaMax = 1'000'000'000;

using Keys = std::span<const std::string_view>;
constexpr std::array<std::string_view, 5> kTopKeys = {"version", "id", "not_before", "not_after", "expect_at"};
constexpr std::array<std::string_view, 9> kRuleKeys = {"name",    "caller",  "operation",  "tenant",   "environment",
                                                       "dataset", "purpose", "not_before", "not_after"};
constexpr std::array<std::string_view, 4> kQuotaKeys = {"tenant", "requests_per_second", "burst", "keys_per_batch"};
constexpr std::array<std::string_view, 10> kExpectKeys = {"caller",  "operation", "tenant", "environment", "dataset",
                                                          "purpose", "keys",      "at",     "decision",    "rule"};
constexpr std::array<std::string_view, 4> kTableNames = {"allow", "deny", "quota", "expect"};

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

// Each word by `parse`, which says what is wrong with one; any stands alone.
template <typename Parsed, typename Parse>
Result<std::vector<Parsed>> parse_each(const TomlFields& fields, std::string_view key, const Parse& parse) {
  CLOISTER_TRY(const auto words, fields.words(key));
  std::vector<Parsed> out;
  for (const TomlFields::Word& word : words) {
    if (word.text == kAny && words.size() > 1) {
      return fields.error(word.line, std::string(key) + " has any beside other values: any stands alone");
    }
    auto parsed = parse(word.text);
    if (!parsed.ok()) {
      return fields.error(word.line, std::string(key) + " " + in_quotes(word.text) + ": " + parsed.error().message());
    }
    out.push_back(std::move(parsed).value());
  }
  return out;
}

template <typename Word>
Result<WordSet<Word>> parse_set(const TomlFields& fields, std::string_view key, std::size_t count,
                                Result<Word> (*parse)(std::string_view)) {
  CLOISTER_TRY(const auto words, parse_each<std::optional<Word>>(
                                     fields, key, [parse](std::string_view text) -> Result<std::optional<Word>> {
                                       if (text == kAny) return std::optional<Word>();
                                       CLOISTER_TRY(const Word word, parse(text));
                                       return std::optional<Word>(word);
                                     }));
  if (!words.front()) return WordSet<Word>::all(count);
  WordSet<Word> set;
  for (const auto& word : words) set.add(*word);
  return set;
}

Result<std::vector<NamePattern>> parse_names(const TomlFields& fields, std::string_view key) {
  const auto none = key == "environment" ? NamePattern::None::kAccept : NamePattern::None::kRefuse;
  return parse_each<NamePattern>(fields, key, [none](std::string_view text) { return NamePattern::parse(text, none); });
}

Result<Validity> parse_rule_validity(const TomlFields& fields) {
  Validity validity;
  CLOISTER_TRY(validity.not_before, fields.optional_time("not_before"));
  CLOISTER_TRY(validity.not_after, fields.optional_time("not_after"));
  if (validity.not_before && validity.not_after && *validity.not_after <= *validity.not_before) {
    return fields.error(fields.line_of("not_after"), "not_after isn't later than not_before");
  }
  return validity;
}

// The least scope an operation must have for the key to mean something to it.
struct Target {
  std::string_view key;
  Scope scope;
  std::vector<NamePattern> Rule::* patterns;
};
constexpr Target kTargets[] = {{"tenant", Scope::kTenant, &Rule::tenants},
                               {"environment", Scope::kTenant, &Rule::environments},
                               {"dataset", Scope::kDataset, &Rule::datasets}};

OperationSet operations_under(Scope scope) {
  OperationSet set;
  for (std::size_t i = 0; i < kOperationCount; ++i) {
    const auto operation = static_cast<Operation>(i);
    if (scope_of(operation) < scope) set.add(operation);
  }
  return set;
}

Operation first_of(OperationSet set) {
  std::size_t i = 0;
  while (!set.has(static_cast<Operation>(i))) ++i;
  return static_cast<Operation>(i);
}

// PO-5, PO-7: what the operations act on is written, and what is restricted is what they act on.
Status parse_targets(const TomlFields& fields, bool any_operation, Rule& rule) {
  const OperationSet written = rule.operations;
  for (const Target& target : kTargets) {
    const OperationSet beside = operations_under(target.scope);
    const bool needed = !written.without(beside).empty();
    if (!needed && !fields.has(target.key)) continue;
    CLOISTER_TRY(rule.*target.patterns, parse_names(fields, target.key));
    if ((rule.*target.patterns).front().any()) continue;
    const OperationSet kept = rule.operations.without(beside);
    if (kept != rule.operations && !any_operation) {
      const Operation misplaced = first_of(rule.operations.without(kept));
      return fields.error(fields.line_of(target.key),
                          std::string(operation_name(misplaced)) + " acts on no " + std::string(target.key) +
                              ": put it into a rule of its own, or write " + std::string(target.key) + " = \"any\"");
    }
    rule.operations = kept;
  }
  return {};
}

Result<std::string> parse_rule_name(const TomlFields& fields) {
  CLOISTER_TRY(std::string name, fields.text("name"));
  const bool is_right = !name.empty() && name.size() <= kRuleNameSizeMax && is_plain_utf8(name) &&
                        name.find('"') == std::string::npos && name.front() != ' ' && name.back() != ' ';
  if (is_right) return name;
  return fields.error(fields.line_of("name"), "a rule's name is 1 to 128 bytes on one line, without quotes");
}

Result<Rule> parse_rule(const TomlTable& table) {
  TomlFields fields(table, "[[" + table.name + "]]");
  Rule rule;
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kRuleKeys));
  CLOISTER_TRY(rule.name, parse_rule_name(fields));
  fields.set_what("[[" + table.name + "]] " + in_quotes(rule.name));
  rule.effect = table.name == "allow" ? Effect::kAllow : Effect::kDeny;
  rule.line = table.line;
  CLOISTER_TRY(rule.callers, parse_each<CallerPattern>(fields, "caller", CallerPattern::parse));
  CLOISTER_TRY(rule.operations, parse_set<Operation>(fields, "operation", kOperationCount, parse_operation));
  const bool any_operation = rule.operations == OperationSet::all(kOperationCount);
  CLOISTER_RETURN_IF_ERROR(parse_targets(fields, any_operation, rule));
  CLOISTER_TRY(rule.purposes, parse_set<Purpose>(fields, "purpose", kPurposeCount, parse_purpose));
  CLOISTER_TRY(rule.validity, parse_rule_validity(fields));
  return rule;
}

Status parse_quota(const TomlTable& table, Document& document) {
  const TomlFields fields(table, "[[quota]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kQuotaKeys));
  CLOISTER_TRY(const std::string tenant, fields.text("tenant"));
  if (tenant != kAny && !is_name(tenant)) {
    return fields.error(fields.line_of("tenant"),
                        "tenant " + in_quotes(tenant) + " is neither a tenant's name nor any");
  }
  Quota quota;
  CLOISTER_TRY(quota.requests_per_second, fields.integer("requests_per_second", 1, kQuotaMax));
  CLOISTER_TRY(quota.burst, fields.integer("burst", 1, kQuotaMax));
  CLOISTER_TRY(quota.keys_per_batch, fields.integer("keys_per_batch", 1, kQuotaMax));
  const bool is_new = document.quotas.emplace(tenant == kAny ? kQuotaOfOthers : tenant, quota).second;
  if (!is_new) return fields.error(table.line, "a second quota for " + in_quotes(tenant));
  return {};
}

Status parse_expected_target(const TomlFields& fields, Expectation& expectation) {
  struct Part {
    std::string_view key;
    std::string Expectation::* text;
  };
  for (const Part& part : {Part{"tenant", &Expectation::tenant}, Part{"environment", &Expectation::environment},
                           Part{"dataset", &Expectation::dataset}}) {
    CLOISTER_TRY(auto text, fields.optional_text(part.key));
    if (!text) continue;
    if (!is_name(*text)) {
      return fields.error(fields.line_of(part.key), std::string(part.key) + " " + in_quotes(*text) +
                                                        " isn't a name; a request without one leaves it out");
    }
    expectation.*part.text = std::move(*text);
  }
  return {};
}

// `at` is what the document says for all of them.
Result<Expectation> parse_expectation(const TomlTable& table, std::optional<Time> at) {
  const TomlFields fields(table, "[[expect]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kExpectKeys));
  Expectation expectation;
  expectation.line = table.line;
  CLOISTER_TRY(expectation.caller, fields.text("caller"));
  CLOISTER_TRY(const std::string operation, fields.text("operation"));
  auto parsed = parse_operation(operation);
  if (!parsed.ok()) return fields.error(fields.line_of("operation"), parsed.error().message());
  expectation.operation = *parsed;
  CLOISTER_RETURN_IF_ERROR(parse_expected_target(fields, expectation));
  CLOISTER_TRY(const std::string purpose, fields.text("purpose"));
  auto why = parse_purpose(purpose);
  if (!why.ok()) return fields.error(fields.line_of("purpose"), why.error().message());
  expectation.purpose = *why;
  if (fields.has("keys")) {
    CLOISTER_TRY(expectation.keys, fields.integer("keys", 1, kQuotaMax));
  }
  CLOISTER_TRY(const auto own_time, fields.optional_time("at"));
  if (own_time) at = own_time;
  if (!at) return fields.error(table.line, "the policy has dates: write at here, or expect_at at the top for all");
  expectation.at = *at;
  CLOISTER_TRY(const std::string decision, fields.text("decision"));
  if (decision != "allow" && decision != "deny") {
    return fields.error(fields.line_of("decision"), "decision is neither \"allow\" nor \"deny\"");
  }
  expectation.allowed = decision == "allow";
  CLOISTER_TRY(expectation.rule, fields.optional_text("rule"));
  const auto complete = check_request(expectation.request());
  if (!complete.ok()) return fields.error(table.line, complete.error().message());
  return expectation;
}

Status parse_top(const TomlTable& top, Document& document) {
  const TomlFields fields(top, "");
  if (!fields.has("version")) return fields.error(1, "version isn't written: version = 1");
  CLOISTER_TRY(const std::uint32_t version, fields.integer("version", 1, kQuotaMax));
  if (version != 1) {
    return Error(Code::kUnsupported, "policy version " + std::to_string(version) + " is newer than this program");
  }
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kTopKeys));
  CLOISTER_TRY(document.id, fields.text("id"));
  const auto is_id_character = [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; };
  if (document.id.empty() || document.id.size() > kIdSizeMax || !std::ranges::all_of(document.id, is_id_character)) {
    return fields.error(fields.line_of("id"), "an id is 1 to 128 printable ASCII characters without blanks or quotes");
  }
  if (!fields.has("not_after")) {
    return fields.error(1, "not_after isn't written: until when is this policy good? A time, or \"never\"");
  }
  CLOISTER_TRY(document.validity.not_before, fields.optional_time("not_before"));
  const auto never = fields.text("not_after");
  if (never.ok() && *never == "never") return {};
  CLOISTER_TRY(document.validity, parse_rule_validity(fields));
  return {};
}

Status parse_rules(const TomlDocument& toml, Document& document) {
  for (const TomlTable& table : toml.tables) {
    if (table.name != "allow" && table.name != "deny") continue;
    if (document.rules.size() == kRulesMax) {
      return Error(Code::kInvalid, "more than " + std::to_string(kRulesMax) + " rules");
    }
    CLOISTER_TRY(Rule rule, parse_rule(table));
    document.rules.push_back(std::move(rule));
  }
  std::ranges::sort(document.rules,
                    [](const Rule& a, const Rule& b) { return a.name == b.name ? a.line < b.line : a.name < b.name; });
  const auto twin = std::ranges::adjacent_find(document.rules, {}, &Rule::name);
  if (twin == document.rules.end()) return {};
  return Error(Code::kInvalid, "line " + std::to_string((twin + 1)->line) + ": a second rule named " +
                                   in_quotes(twin->name) + ": the first is at line " + std::to_string(twin->line));
}

Status check_expected_rule(const Document& document, const Expectation& expectation) {
  if (!expectation.rule) return {};
  if (std::ranges::binary_search(document.rules, *expectation.rule, {}, &Rule::name)) return {};
  std::vector<std::string_view> names;
  for (const Rule& rule : document.rules) names.push_back(rule.name);
  return Error(Code::kInvalid, "line " + std::to_string(expectation.line) + ": [[expect]]: there is no rule " +
                                   in_quotes(*expectation.rule) + suggestion(*expectation.rule, names));
}

Status parse_rest(const TomlDocument& toml, Document& document) {
  CLOISTER_TRY(std::optional<Time> at, TomlFields(toml.top, "").optional_time("expect_at"));
  const bool has_dates = document.validity.bounded() ||
                         std::ranges::any_of(document.rules, [](const Rule& rule) { return rule.validity.bounded(); });
  if (!at && !has_dates) at = Time{};
  std::size_t quotas = 0;
  for (const TomlTable& table : toml.tables) {
    if (table.name == "quota") {
      if (++quotas > kQuotasMax) return Error(Code::kInvalid, "more than " + std::to_string(kQuotasMax) + " quotas");
      CLOISTER_RETURN_IF_ERROR(parse_quota(table, document));
    } else if (table.name == "expect") {
      if (document.expectations.size() == kExpectationsMax) {
        return Error(Code::kInvalid, "more than " + std::to_string(kExpectationsMax) + " expectations");
      }
      CLOISTER_TRY(Expectation expectation, parse_expectation(table, at));
      CLOISTER_RETURN_IF_ERROR(check_expected_rule(document, expectation));
      document.expectations.push_back(std::move(expectation));
    }
  }
  return {};
}

}  // namespace

Result<Document> parse_document(std::string_view text) {
  CLOISTER_TRY(const TomlDocument toml, parse_toml(text));
  Document document;
  if (toml.top.entries.empty() && toml.tables.empty()) return document;
  CLOISTER_RETURN_IF_ERROR(parse_top(toml.top, document));
  for (const TomlTable& table : toml.tables) {
    if (std::ranges::find(kTableNames, table.name) != kTableNames.end()) continue;
    return Error(Code::kInvalid, "line " + std::to_string(table.line) + ": there is no table [[" + table.name + "]]" +
                                     suggestion(table.name, kTableNames));
  }
  CLOISTER_RETURN_IF_ERROR(parse_rules(toml, document));
  CLOISTER_RETURN_IF_ERROR(parse_rest(toml, document));
  return document;
}

}  // namespace cloister::policy
