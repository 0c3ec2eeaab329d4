#include "mesh/registration/containers.h"

#include "base/json.h"
#include "base/reader.h"

namespace cloister::mesh {
namespace {

constexpr std::size_t kSelectorsMax = 1024;  // of a container

Error wrong(const std::string& what) { return Error(Code::kInvalid, "list of containers: " + what); }

const std::string* text_of(const JsonValue* object, std::string_view name) {
  const JsonValue* member = object == nullptr ? nullptr : object->find(name);
  return member == nullptr ? nullptr : member->string();
}

// Leaves out what no entry could name.
void add(std::vector<Selector>& selectors, std::string_view key, const std::string& value) {
  if (value.empty() || !is_plain_utf8(value)) return;
  auto selector = parse_selector("docker:" + std::string(key) + ":" + value);
  if (selector.ok()) selectors.push_back(std::move(*selector));
}

}  // namespace

Result<Containers> Containers::parse(std::string_view json) {
  const JsonLimits limits{.size = kContainersTextMax, .depth = 32, .values = std::size_t{1} << 20};
  CLOISTER_TRY(const JsonValue document, parse_json(json, limits).with_context("list of containers"));
  if (document.array() == nullptr) return wrong("it is no array");
  if (document.array()->size() > kContainerListMax) return wrong("it has more than 4096");
  Containers containers;
  for (const JsonValue& one : *document.array()) {
    const std::string* id = text_of(&one, "Id");
    if (id == nullptr || id->size() != 64) return wrong("a container has no id");
    std::vector<Selector> selectors;
    const JsonValue* config = one.find("Config");
    if (const std::string* digest = text_of(&one, "Image")) add(selectors, "image_config_digest", *digest);
    if (const std::string* image = text_of(config, "Image")) add(selectors, "image_id", *image);
    const JsonValue* labels = config == nullptr ? nullptr : config->find("Labels");
    if (labels != nullptr && labels->object() != nullptr) {
      for (const auto& [name, value] : *labels->object()) {
        if (value.string() != nullptr) add(selectors, "label", name + ":" + *value.string());
      }
    }
    const JsonValue* environment = config == nullptr ? nullptr : config->find("Env");
    if (environment != nullptr && environment->array() != nullptr) {
      for (const JsonValue& variable : *environment->array()) {
        if (variable.string() != nullptr) add(selectors, "env", *variable.string());
      }
    }
    if (selectors.size() > kSelectorsMax) return wrong("a container has more than 1024 labels and variables");
    if (!containers.containers_.emplace(*id, std::move(selectors)).second) return wrong(*id + " is there twice");
  }
  return containers;
}

std::vector<Selector> Containers::selectors_of(const std::string& container_id) const {
  const auto found = containers_.find(container_id);
  return found == containers_.end() ? std::vector<Selector>() : found->second;
}

}  // namespace cloister::mesh
