// Kubernetes from files: manifests, the API server's EncryptionConfiguration, values out of etcd, and what EKS, GKE and
// AKS say of a cluster. No cluster is asked. docs/posture-collectors.md lists the files.
#pragma once

#include <vector>

#include "posture/collect/input_file.h"
#include "posture/collector.h"

namespace cloister::posture {

// "kubernetes/1". Facts about secrets at rest are about the location `k8s-secrets:CLUSTER`; where a file doesn't name
// its cluster, the one such location that the estate declares, else `k8s-secrets:` and the file's name. Nothing of a
// secret's value gets into a fact.
class KubernetesCollector final : public Collector {
 public:
  explicit KubernetesCollector(std::vector<InputFile> files) : files_(std::move(files)) {}
  std::string_view name() const override { return "kubernetes/1"; }
  void collect(const CollectContext& context, FactSink& sink) override;

 private:
  std::vector<InputFile> files_;
};

}  // namespace cloister::posture
