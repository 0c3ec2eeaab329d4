// The Workload API and SDS: entries read from the store, callers attested, identities issued by the authority, all on a
// socket that every process of the machine may reach.
#pragma once

#include <memory>

#include "cloisterd/config.h"
#include "cloisterd/log.h"
#include "cloisterd/ticker.h"
#include "cloisterd/workload_authority.h"
#include "home/registration.h"
#include "mesh/workload_api/workload_api.h"
#include "net/http_server.h"

namespace cloister::daemon {

// What it is given outlives it.
struct WorkloadFaceParts {
  std::function<Result<keys::Store>()> open_store;
  service::AuthenticSettings settings;
  const service::Issuer& issuer;
  const net::SpiffeVerifier& verifier;
  FederatedBundles federated;
  crypto::Random& random;
  net::Clock clock;
  Log& log;
  Metrics& metrics;
  Duration poll;
};

class WorkloadFace {
 public:
  // Listens when it returns.
  static Result<std::unique_ptr<WorkloadFace>> start(WorkloadFaceParts parts, const WorkloadApiFace& config,
                                                     net::ServerOptions server);
  ~WorkloadFace();
  WorkloadFace(const WorkloadFace&) = delete;
  WorkloadFace& operator=(const WorkloadFace&) = delete;

  Status reload(const net::Limits& limits);
  // Calls stay open for as long as their callers live: what is still open soon is cut, and callers connect anew.
  void drain();
  std::size_t entries() const { return identities_.entries(); }

 private:
  WorkloadFace(WorkloadFaceParts parts, const WorkloadApiFace& config);
  Status open(const WorkloadApiFace& config, net::ServerOptions server);
  Duration tick();
  Status read_entries();
  void refused(const mesh::RefusedCall& call);

  WorkloadFaceParts parts_;
  mesh::Attestor attestor_;
  WorkloadAuthority authority_;
  mesh::RegisteredIdentities identities_;
  mesh::CallerLimits limits_;
  std::unique_ptr<mesh::Workers> workers_;
  std::unique_ptr<mesh::StateFeed> feed_;
  std::shared_ptr<net::Handler> handler_;
  std::unique_ptr<net::HttpServer> server_;
  std::optional<keys::Store> store_;
  home::StoredEntries stored_;
  std::shared_ptr<const identity::DenyList> denied_;
  bool failing_ = false;
  std::unique_ptr<Ticker> ticker_;
};

}  // namespace cloister::daemon
