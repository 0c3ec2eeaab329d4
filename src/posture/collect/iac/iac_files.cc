#include "posture/collect/iac/iac_files.h"

#include <map>

namespace cloister::posture {
namespace {

using mesh::YamlMember;
using mesh::YamlValue;
using Kind = IacFile::Kind;

constexpr unsigned kModulesDeep = 32;

// Of values as `show -json` has them: a module, and the modules in it.
void take_module(const YamlValue& module, const std::map<std::string, const YamlValue*, std::less<>>& unknown,
                 unsigned depth, IacFile& file) {
  if (depth > kModulesDeep) return;
  for (const YamlValue& resource : module.at("resources").items) {
    if (resource.at("mode").text == "data") continue;
    const std::string& address = resource.at("address").text;
    const auto found = unknown.find(address);
    file.resources.push_back(
        {address, resource.at("type").text, &resource.at("values"), found == unknown.end() ? nullptr : found->second});
  }
  for (const YamlValue& child : module.at("child_modules").items) take_module(child, unknown, depth + 1, file);
}

void take_plan(const YamlValue& document, IacFile& file) {
  std::map<std::string, const YamlValue*, std::less<>> unknown;
  for (const YamlValue& change : document.at("resource_changes").items) {
    unknown.emplace(change.at("address").text, &change.under("change.after_unknown"));
  }
  take_module(document.under("planned_values.root_module"), unknown, 0, file);
}

void take_stored_state(const YamlValue& document, IacFile& file) {
  for (const YamlValue& resource : document.at("resources").items) {
    if (resource.at("mode").text == "data") continue;
    const std::string& module = resource.at("module").text;
    const std::string address =
        (module.empty() ? "" : module + ".") + resource.at("type").text + "." + resource.at("name").text;
    for (const YamlValue& instance : resource.at("instances").items) {
      const std::string& key = instance.at("index_key").text;
      file.sensitive += instance.at("sensitive_attributes").items.size();
      file.resources.push_back({key.empty() ? address : address + "[" + key + "]", resource.at("type").text,
                                &instance.at("attributes"), nullptr});
    }
  }
}

void take_template(const YamlValue& document, IacFile& file) {
  for (const YamlMember& member : document.at("Resources").members) {
    file.resources.push_back({member.name, member.value.at("Type").text, &member.value.at("Properties"), nullptr});
  }
}

bool is_template(const YamlValue& document) {
  const YamlValue& resources = document.at("Resources");
  if (!resources.is_map()) return false;
  for (const YamlMember& member : resources.members) {
    if (member.value.at("Type").text.find("::") != std::string::npos) return true;
  }
  return false;
}

}  // namespace

IacFile read_iac(const YamlValue& document) {
  IacFile file;
  if (document.at("encrypted_data").is_text() && document.find("encryption_version") != nullptr) {
    file.kind = Kind::kEncrypted;
  } else if (document.at("planned_values").is_map()) {
    file.kind = Kind::kPlan;
    take_plan(document, file);
  } else if (document.find("format_version") != nullptr && document.at("values").is_map()) {
    file.kind = Kind::kState;
    take_module(document.under("values.root_module"), {}, 0, file);
  } else if (document.find("terraform_version") != nullptr && document.at("resources").is_list()) {
    file.kind = Kind::kState;
    take_stored_state(document, file);
  } else if (is_template(document)) {
    file.kind = Kind::kTemplate;
    take_template(document, file);
  }
  return file;
}

}  // namespace cloister::posture
