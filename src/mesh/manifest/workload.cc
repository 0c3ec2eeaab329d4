#include "mesh/manifest/workload.h"

#include <algorithm>

namespace cloister::mesh {
namespace {

bool is_pod_spec(const YamlValue& value) {
  const YamlValue& containers = value.at("containers");
  return containers.is_list() && !containers.items.empty() && containers.items.front().is_map();
}

const YamlValue& nothing() {
  static const YamlValue value;
  return value;
}

class Search {
 public:
  Search(const Resource& resource, std::string name_space, std::vector<Workload>& out)
      : resource_(&resource), name_space_(std::move(name_space)), out_(&out) {}

  // A pod's template is a map with a spec that has containers. Where containers stand elsewhere (a predictor of
  // KServe), the pod has the labels of the whole.
  void look(const YamlValue& value, const std::string& path) {
    for (const YamlMember& member : value.members) {
      const std::string below = path.empty() ? member.name : path + "." + member.name;
      if (!is_pod_spec(member.value)) {
        look(member.value, below);
      } else if (member.name == "spec") {
        found(value.at("metadata"), member.value, path);
      } else {
        found(resource_->root.at("metadata"), member.value, below);
      }
    }
    for (std::size_t i = 0; i < value.items.size(); ++i) look(value.items[i], path + "." + std::to_string(i));
  }

 private:
  void found(const YamlValue& metadata, const YamlValue& pod, std::string path) {
    Workload workload;
    workload.resource = resource_;
    workload.path = std::move(path);
    workload.metadata = metadata.is_map() ? &metadata : &nothing();
    workload.pod = &pod;
    workload.name_space = name_space_;
    out_->push_back(std::move(workload));
  }

  const Resource* resource_;
  std::string name_space_;
  std::vector<Workload>* out_;
};

void add_words(std::vector<std::string>& words, const YamlValue& list) {
  for (const YamlValue& item : list.items) {
    std::size_t at = 0;
    while (at < item.text.size()) {
      const std::size_t end = std::min(item.text.find_first_of(" \t\r\n\\", at), item.text.size());
      if (end > at) words.push_back(item.text.substr(at, end - at));
      at = end + 1;
    }
  }
}

void add_options(Container& container) {
  for (std::size_t i = 0; i < container.words.size(); ++i) {
    const std::string& word = container.words[i];
    if (!word.starts_with("-")) continue;
    const std::size_t equals = word.find('=');
    std::string value;
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (i + 1 < container.words.size() && !container.words[i + 1].starts_with("-")) {
      value = container.words[i + 1];
    }
    container.options.emplace_back(word.substr(0, equals), std::move(value));
  }
}

}  // namespace

std::string Workload::subject() const {
  const std::string name = resource->name.empty() ? "(without a name)" : resource->name;
  const bool usual = path.empty() || path == "spec.template" || path == "spec.jobTemplate.spec.template";
  return resource->kind + " " + name_space + "/" + name + (usual ? "" : " (" + path + ")");
}

std::vector<Workload> workloads_of(const std::vector<Resource>& resources, const std::string& default_namespace) {
  std::vector<Workload> workloads;
  for (const Resource& resource : resources) {
    if (resource.kind.empty()) continue;
    Search(resource, resource.name_space.empty() ? default_namespace : resource.name_space, workloads)
        .look(resource.root, "");
  }
  return workloads;
}

bool Container::has_word(std::string_view word) const { return std::ranges::find(words, word) != words.end(); }

const std::string* Container::option(std::string_view name) const {
  const auto found = std::ranges::find(options, name, &std::pair<std::string, std::string>::first);
  return found == options.end() ? nullptr : &found->second;
}

const YamlValue& Container::env(std::string_view name) const {
  for (const YamlValue& variable : value->at("env").items) {
    if (variable.at("name").text == name) return variable.at("value");
  }
  return nothing();
}

bool Container::has_env(std::string_view name) const {
  return std::ranges::any_of(value->at("env").items,
                             [name](const YamlValue& variable) { return variable.at("name").text == name; });
}

bool Container::has_env_prefix(std::string_view prefix) const {
  return std::ranges::any_of(value->at("env").items, [prefix](const YamlValue& variable) {
    return std::string_view(variable.at("name").text).starts_with(prefix);
  });
}

bool Container::any_word_has(std::string_view part) const {
  return std::ranges::any_of(words, [part](const std::string& word) { return word.find(part) != std::string::npos; });
}

std::vector<Container> containers_of(const Workload& workload) {
  std::vector<Container> containers;
  for (const std::string_view list : {"initContainers", "containers"}) {
    for (const YamlValue& item : workload.pod->at(list).items) {
      Container container;
      container.value = &item;
      container.line = item.line;
      container.image = item.at("image").text;
      add_words(container.words, item.at("command"));
      add_words(container.words, item.at("args"));
      add_options(container);
      containers.push_back(std::move(container));
    }
  }
  return containers;
}

std::string image_path(std::string_view image) {
  std::string path(image.substr(0, image.find('@')));
  const std::size_t slash = path.find('/');
  if (slash != std::string::npos) {
    const std::string first = path.substr(0, slash);
    if (first.find_first_of(".:") != std::string::npos || first == "localhost") path = path.substr(slash + 1);
  }
  path = path.substr(0, path.find(':'));
  std::ranges::transform(path, path.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return path;
}

}  // namespace cloister::mesh
