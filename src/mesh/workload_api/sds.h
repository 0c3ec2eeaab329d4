// Secrets for Envoy, as SPIRE's agent serves them: SVIDs and bundles of the caller, pushed whenever they change. Envoy
// proxies get identities so without being changed. docs/workload-api.md.
#pragma once

#include "mesh/workload_api/workload_api.h"

namespace cloister::mesh {

inline constexpr std::string_view kSecretDiscovery = "envoy.service.secret.v3.SecretDiscoveryService";

// StreamSecrets and FetchSecrets under kSecretDiscovery; there is no DeltaSecrets: kUnimplemented. Who calls is
// attested as for the Workload API; Envoy sends no security header. An answer that Envoy refuses is told to
// `on_refusal`, with kOk because the call goes on.
class SecretDiscovery final : public net::GrpcService {
 public:
  explicit SecretDiscovery(WorkloadApiParts parts);

  std::unique_ptr<net::GrpcReceiver> begin(std::shared_ptr<net::GrpcCall> call) override;

 private:
  std::shared_ptr<const WorkloadApiParts> parts_;
};

}  // namespace cloister::mesh
