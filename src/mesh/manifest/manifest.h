// Kubernetes objects as they are written down: files, folders and standard input into resources that know their place.
#pragma once

#include "base/file.h"
#include "mesh/manifest/yaml.h"

namespace cloister::mesh {

inline constexpr std::size_t kManifestFilesMax = 20'000;
inline constexpr std::size_t kManifestBytesMax = std::size_t{256} << 20;

// One object. A document that is none (a chart's values, a template of CloudFormation) has no kind.
struct Resource {
  std::string file;
  std::uint32_t line = 0;
  std::string group;  // of apiVersion; empty for the core group
  std::string version;
  std::string kind;
  std::string name;
  std::string name_space;  // as written, empty where it isn't
  YamlValue root;

  const YamlValue& spec() const { return root.at("spec"); }
  const YamlValue& label(std::string_view key) const { return root.under("metadata.labels").at(key); }
  const YamlValue& annotation(std::string_view key) const { return root.under("metadata.annotations").at(key); }
  bool is(std::string_view a_group, std::string_view a_kind) const { return group == a_group && kind == a_kind; }
  // "PeerAuthentication prod/default".
  std::string subject() const;
};

// A file that isn't what it should be. What it would have said isn't known.
struct UnreadManifest {
  std::string file;
  std::string reason;
};

struct Manifests {
  std::vector<Resource> resources;
  std::vector<UnreadManifest> unread;
  std::size_t files = 0;
};

// The objects of one file; those of a List one by one. kInvalid where it isn't YAML (see yaml.h) or where an object has
// an apiVersion, kind, name or namespace that isn't text.
Result<std::vector<Resource>> read_manifest(const std::string& file, std::string_view text);

// Every .yaml, .yml and .json file of a folder and those below it, in order of their names; a file whatever its name;
// "-" is standard input. Links to folders aren't followed. A file that can't be read as a manifest is kept as unread;
// kNotFound for a path that isn't there, kInvalid for more than the limits.
Result<Manifests> load_manifests(const std::vector<std::string>& paths);

}  // namespace cloister::mesh
