// What is asked of a policy, and what it answers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "policy/pattern.h"
#include "policy/words.h"

namespace cloister::policy {

// Who wants to do what to what, why and when. Views: the texts outlive the decision. Every part is as the caller gave
// it: deciding checks them, and refuses a request that names too little or too much for its operation.
struct Request {
  std::string_view caller;  // the SPIFFE id that the peer proved
  Operation operation = Operation::kRandom;
  std::string_view tenant;       // empty for operations on the service
  std::string_view environment;  // empty: the tenant without one
  std::string_view dataset;      // empty for operations on a tenant or the service
  std::optional<Purpose> purpose;
  std::uint32_t keys = 1;  // how many keys this one request is for
  Time now;
};

// The caller's id in pieces, once the request is complete: it names what its operation acts on and no more, by names
// that can be, with a purpose. kInvalid otherwise; the message says what is missing.
Result<CallerId> check_request(const Request& request);

// "acme", "acme/production", "acme/production/mnist"; empty for an operation on the service.
std::string target_of(const Request& request);

// How much of the service a tenant may use. Policy states it and holds a batch against it; counting requests over time
// is the service's.
struct Quota {
  std::uint32_t requests_per_second = 0;
  std::uint32_t burst = 0;
  std::uint32_t keys_per_batch = 0;
  friend bool operator==(const Quota&, const Quota&) = default;
};

struct Decision {
  bool allowed = false;
  // The rule that decided; empty where none did.
  std::string rule;
  // One plain sentence for the caller and the record. It tells nothing of tenants the caller has no rule for.
  std::string reason;
  // Of the request's tenant; only with `allowed`, and not for operations on the service.
  std::optional<Quota> quota;
  friend bool operator==(const Decision&, const Decision&) = default;
};

}  // namespace cloister::policy
