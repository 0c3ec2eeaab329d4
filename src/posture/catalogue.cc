// Reads a catalogue of controls, strictly: a clause of a framework that nobody described is refused, and so is every
// word that isn't one of its kind.
#include "posture/catalogue.h"

#include <algorithm>

#include "base/toml_fields.h"
#include "crypto/hash.h"

namespace cloister::posture {
namespace {

constexpr std::array<std::string_view, kLevelCount> kLevels = {"Foundational", "Applied", "Advanced", "Strategic"};
constexpr std::array<std::string_view, kDomainCount> kDomains = {"at_rest", "in_transit", "in_use", "keys_and_tenancy",
                                                                 "governance_and_evidence"};
constexpr std::array<std::string_view, kDomainCount> kDomainTitles = {"At rest", "In transit", "In use",
                                                                      "Keys and tenancy", "Governance and evidence"};
constexpr std::array<std::string_view, 3> kAutomations = {"full", "partial", "manual"};
constexpr std::array<std::string_view, 1> kYes = {"yes"};
constexpr std::string_view kAtlas = "mitre_atlas";

constexpr std::array<std::string_view, 2> kTopKeys = {"id", "version"};
constexpr std::array<std::string_view, 3> kFrameworkKeys = {"id", "title", "note"};
constexpr std::array<std::string_view, 16> kControlKeys = {
    "id",        "title",    "domain",    "gates",       "critical", "automation", "effort",           "statement",
    "procedure", "evidence", "criterion", "remediation", "direct",   "supports",   "atlas_techniques", "weaknesses"};

template <typename T>
Result<T> one_of(const TomlFields& fields, std::string_view key, std::span<const std::string_view> words) {
  CLOISTER_TRY(const std::string text, fields.text(key));
  const auto found = std::ranges::find(words, text);
  if (found != words.end()) return static_cast<T>(found - words.begin());
  return fields.error(fields.line_of(key),
                      "there is no " + std::string(key) + " \"" + text + "\"" + suggestion(text, words));
}

Result<std::vector<std::string>> texts(const TomlFields& fields, std::string_view key) {
  std::vector<std::string> out;
  if (!fields.has(key)) return out;
  CLOISTER_TRY(const auto words, fields.words(key));
  for (const TomlFields::Word& word : words) out.push_back(word.text);
  return out;
}

std::vector<std::string> split(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  for (std::size_t end = 0; end != std::string_view::npos;) {
    end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end != std::string_view::npos) text.remove_prefix(end + separator.size());
  }
  return parts;
}

// "nist_800_53r5: SC-28; SC-28(1)"
cloister::Status add_mappings(const TomlFields& fields, std::string_view key, Relation relation,
                              const Catalogue& catalogue, Control& control) {
  if (!fields.has(key)) return ok_status();
  CLOISTER_TRY(const auto words, fields.words(key));
  for (const TomlFields::Word& word : words) {
    const std::size_t colon = word.text.find(": ");
    if (colon == std::string::npos)
      return fields.error(word.line, "a mapping is a framework, a colon and its clauses, by semicolons");
    Mapping mapping{relation, word.text.substr(0, colon), split(std::string_view(word.text).substr(colon + 2), "; ")};
    if (catalogue.framework(mapping.framework) == nullptr)
      return fields.error(word.line, "there is no framework \"" + mapping.framework + "\"");
    if (std::ranges::find(mapping.clauses, "") != mapping.clauses.end())
      return fields.error(word.line, "a clause is empty");
    const auto same = [&](const Mapping& other) {
      return other.relation == relation && other.framework == mapping.framework;
    };
    if (std::ranges::any_of(control.mappings, same))
      return fields.error(word.line, "\"" + mapping.framework + "\" is there twice");
    if (mapping.framework == kAtlas)
      control.atlas_mitigations.insert(control.atlas_mitigations.end(), mapping.clauses.begin(), mapping.clauses.end());
    control.mappings.push_back(std::move(mapping));
  }
  return ok_status();
}

cloister::Status take_framework(const TomlTable& table, Catalogue& catalogue) {
  const TomlFields fields(table, "[[framework]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kFrameworkKeys));
  Framework framework;
  CLOISTER_TRY(framework.id, fields.text("id"));
  CLOISTER_TRY(framework.title, fields.text("title"));
  CLOISTER_TRY(const auto note, fields.optional_text("note"));
  framework.note = note.value_or("");
  if (catalogue.framework(framework.id) != nullptr)
    return fields.error(fields.line_of("id"), "there is a framework \"" + framework.id + "\" already");
  catalogue.frameworks.push_back(std::move(framework));
  return ok_status();
}

cloister::Status take_control(const TomlTable& table, Catalogue& catalogue) {
  const TomlFields fields(table, "[[control]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kControlKeys));
  Control control;
  CLOISTER_TRY(control.id, fields.text("id"));
  CLOISTER_TRY(control.title, fields.text("title"));
  CLOISTER_TRY(control.domain, one_of<Domain>(fields, "domain", kDomains));
  CLOISTER_TRY(control.gates, one_of<Level>(fields, "gates", kLevels));
  control.critical = fields.has("critical");
  if (control.critical) CLOISTER_RETURN_IF_ERROR(one_of<std::uint8_t>(fields, "critical", kYes));
  CLOISTER_TRY(control.automation, one_of<Automation>(fields, "automation", kAutomations));
  CLOISTER_TRY(control.effort, fields.integer("effort", 1, 4));
  CLOISTER_TRY(control.statement, fields.text("statement"));
  CLOISTER_TRY(control.procedure, texts(fields, "procedure"));
  CLOISTER_TRY(control.evidence, texts(fields, "evidence"));
  CLOISTER_TRY(control.criterion, fields.text("criterion"));
  CLOISTER_TRY(control.remediation, fields.text("remediation"));
  CLOISTER_RETURN_IF_ERROR(add_mappings(fields, "direct", Relation::kDirect, catalogue, control));
  CLOISTER_RETURN_IF_ERROR(add_mappings(fields, "supports", Relation::kSupports, catalogue, control));
  CLOISTER_TRY(control.atlas_techniques, texts(fields, "atlas_techniques"));
  CLOISTER_TRY(control.weaknesses, texts(fields, "weaknesses"));
  if (catalogue.find(control.id) != nullptr)
    return fields.error(fields.line_of("id"), "there is a control \"" + control.id + "\" already");
  catalogue.controls.push_back(std::move(control));
  return ok_status();
}

}  // namespace

std::string_view name_of(Level level) { return kLevels[static_cast<std::size_t>(level)]; }
std::string_view name_of(Domain domain) { return kDomains[static_cast<std::size_t>(domain)]; }
std::string_view title_of(Domain domain) { return kDomainTitles[static_cast<std::size_t>(domain)]; }

const Control* Catalogue::find(std::string_view wanted) const {
  const auto found = std::ranges::find(controls, wanted, &Control::id);
  return found == controls.end() ? nullptr : &*found;
}

const Framework* Catalogue::framework(std::string_view wanted) const {
  const auto found = std::ranges::find(frameworks, wanted, &Framework::id);
  return found == frameworks.end() ? nullptr : &*found;
}

Result<Catalogue> parse_catalogue(std::string_view toml) {
  CLOISTER_TRY(const TomlDocument document, parse_toml(toml));
  const TomlFields top(document.top, "the catalogue");
  CLOISTER_RETURN_IF_ERROR(top.expect_only(kTopKeys));
  Catalogue catalogue;
  CLOISTER_TRY(catalogue.id, top.text("id"));
  CLOISTER_TRY(catalogue.version, top.text("version"));
  catalogue.digest = to_hex(crypto::sha256(as_bytes(toml)));
  for (const TomlTable& table : document.tables) {
    if (table.name == "framework") {
      CLOISTER_RETURN_IF_ERROR(take_framework(table, catalogue));
    } else if (table.name == "control") {
      CLOISTER_RETURN_IF_ERROR(take_control(table, catalogue));
    } else {
      return Error(Code::kInvalid, "line " + std::to_string(table.line) + ": there is no table [[" + table.name + "]]");
    }
  }
  if (catalogue.controls.empty()) return Error(Code::kInvalid, "line 1: a catalogue has at least one [[control]]");
  return catalogue;
}

const Catalogue& built_in_catalogue() {
  static const Catalogue catalogue = [] {
    Result<Catalogue> parsed = parse_catalogue(built_in_catalogue_text());
    CLOISTER_CHECK(parsed.ok());
    return std::move(*parsed);
  }();
  return catalogue;
}

}  // namespace cloister::posture
