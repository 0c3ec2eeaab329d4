#include "cloisterd/workload_authority.h"

#include "service/enrolment.h"

namespace cloister::daemon {
namespace {

// Who it was given to, and why: the selectors that the entry asks for are all that was looked at.
std::string reason_of(const mesh::IssueOrder& order) {
  std::string text = "; entry " + order.entry.id + ", gid " + std::to_string(order.caller.gid);
  if (!order.caller.path.empty()) text += ", path " + order.caller.path;
  text += ", selectors";
  for (const mesh::Selector& selector : order.entry.selectors) text += " " + selector.to_string();
  return text;
}

}  // namespace

Status WorkloadAuthority::record(const mesh::IssueOrder& order, std::string action, const std::string& what) {
  audit::Event event;
  event.time = order.now;
  event.actor = "uid:" + std::to_string(order.caller.uid) + " pid:" + std::to_string(order.caller.pid);
  event.action = std::move(action);
  event.subject = order.entry.spiffe_id.uri();
  event.detail = what + reason_of(order);
  const std::lock_guard lock(store_mutex_);
  if (!store_) {
    CLOISTER_TRY(store_, parts_.open_store());
  }
  const std::string tenant = service::tenant_of(order.entry.spiffe_id);
  if (store_->tenant(tenant, "").ok()) event.tenant = tenant;
  Status recorded = store_->record(audit::recordable(std::move(event))).with_context("write the audit log");
  if (!recorded.ok()) store_.reset();
  return recorded;
}

Result<identity::X509Svid> WorkloadAuthority::issue_x509(const mesh::IssueOrder& order, const crypto::PublicKey& key) {
  const auto issuing = parts_.issuer.current();
  if (issuing->authority() == nullptr) return Error(Code::kUnavailable, "nobody signs for the trust domain");
  CLOISTER_TRY(identity::X509Svid svid, issuing->authority()->issue_x509_svid(order.entry.spiffe_id, key, order.now,
                                                                              parts_.random, order.entry.x509_ttl));
  const crypto::CertificateFacts& facts = svid.leaf().facts();
  CLOISTER_RETURN_IF_ERROR(
      record(order, "identity.issue", "serial " + to_hex(facts.serial) + " until " + to_rfc3339(facts.not_after)));
  parts_.metrics.workload_svids.fetch_add(1);
  return svid;
}

Result<std::string> WorkloadAuthority::issue_jwt(const mesh::IssueOrder& order,
                                                 const std::vector<std::string>& audience) {
  const auto issuing = parts_.issuer.current();
  if (issuing->authority() == nullptr) return Error(Code::kUnavailable, "nobody signs for the trust domain");
  CLOISTER_TRY(std::string token,
               issuing->authority()->issue_jwt_svid(order.entry.spiffe_id, audience, order.now, order.entry.jwt_ttl));
  const std::string more = audience.size() > 1 ? " and " + std::to_string(audience.size() - 1) + " more" : "";
  CLOISTER_RETURN_IF_ERROR(record(order, "identity.issue-token", "for " + audience.front() + more));
  parts_.metrics.workload_tokens.fetch_add(1);
  return token;
}

Status WorkloadAuthority::check_id(const identity::SpiffeId& id, Time now) {
  return parts_.verifier.deny_list()->check(id, now);
}

std::shared_ptr<const mesh::TrustView> WorkloadAuthority::trust() {
  const auto issuing = parts_.issuer.current();
  const auto federated = parts_.federated ? parts_.federated() : nullptr;
  const std::lock_guard lock(trust_mutex_);
  if (trust_ != nullptr && issuing == issuing_ && federated == federated_) return trust_;
  identity::BundleSet bundles = federated == nullptr ? identity::BundleSet() : *federated;
  issuing_ = issuing;
  federated_ = federated;
  trust_ = std::make_shared<const mesh::TrustView>(
      mesh::TrustView{parts_.issuer.trust_domain(), bundles.with(issuing->bundle())});
  return trust_;
}

}  // namespace cloister::daemon
