// YAML to tables: a list of maps is what [[name]] is in TOML.
#include "posture/estate_yaml.h"

#include "mesh/manifest/yaml.h"

namespace cloister::posture {
namespace {

using mesh::YamlMember;
using mesh::YamlValue;

Error refusal(std::uint32_t line, const std::string& message) {
  return Error(Code::kInvalid, "line " + std::to_string(line) + ": " + message);
}

// What YAML 1.1 calls true besides these ("yes", "on") is text here: environments are called such things.
TomlValue scalar(const YamlValue& value, std::uint32_t line) {
  TomlValue out;
  out.line = line;
  out.text = value.text;
  if (!value.plain) return out;
  if (value.text == "true" || value.text == "false") {
    out.kind = TomlValue::Kind::kBoolean;
    out.boolean = value.text == "true";
  } else if (const auto number = value.integer()) {
    out.kind = TomlValue::Kind::kInteger;
    out.integer = *number;
  } else if (const auto time = parse_rfc3339(value.text); time.ok()) {
    out.kind = TomlValue::Kind::kTime;
    out.time = *time;
  }
  return out;
}

Result<TomlValue> value_of(const YamlMember& member) {
  if (member.value.is_text()) return scalar(member.value, member.line);
  if (!member.value.is_list()) return refusal(member.line, member.name + " is neither a value nor a list of values");
  TomlValue out;
  out.kind = TomlValue::Kind::kList;
  out.line = member.line;
  for (const YamlValue& item : member.value.items) {
    if (!item.is_text()) return refusal(item.line, member.name + " has something else than values in it");
    out.list.push_back(scalar(item, item.line));
  }
  return out;
}

Result<TomlTable> table_of(const std::string& name, const YamlValue& map) {
  if (!map.is_map()) return refusal(map.line, name + " has something else than maps in it");
  TomlTable table;
  table.name = name;
  table.line = map.line;
  for (const YamlMember& member : map.members) {
    CLOISTER_TRY(TomlValue value, value_of(member));
    table.entries.push_back({member.name, std::move(value)});
  }
  return table;
}

bool is_list_of_maps(const YamlValue& value) {
  return value.is_list() && !value.items.empty() && value.items.front().is_map();
}

}  // namespace

Result<TomlDocument> parse_tables_from_yaml(std::string_view text) {
  mesh::YamlLimits limits;
  limits.size = kTomlSizeMax;
  limits.depth = 8;
  limits.documents = 1;
  CLOISTER_TRY(const std::vector<YamlValue> documents, mesh::parse_yaml(text, limits));
  if (documents.size() != 1 || !documents.front().is_map()) return refusal(1, "not a map of names and values");
  TomlDocument out;
  for (const YamlMember& member : documents.front().members) {
    if (!is_list_of_maps(member.value)) {
      CLOISTER_TRY(TomlValue value, value_of(member));
      out.top.entries.push_back({member.name, std::move(value)});
      continue;
    }
    for (const YamlValue& item : member.value.items) {
      CLOISTER_TRY(TomlTable table, table_of(member.name, item));
      out.tables.push_back(std::move(table));
    }
  }
  return out;
}

}  // namespace cloister::posture
