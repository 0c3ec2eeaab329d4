// The SPIFFE Workload API, its server's side: who a caller is was attested by the kernel, what it may have is asked of
// WorkloadIdentities, and open calls hear of every change. docs/workload-api.md.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "mesh/workload_api/caller_limits.h"
#include "mesh/workload_api/state_feed.h"
#include "net/grpc_server.h"
#include "net/tls.h"

namespace cloister::mesh {

// A call that got no answer. For the log and for counters: what the caller itself is told says less.
struct RefusedCall {
  std::string method;
  net::UnixPeer caller;
  net::GrpcCode code;
  std::string reason;
};

// What it works with; everything referred to outlives the last call.
struct WorkloadApiParts {
  WorkloadIdentities& identities;
  StateFeed& feed;
  Workers& workers;
  CallerLimits& limits;
  net::Clock clock;
  std::function<void(const RefusedCall&)> on_refusal;  // from any thread, must not wait; may be left empty
};

// Everything under /SpiffeWorkloadAPI/: X.509-SVIDs and bundles, JWT-SVIDs and bundles, and the check of JWT-SVIDs.
// WIT-SVIDs aren't issued: kUnimplemented. Statuses are those of the standard; a caller over its limits gets
// kUnavailable for its rate and kResourceExhausted for its open calls.
class WorkloadApi final : public net::GrpcService {
 public:
  explicit WorkloadApi(WorkloadApiParts parts);

  std::unique_ptr<net::GrpcReceiver> begin(std::shared_ptr<net::GrpcCall> call) override;

 private:
  std::shared_ptr<const WorkloadApiParts> parts_;
};

}  // namespace cloister::mesh
