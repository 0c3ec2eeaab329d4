// Which attributes of a declared resource say how its bytes rest: one row for each type of Terraform's and
// CloudFormation's that keeps data.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "mesh/manifest/yaml.h"
#include "posture/collect/fact_maker.h"
#include "posture/estate.h"

namespace cloister::posture {

// One resource, of a plan, a state or a template.
struct DeclaredResource {
  std::string address;  // in its file: "module.data.aws_s3_bucket.corpus", "Corpus"
  std::string type;
  const mesh::YamlValue* values = nullptr;
  // What isn't known before it is applied: true where a value will be. Null: all that will be is known.
  const mesh::YamlValue* unknown = nullptr;
};

struct ResourceView {
  StorageView view;
  std::string location;  // "s3://corpus"; empty: its name isn't known yet
};

// Nothing for a type that keeps no data. `customer_keys`: ARNs and ids of keys that the same file declares, which are
// therefore a customer's.
std::optional<ResourceView> view_of_resource(const Estate& estate, const DeclaredResource& resource,
                                             const std::set<std::string>& customer_keys);

// What one attribute says. A value that isn't known yet, or that a function will make, is neither text nor absent.
struct Attribute {
  enum class Kind : std::uint8_t { kAbsent, kText, kUnknown };
  Kind kind = Kind::kAbsent;
  std::string text;
};
// At a path of names with dots between them.
Attribute attribute_of(const DeclaredResource& resource, std::string_view path);

}  // namespace cloister::posture
