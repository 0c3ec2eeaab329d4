// The key service: requests in, decisions recorded, keys and answers out. docs/api/ describes it from outside.
#pragma once

#include "crypto/random.h"
#include "service/dialect.h"
#include "service/unlocked_keyrings.h"

namespace cloister::service {

// A decided request, for metrics, logs and the detection of anomalies. Views: good during the call.
struct DecisionEvent {
  Time time;
  std::string_view request_id;
  std::string_view tenant;  // these three as the caller named them, whether or not they exist
  std::string_view environment;
  std::string_view dataset;
  std::string_view caller;     // a SPIFFE ID; empty when it isn't known
  std::string_view operation;  // the policy's word; the path where no policy decides
  std::string_view purpose;
  std::string_view remote;   // "192.0.2.7:51820", "unix"
  std::string_view problem;  // the code; empty when all went well
  std::string_view dialect;  // "aws-kms"; empty for the API of our own
  std::uint32_t keys = 0;
  audit::Outcome outcome = audit::Outcome::kAllowed;
  unsigned status = 0;
  double seconds = 0;  // from the whole request to its answer
};

// How the service gets at the store: each worker and the recorder open their own.
struct Backend {
  std::function<Result<keys::Hierarchy>()> open_hierarchy;
  std::function<Result<keys::Store>()> open_store;
};

struct ServiceOptions {
  std::function<Time()> clock;
  crypto::Random* random = nullptr;  // outlives the service
  // Called on whatever thread answers, before the answer leaves and with no lock held: it must not wait.
  std::function<void(const DecisionEvent&)> on_decision = {};
  // Whether a caller that proved who it is may be heard at all: for a deny list. What it refuses is on record.
  std::function<Status(std::string_view caller, Time now)> check_caller = {};
  // What the policy allows and something else forbids: kDenied, with one sentence for the caller. It is on record as
  // the policy's refusals are. Must not wait.
  std::function<Status(policy::Operation operation, const Target& target)> guard = {};
  unsigned workers = 2;
  std::size_t queue = 1024;                  // requests that wait for a worker; beyond it: busy
  std::size_t inline_body_bytes = 16 << 10;  // larger requests are read on a worker
  std::size_t inline_keys = 64;              // batches of more are unwrapped on a worker
  std::size_t cached_keyrings = 1024;
  std::size_t records = 8192;  // that wait for the recorder; beyond it: busy
  std::size_t records_at_once = 256;
};

struct ServiceCounters {
  std::uint64_t requests = 0;
  std::size_t waiting_for_workers = 0;
  std::size_t waiting_for_recorder = 0;
  std::uint64_t commits = 0;          // of the recorder
  std::uint64_t records = 0;          // written by it
  std::uint64_t record_failures = 0;  // requests refused since the log couldn't be written
  std::size_t cached_keyrings = 0;
};

// Any thread may call. Answers taken along are answered before the destructor returns.
class Service final : public net::Handler, public std::enable_shared_from_this<Service> {
 public:
  // `more` are routes beside the service's own.
  static Result<std::shared_ptr<Service>> create(ServiceOptions options, Backend backend,
                                                 std::shared_ptr<const Snapshot> snapshot,
                                                 std::vector<Route> more = {});
  ~Service() override;

  // The API of our own.
  std::optional<net::Response> handle(net::Request& request, net::Deferral& later) override;
  // For a listener that speaks `dialect`: the same steps, policy, records and quotas. It keeps the service alive.
  std::shared_ptr<net::Handler> handler(std::shared_ptr<const Dialect> dialect);
  // What dialects open and seal with.
  std::shared_ptr<UnlockedKeyrings> keyrings() const;

  // For requests from now on.
  void reload(std::shared_ptr<const Snapshot> snapshot);
  std::shared_ptr<const Snapshot> snapshot() const;

  const std::vector<Route>& routes() const;
  ServiceCounters counters() const;

 private:
  struct Impl;
  explicit Service(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloister::service
