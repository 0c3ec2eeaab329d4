// The trust domain's authority as the Workload API issues by it: what it gave to whom is in the audit log before it
// leaves.
#pragma once

#include <functional>
#include <mutex>
#include <optional>

#include "cloisterd/metrics.h"
#include "mesh/registration/registered_identities.h"
#include "net/spiffe_verifier.h"
#include "service/issuer.h"

namespace cloister::daemon {

// Bundles of other trust domains; another object when something changed. Null: none.
using FederatedBundles = std::function<std::shared_ptr<const identity::BundleSet>()>;

// What it is given outlives it.
struct WorkloadAuthorityParts {
  std::function<Result<keys::Store>()> open_store;
  const service::Issuer& issuer;
  const net::SpiffeVerifier& verifier;  // has the denied ids
  FederatedBundles federated;
  crypto::Random& random;
  Metrics& metrics;
};

class WorkloadAuthority final : public mesh::IssuingAuthority {
 public:
  explicit WorkloadAuthority(WorkloadAuthorityParts parts) : parts_(std::move(parts)) {}

  Result<identity::X509Svid> issue_x509(const mesh::IssueOrder& order, const crypto::PublicKey& key) override;
  Result<std::string> issue_jwt(const mesh::IssueOrder& order, const std::vector<std::string>& audience) override;
  Status check_id(const identity::SpiffeId& id, Time now) override;
  std::shared_ptr<const mesh::TrustView> trust() override;

 private:
  Status record(const mesh::IssueOrder& order, std::string action, const std::string& what);

  const WorkloadAuthorityParts parts_;
  std::mutex store_mutex_;
  std::optional<keys::Store> store_;
  std::mutex trust_mutex_;
  std::shared_ptr<const service::Issuing> issuing_;
  std::shared_ptr<const identity::BundleSet> federated_;
  std::shared_ptr<const mesh::TrustView> trust_;
};

}  // namespace cloister::daemon
