// Which mode of mutual TLS Istio comes to for a workload, from all its PeerAuthentication resources.
#pragma once

#include <map>

#include "mesh/manifest/workload.h"

namespace cloister::mesh {

enum class MtlsMode : std::uint8_t { kUnset, kDisable, kPermissive, kStrict };
// kUnset for what isn't there, "UNSET" and words that Istio doesn't know.
MtlsMode parse_mtls_mode(const YamlValue& mode);
std::string_view name_of(MtlsMode mode);  // "UNSET", "DISABLE", "PERMISSIVE", "STRICT"

// One resource; a view into it.
struct PeerAuthentication {
  const Resource* resource = nullptr;
  std::string name_space;
  std::string created;  // creationTimestamp, in RFC 3339; empty in files that were never in a cluster
  std::map<std::string, std::string> labels;  // of the selector; empty: the whole namespace
  MtlsMode mode = MtlsMode::kUnset;
  std::map<std::string, MtlsMode> ports;
};

struct EffectiveMtls {
  MtlsMode mode = MtlsMode::kPermissive;  // never kUnset: without a policy Istio is permissive
  std::map<std::string, MtlsMode> ports;
  const PeerAuthentication* decided_by = nullptr;  // null: nothing did
};

enum class IstioProxy : std::uint8_t { kSidecar, kNode };

class PeerAuthentications {
 public:
  void set_root_namespace(std::string name) { root_namespace_ = std::move(name); }
  void add(PeerAuthentication policy) { all_.push_back(std::move(policy)); }
  const std::vector<PeerAuthentication>& all() const { return all_; }

  // As istiod composes them: a policy that selects the workload before its namespace's before the root namespace's; of
  // several on one level the oldest; unset inherits; portLevelMtls counts only in a policy that selects, and a policy
  // of the root namespace never selects. Where files don't say which of several is the oldest, the weakest is assumed.
  // A node proxy doesn't know DISABLE: such policies are as if they weren't there.
  EffectiveMtls effective(const std::string& name_space, const YamlValue& labels, IstioProxy proxy) const;

 private:
  enum class Level { kMesh, kNamespace, kWorkload };
  const PeerAuthentication* pick(Level level, const std::string& name_space, const YamlValue& labels,
                                 IstioProxy proxy) const;

  std::string root_namespace_ = "istio-system";
  std::vector<PeerAuthentication> all_;
};

PeerAuthentication read_peer_authentication(const Resource& resource, std::string name_space);

}  // namespace cloister::mesh
