// Volumes that pods claim, and how the class that makes them says they are encrypted.
#pragma once

#include <map>
#include <optional>

#include "mesh/manifest/yaml.h"
#include "posture/collect/fact_maker.h"
#include "posture/estate.h"

namespace cloister::posture {

struct StorageClasses {
  std::map<std::string, StorageView> by_name;
  std::string default_name;  // empty: none is marked
};

struct VolumeClaim {
  std::string name;                       // "namespace/name"
  std::optional<std::string> class_name;  // nothing: the default; empty: a volume that was made by hand
};

void take_storage_class(const Estate& estate, const mesh::YamlValue& document, StorageClasses& classes);
VolumeClaim volume_claim(const mesh::YamlValue& document);
// kNotFound where the class isn't known.
Result<StorageView> view_of_claim(const StorageClasses& classes, const VolumeClaim& claim);

}  // namespace cloister::posture
