// One request on its way through the five steps: parse, verify, decide, record, act and answer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "audit/extras.h"
#include "keys/hierarchy.h"
#include "net/handler.h"
#include "policy/policy.h"
#include "service/problem.h"

namespace cloister::service {

struct Route;
class Dialect;

// What requests are judged by. Never changes: it is replaced whole (Service::reload).
struct Snapshot {
  policy::Policy policy;
  crypto::Sha256Digest policy_digest{};       // of the document's exact bytes
  std::map<uid_t, std::string> unix_callers;  // whom a user of this machine's socket speaks for: SPIFFE IDs
  Duration lease = minutes(5);                // how long a client may keep a key it was given
};

// What the policy is asked about. Empty where the route's operation acts on no such thing.
struct Target {
  std::string tenant, environment, dataset;
  std::uint32_t keys = 1;
  std::string text() const;         // "acme/production/mnist"
  std::string tenant_text() const;  // "acme/production"
  keys::TenantName tenant_name() const { return {tenant, environment}; }
  keys::DatasetName dataset_name() const { return {tenant, environment, dataset}; }
};

// The values of a path's {…}: views into the request's target.
class PathParameters {
 public:
  static constexpr std::size_t kMax = 4;
  void add(std::string_view name, std::string_view value);
  void clear() { count_ = 0; }
  // Empty when there is none of that name.
  std::string_view find(std::string_view name) const;

 private:
  std::array<std::pair<std::string_view, std::string_view>, kMax> all_;
  std::size_t count_ = 0;
};

// Filled step by step; handlers find everything before theirs done. One thread at a time.
struct Call {
  // 1, parse. `connection` of the request says how it came.
  net::Request request;
  const Dialect* dialect = nullptr;
  const Route* route = nullptr;
  PathParameters path;
  std::string allowed_methods;  // "GET, POST": of a path that doesn't take the request's method
  std::string request_id;       // 24 hexadecimal digits, in every answer and record
  Time now;
  std::shared_ptr<const Snapshot> snapshot;
  // ServiceOptions::guard, which is asked about the route's operation and target: for what a dialect does beside it.
  // Null in tests without a service.
  const std::function<Status(policy::Operation operation, const Target& target)>* guard = nullptr;
  Target target;
  // Of the header idempotency-key, where the route looks at it; or of the proof itself, where the dialect says so.
  std::optional<keys::RequestKey> request_key;
  // What the dialect calls what it refuses, where the problem's code says too little: "IncorrectKeyException". Set
  // before the problem or the Error is returned.
  std::string_view fault;
  // 2, verify. Empty only where the route is for anyone.
  std::string caller;          // a SPIFFE ID
  std::string authentication;  // "mtls", "uid", "sigv4"
  std::string credential;      // which one proved it, where it has a name: an access key's id. Never a secret
  keys::TenantName scope;      // the tenant that the credential is of, where the dialect's names don't say it
  std::optional<policy::Purpose> purpose;
  std::optional<crypto::Sha256Digest> context_digest;  // of what the caller bound to a message, for the record
  // 3, decide. Only where the policy decides.
  policy::Decision decision;

  // "192.0.2.7", "unix"; empty in tests without a connection.
  std::string source() const;
  // What every record of this request says.
  audit::Extras extras() const;
  // The record of this request itself.
  audit::Event event(audit::Outcome outcome, std::string detail) const;
  // For the verbs of keys::Hierarchy, which record by themselves.
  keys::Caller as_caller() const;
};

}  // namespace cloister::service
