// What runs: every pod that the manifests describe, wherever a kind of resource keeps its template.
#pragma once

#include "mesh/manifest/manifest.h"

namespace cloister::mesh {

// A view into a resource, which must outlive it.
struct Workload {
  const Resource* resource = nullptr;
  std::string path;                     // where its template is: "spec.template"; empty for a Pod
  const YamlValue* metadata = nullptr;  // of the pod; may be null inside
  const YamlValue* pod = nullptr;       // its spec, which has containers
  std::string name_space;               // never empty

  const YamlValue& label(std::string_view name) const { return metadata->at("labels").at(name); }
  const YamlValue& annotation(std::string_view name) const { return metadata->at("annotations").at(name); }
  bool on_host_network() const { return pod->at("hostNetwork").truth() == true; }
  // "Deployment prod/vllm", with the path where a resource has several templates.
  std::string subject() const;
};

// In the order of the text. `default_namespace` is that of resources that name none.
std::vector<Workload> workloads_of(const std::vector<Resource>& resources, const std::string& default_namespace);

// One container: what is started with what.
struct Container {
  const YamlValue* value = nullptr;
  std::uint32_t line = 0;
  std::string image;
  std::vector<std::string> words;  // command and args; those of a shell's line too, cut at blanks

  bool has_word(std::string_view word) const;
  // "--port 1", "--port=1": the value of an option; null pointer when it isn't there. "" when it has none.
  const std::string* option(std::string_view name) const;
  // The value of an environment variable written in the manifest; null inside when it isn't, or when it comes from
  // elsewhere (has_env then says true).
  const YamlValue& env(std::string_view name) const;
  bool has_env(std::string_view name) const;
  bool has_env_prefix(std::string_view prefix) const;
  bool any_word_has(std::string_view part) const;

  std::vector<std::pair<std::string, std::string>> options;  // of `words`, as they are given
};

std::vector<Container> containers_of(const Workload& workload);

// "registry:5000/vllm/vllm-openai:v1@sha256:…" -> "vllm/vllm-openai", in lower case: without registry, tag and digest.
std::string image_path(std::string_view image);

}  // namespace cloister::mesh
