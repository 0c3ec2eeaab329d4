// Kubernetes' KMS v2: what an API server on this machine asks over a Unix socket to keep the seed of its data keys
// sealed. gRPC service v2.KeyManagementService, docs/api/kubernetes-kms.md.
#pragma once

#include <vector>

#include "service/dialect.h"
#include "service/unlocked_keyrings.h"

namespace cloister::service {

struct KubernetesOptions {
  keys::DatasetName dataset;  // the protocol names no key: a socket is one dataset's
  policy::Purpose purpose = policy::Purpose::kOperate;
};

// Callers are users of this machine, by Snapshot::unix_callers.
class KubernetesDialect final : public Dialect {
 public:
  KubernetesDialect(KubernetesOptions options, std::shared_ptr<UnlockedKeyrings> keyrings);

  std::string_view name() const override { return "kubernetes-kms"; }
  const Route* find(Call& call, std::optional<Problem>& instead) const override;
  std::optional<Problem> verify(Call& call) const override;
  // A status in the trailers; as the API of our own does where the client doesn't speak gRPC.
  net::Response answer(const Problem& problem, const Call& call) const override;
  void finish(net::Response& response, const Call& call) const override;

 private:
  const KubernetesOptions options_;
  const std::vector<Route> routes_;
};

}  // namespace cloister::service
