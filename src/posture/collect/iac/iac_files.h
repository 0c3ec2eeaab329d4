// Resources out of files: which kind of file it is, and everything that it declares.
#pragma once

#include <vector>

#include "posture/collect/iac/resource_rules.h"

namespace cloister::posture {

struct IacFile {
  enum class Kind : std::uint8_t {
    kPlan,       // terraform show -json PLAN
    kState,      // terraform show -json, or a state file as it is stored
    kTemplate,   // CloudFormation
    kEncrypted,  // a state or plan that OpenTofu encrypted: nothing in it can be read
    kOther,
  };
  Kind kind = Kind::kOther;
  std::vector<DeclaredResource> resources;
  std::size_t sensitive = 0;  // values that a stored state marks as such, and holds in the clear
};

// References the document, which outlives it.
IacFile read_iac(const mesh::YamlValue& document);

}  // namespace cloister::posture
