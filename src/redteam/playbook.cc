// Reads a playbook, strictly: an exercise without an outcome that counts as defended is none.
#include "redteam/playbook.h"

#include <algorithm>
#include <array>

#include "base/toml_fields.h"

namespace cloister::redteam {
namespace {

constexpr std::array<std::string_view, 2> kTopKeys = {"id", "version"};
constexpr std::array<std::string_view, 11> kExerciseKeys = {
    "id", "name", "procedure", "defended", "atlas", "capec", "cwe", "automation", "needs", "proves", "not_here"};

Result<std::vector<std::string>> texts(const TomlFields& fields, std::string_view key) {
  std::vector<std::string> out;
  if (!fields.has(key)) return out;
  CLOISTER_TRY(const auto words, fields.words(key));
  for (const TomlFields::Word& word : words) out.push_back(word.text);
  return out;
}

Result<Exercise> read_exercise(const TomlTable& table) {
  TomlFields fields(table, "[[exercise]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kExerciseKeys));
  Exercise out;
  CLOISTER_TRY(out.id, fields.text("id"));
  fields.set_what("[[exercise]] \"" + out.id + "\"");
  CLOISTER_TRY(out.name, fields.text("name"));
  CLOISTER_TRY(out.procedure, fields.text("procedure"));
  CLOISTER_TRY(out.defended, fields.text("defended"));
  CLOISTER_TRY(out.atlas, texts(fields, "atlas"));
  CLOISTER_TRY(out.capec, texts(fields, "capec"));
  CLOISTER_TRY(out.cwe, texts(fields, "cwe"));
  CLOISTER_TRY(out.automation, fields.text("automation"));
  CLOISTER_TRY(out.needs, fields.text("needs"));
  CLOISTER_TRY(out.proves, texts(fields, "proves"));
  CLOISTER_TRY(const auto not_here, fields.optional_text("not_here"));
  out.not_here = not_here.value_or("");
  if (out.proves.empty()) return fields.error(fields.line(), "it proves nothing");
  return out;
}

}  // namespace

const Exercise* Playbook::find(std::string_view wanted) const {
  const auto found = std::ranges::find(exercises, wanted, &Exercise::id);
  return found == exercises.end() ? nullptr : &*found;
}

Result<Playbook> parse_playbook(std::string_view toml) {
  CLOISTER_TRY(const TomlDocument document, parse_toml(toml, TomlSubset::kRules));
  const TomlFields top(document.top, "the playbook");
  CLOISTER_RETURN_IF_ERROR(top.expect_only(kTopKeys));
  Playbook out;
  CLOISTER_TRY(out.id, top.text("id"));
  CLOISTER_TRY(out.version, top.text("version"));
  for (const TomlTable& table : document.tables) {
    const TomlFields fields(table, "[[" + table.name + "]]");
    if (table.name != "exercise") return fields.error(table.line, "there is no such table");
    CLOISTER_TRY(Exercise exercise, read_exercise(table));
    if (out.find(exercise.id) != nullptr) return fields.error(table.line, exercise.id + " is there twice");
    out.exercises.push_back(std::move(exercise));
  }
  return out;
}

const Playbook& built_in_playbook() {
  static const Playbook playbook = [] {
    auto read = parse_playbook(built_in_playbook_text());
    CLOISTER_CHECK(read.ok());
    return std::move(*read);
  }();
  return playbook;
}

}  // namespace cloister::redteam
