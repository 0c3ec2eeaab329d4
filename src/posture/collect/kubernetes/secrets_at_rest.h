// How a Kubernetes cluster keeps its secrets, as its configuration, its store and its provider say.
#pragma once

#include "mesh/manifest/yaml.h"
#include "posture/collect/fact_maker.h"
#include "posture/estate.h"

namespace cloister::posture {

// kind: EncryptionConfiguration (or EncryptionConfig of old). The first provider for `secrets` is the one that writes;
// whether others are in the list says nothing of new objects. kInvalid for what isn't one.
Result<StorageView> encryption_configuration_view(const Estate& estate, const mesh::YamlValue& document);

// `etcdctl get --prefix /registry/secrets -w json`: what is really stored, value by value. kInvalid for what isn't that
// or has no secret in it, and for a part of what etcd has without one in the clear.
Result<StorageView> etcd_view(const mesh::YamlValue& document);

// A cluster as `aws eks describe-cluster`, `gcloud container clusters describe --format json` and `az aks show` print
// it.
struct ManagedCluster {
  std::string name;
  StorageView view;
};
std::optional<ManagedCluster> managed_cluster(const Estate& estate, const mesh::YamlValue& document);

}  // namespace cloister::posture
