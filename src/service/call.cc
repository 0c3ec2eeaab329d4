#include "service/call.h"

#include "crypto/hash.h"
#include "service/route.h"

namespace cloister::service {

std::string Target::tenant_text() const { return environment.empty() ? tenant : tenant + "/" + environment; }

std::string Target::text() const { return dataset.empty() ? tenant_text() : tenant_text() + "/" + dataset; }

void PathParameters::add(std::string_view name, std::string_view value) {
  CLOISTER_CHECK(count_ < kMax);
  all_[count_++] = {name, value};
}

std::string_view PathParameters::find(std::string_view name) const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (all_[i].first == name) return all_[i].second;
  }
  return {};
}

std::string Call::source() const {
  if (!request.connection) return {};
  const std::string& remote = request.connection->remote;
  const std::size_t colon = remote.rfind(':');
  return colon == std::string::npos ? remote : remote.substr(0, colon);
}

audit::Extras Call::extras() const {
  audit::Extras extras;
  extras.set_text(audit::Extra::kRequestId, request_id).set_text(audit::Extra::kSource, source());
  extras.set_text(audit::Extra::kAuthentication, authentication);
  if (!credential.empty()) {
    extras.set_digest(audit::Extra::kCredentialDigest, crypto::sha256(as_bytes(credential)));
  }
  if (context_digest) extras.set_digest(audit::Extra::kContextDigest, *context_digest);
  if (purpose) extras.set_text(audit::Extra::kPurpose, std::string(policy::purpose_name(*purpose)));
  if (route != nullptr && route->access == Access::kPolicy && !snapshot->policy.id().empty()) {
    extras.set_text(audit::Extra::kPolicy, snapshot->policy.id());
    extras.set_digest(audit::Extra::kPolicyDigest, snapshot->policy_digest);
  }
  return extras;
}

audit::Event Call::event(audit::Outcome outcome, std::string detail) const {
  audit::Event event;
  event.time = now;
  event.actor = caller;
  if (caller.empty() && request.connection && request.connection->unix_peer) {
    event.actor = "uid:" + std::to_string(request.connection->unix_peer->uid);
  }
  event.action = route->operation ? policy::operation_name(*route->operation) : std::string_view(route->path);
  event.tenant = target.tenant_text();
  event.subject = target.text();
  event.outcome = outcome;
  event.detail = std::move(detail);
  return event;
}

keys::Caller Call::as_caller() const { return {caller, now, extras(), request_key}; }

}  // namespace cloister::service
