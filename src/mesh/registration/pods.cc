#include "mesh/registration/pods.h"

#include <algorithm>
#include <set>

#include "base/json.h"
#include "base/reader.h"

namespace cloister::mesh {
namespace {

constexpr std::size_t kLabelsMax = 256;
constexpr std::size_t kContainersMax = 128;  // of a pod

Error wrong(const std::string& what) { return Error(Code::kInvalid, "list of pods: " + what); }

// Empty where it isn't there or is something else.
std::string text_of(const JsonValue* object, std::string_view name) {
  const JsonValue* member = object == nullptr ? nullptr : object->find(name);
  const std::string* text = member == nullptr ? nullptr : member->string();
  return text == nullptr ? std::string() : *text;
}

const JsonValue::Array& list_of(const JsonValue* object, std::string_view name) {
  static const JsonValue::Array none;
  const JsonValue* member = object == nullptr ? nullptr : object->find(name);
  const JsonValue::Array* list = member == nullptr ? nullptr : member->array();
  return list == nullptr ? none : *list;
}

// Leaves out what no entry could name.
void add(std::vector<Selector>& selectors, std::string_view key, const std::string& value) {
  if (value.empty()) return;
  auto selector = parse_selector("k8s:" + std::string(key) + ":" + value);
  if (selector.ok() && is_plain_utf8(value)) selectors.push_back(std::move(*selector));
}

Result<std::vector<Selector>> pod_selectors(const JsonValue& pod, const std::string& uid) {
  const JsonValue* metadata = pod.find("metadata");
  const JsonValue* spec = pod.find("spec");
  std::vector<Selector> all;
  add(all, "ns", text_of(metadata, "namespace"));
  add(all, "sa", text_of(spec, "serviceAccountName"));
  add(all, "node-name", text_of(spec, "nodeName"));
  add(all, "pod-name", text_of(metadata, "name"));
  add(all, "pod-uid", uid);
  const JsonValue* labels = metadata->find("labels");
  if (labels != nullptr && labels->object() != nullptr) {
    if (labels->object()->size() > kLabelsMax) return wrong("a pod has more than 256 labels");
    for (const auto& [name, value] : *labels->object()) {
      if (value.string() != nullptr) add(all, "pod-label", name + ":" + *value.string());
    }
  }
  for (const JsonValue& owner : list_of(metadata, "ownerReferences")) {
    const std::string kind = text_of(&owner, "kind"), name = text_of(&owner, "name"), id = text_of(&owner, "uid");
    if (!kind.empty() && !name.empty()) add(all, "pod-owner", kind + ":" + name);
    if (!kind.empty() && !id.empty()) add(all, "pod-owner-uid", kind + ":" + id);
  }
  std::set<std::string> images;
  for (const JsonValue& container : list_of(spec, "containers")) images.insert(text_of(&container, "image"));
  for (const std::string& image : images) add(all, "pod-image", image);
  add(all, "pod-image-count", std::to_string(list_of(spec, "containers").size()));
  return all;
}

// "containerd://ID": the id, when it is one that a control group has.
std::string id_of(const JsonValue& status) {
  const std::string text = text_of(&status, "containerID");
  const std::size_t at = text.find("://");
  if (at == std::string::npos) return {};
  const std::string id = text.substr(at + 3);
  const bool good = id.size() == 64 && id.find_first_not_of("0123456789abcdef") == std::string::npos;
  return good ? id : std::string();
}

}  // namespace

Result<Pods> Pods::parse(std::string_view json) {
  const JsonLimits limits{.size = kPodsTextMax, .depth = 32, .values = std::size_t{1} << 20};
  CLOISTER_TRY(const JsonValue document, parse_json(json, limits).with_context("list of pods"));
  const JsonValue* items = document.find("items");
  if (items == nullptr || items->array() == nullptr) return wrong("it has no items");
  if (items->array()->size() > kPodsMax) return wrong("it has more than 4096");
  Pods pods;
  for (const JsonValue& pod : *items->array()) {
    const std::string uid = text_of(pod.find("metadata"), "uid");
    if (uid.empty()) return wrong("a pod has no uid");
    // A pod from a file of the node runs under the digest of that file, not under the uid that the API server gave it.
    const JsonValue* annotations = pod.find("metadata")->find("annotations");
    const std::string mirror = text_of(annotations, "kubernetes.io/config.mirror");
    const std::string runs_as = mirror.empty() ? uid : mirror;
    CLOISTER_TRY(auto selectors, pod_selectors(pod, uid));
    if (!pods.pods_.emplace(runs_as, std::move(selectors)).second) return wrong("pod " + uid + " is there twice");
    const JsonValue* status = pod.find("status");
    std::size_t count = 0;
    for (const std::string_view kind : {"containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"}) {
      for (const JsonValue& one : list_of(status, kind)) {
        if (++count > kContainersMax) return wrong("pod " + uid + " has more than 128 containers");
        const std::string id = id_of(one);
        if (id.empty()) continue;  // it hasn't started
        Container container{runs_as, {}};
        add(container.selectors, "container-name", text_of(&one, "name"));
        add(container.selectors, "container-image", text_of(&one, "image"));
        add(container.selectors, "container-image", text_of(&one, "imageID"));
        if (!pods.containers_.emplace(id, std::move(container)).second) return wrong("a container is there twice");
      }
    }
  }
  return pods;
}

std::vector<Selector> Pods::selectors_of(const PodContainer& container) const {
  const auto found = containers_.find(container.container_id);
  if (found == containers_.end() || found->second.pod_uid != container.pod_uid) return {};
  std::vector<Selector> all = found->second.selectors;
  const std::vector<Selector>& of_pod = pods_.at(container.pod_uid);
  all.insert(all.end(), of_pod.begin(), of_pod.end());
  return all;
}

}  // namespace cloister::mesh
