// Infrastructure as it is written down: Terraform's and OpenTofu's plans and states in JSON, CloudFormation templates
// in YAML and JSON. docs/posture-collectors.md lists the files and the types of resources.
#pragma once

#include <vector>

#include "posture/collect/input_file.h"
#include "posture/collector.h"

namespace cloister::posture {

// "iac/1". Each resource that keeps data is a fact of kind `iac.resource`, with the values of `storage.encryption` and
// `planned`. What a state says was so when it was applied, and is a `storage.encryption` as well. What a plan or a
// template says is only meant to be: it becomes one where it is bad, and is never proof of anything good.
class IacCollector final : public Collector {
 public:
  explicit IacCollector(std::vector<InputFile> files) : files_(std::move(files)) {}
  std::string_view name() const override { return "iac/1"; }
  void collect(const CollectContext& context, FactSink& sink) override;

 private:
  std::vector<InputFile> files_;
};

}  // namespace cloister::posture
