// How workloads come by identities and keep them: join tokens, certificates for requests, renewal, tokens for others,
// the bundle, and the deny list. docs/api/ describes the routes from outside.
//
// Whose identity an id is says the first segment of its path: the policy is asked about that tenant. The service's own
// names, /cloister/…, are given to nobody.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "identity/deny_list.h"
#include "service/authentic_settings.h"
#include "service/issuer.h"
#include "service/route.h"
#include "service/unix_workload.h"

namespace cloister::service {

struct EnrolmentOrder;

struct EnrolmentOptions {
  identity::SpiffeId own_id;  // of the server
  std::vector<UnixWorkload> workloads = {};
  // The list in force; null: nobody is denied.
  std::function<std::shared_ptr<const identity::DenyList>()> deny_list = {};
  // Called when the stored list was changed by this server: it must not wait.
  std::function<void()> deny_list_changed = {};
};

// Any thread may act by its routes.
class Enrolment {
 public:
  // Both outlive it.
  Enrolment(const Issuer& issuer, AuthenticSettings settings, crypto::Random& random, EnrolmentOptions options);

  // They use this object, which outlives them.
  std::vector<Route> routes();

  // For requests from now on.
  void replace_workloads(std::vector<UnixWorkload> workloads);

 private:
  using Order = EnrolmentOrder;
  Route join_token_route();
  Route enroll_route();
  Route enroll_unix_route();
  Route renew_route();
  Route jwt_route();
  Route bundle_route();
  Route deny_route();
  Route allow_route();
  Route denied_route();

  Result<Reply> create_join_token(const Call& call, keys::Hierarchy& hierarchy, const Order& order);
  Result<Reply> redeem(const Call& call, keys::Hierarchy& hierarchy, const Order& order);
  // A certificate for `id`, recorded in the transaction in which `also` does what else there is to do.
  using Also = std::function<Status(keys::Store::Change& change)>;
  Result<Reply> issue(const keys::AuditEntry& entry, keys::Store& store, const Order& order, const Also& also);
  Result<Reply> issue_token(const Call& call, keys::Hierarchy& hierarchy, const Order& order);
  Status check_id(const identity::SpiffeId& id) const;
  Status check_not_denied(const identity::SpiffeId& id, Time now) const;
  std::vector<UnixWorkload> workloads() const;

  const Issuer& issuer_;
  const AuthenticSettings settings_;
  crypto::Random& random_;
  const EnrolmentOptions options_;
  mutable std::mutex mutex_;
  std::vector<UnixWorkload> workloads_;
};

// The first segment of the id's path. Empty for an id without one.
std::string tenant_of(const identity::SpiffeId& id);

}  // namespace cloister::service
