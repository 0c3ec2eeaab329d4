// Which pod a container belongs to, from a list of pods in Kubernetes' JSON: what kubelet's /pods or `kubectl get pods
// -o json` of one node says, in a file that somebody keeps fresh.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/registration/control_groups.h"
#include "mesh/selector.h"

namespace cloister::mesh {

inline constexpr std::size_t kPodsTextMax = std::size_t{32} << 20;
inline constexpr std::size_t kPodsMax = 4096;

class Pods {
 public:
  Pods() = default;
  // kInvalid for what isn't a list of pods, names a container or a pod twice, or is over the bounds.
  static Result<Pods> parse(std::string_view json);

  // Of type k8s, named as SPIRE names them; none for a container that isn't in the list, or in it under another pod
  // than the kernel's word.
  std::vector<Selector> selectors_of(const PodContainer& container) const;

 private:
  struct Container {
    std::string pod_uid;
    std::vector<Selector> selectors;  // its pod's are apart
  };
  std::map<std::string, Container> containers_;        // by id
  std::map<std::string, std::vector<Selector>> pods_;  // by uid
};

}  // namespace cloister::mesh
