// The key service as a process: everything built by hand, in the order it depends on each other, and taken down in
// reverse.
#pragma once

#include <atomic>
#include <memory>

#include "cloisterd/anomaly_watch.h"
#include "cloisterd/collateral_keeper.h"
#include "cloisterd/config.h"
#include "cloisterd/faces.h"
#include "cloisterd/federation.h"
#include "cloisterd/keeper.h"
#include "cloisterd/scheduler.h"
#include "cloisterd/ticker.h"
#include "cloisterd/workload_face.h"
#include "home/home.h"
#include "net/http_server.h"
#include "net/spiffe_credentials.h"
#include "service/access_keys.h"
#include "service/attestation/attested_release.h"
#include "service/enrolment.h"
#include "service/managed_keys.h"
#include "service/operator_routes.h"

namespace cloister::daemon {

// The policy and whatever else requests are judged by. Errors name the file.
Result<std::shared_ptr<const service::Snapshot>> load_snapshot(const Config& config);

class Daemon {
 public:
  // Listens when it returns. `log` and `random` outlive it.
  static Result<std::unique_ptr<Daemon>> start(Config config, Log& log, crypto::Random& random, net::Clock clock);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Takes over the policy, who is who on this machine, limits, the lease and the log. All of it or, with an error,
  // nothing. What needs a restart is named in the log and stays as it was.
  Status reload(Config next);
  // Finishes what was begun; what isn't done in time is cut: kUnavailable.
  Status drain();

  // Where it listens, in the order of the configuration: ports that were 0 are known now.
  const std::vector<std::uint16_t>& tls_ports() const { return tls_ports_; }
  const std::vector<std::uint16_t>& enroll_ports() const { return enroll_ports_; }

 private:
  Daemon(Config config, Log& log, crypto::Random& random, net::Clock clock)
      : config_(std::move(config)), log_(log), random_(random), clock_(std::move(clock)) {}

  Status open_home();
  Status open_identity();
  Status open_anomalies();
  Status open_collateral();
  Status open_service();
  Status open_listeners();
  Status open_faces();
  Status open_aws(Faces& faces);
  Status open_kbs(Faces& faces);
  Status open_kubernetes(Faces& faces);
  Status open_vault(Faces& faces);
  Status open_workload_api();
  Status open_bundle_endpoint();
  net::ServerOptions server_options();
  Status start_tickers();
  Result<keys::Store> open_store();
  Result<keys::Hierarchy> open_hierarchy();
  Status check_caller(std::string_view caller, Time now) const;
  void decided(const service::DecisionEvent& event);
  void refused(const net::RefusalEvent& event);
  service::Readiness readiness() const;
  std::string metrics_text() const;
  keys::Caller caller() const { return {actor_, clock_()}; }

  Config config_;
  Log& log_;
  crypto::Random& random_;
  const net::Clock clock_;
  const std::string actor_ = "cloisterd";
  Metrics metrics_;
  std::optional<home::HomeConfig> home_;
  std::shared_ptr<keys::Roots> roots_;
  std::unique_ptr<keys::HomeRoot> home_root_;  // whichever the store says at the moment
  std::unique_ptr<service::Issuer> issuer_;
  std::unique_ptr<service::OwnIdentity> own_;
  std::optional<service::AuthenticSettings> settings_;
  std::shared_ptr<net::SpiffeVerifier> verifier_;
  std::shared_ptr<const net::MutualTls> mutual_tls_;
  std::shared_ptr<const net::ServerOnlyTls> server_tls_;
  std::unique_ptr<service::Enrolment> enrolment_;
  std::unique_ptr<service::AccessKeys> access_keys_;
  std::unique_ptr<service::AttestedRelease> releases_;
  std::shared_ptr<net::SwappableCredentials> aws_credentials_;
  std::unique_ptr<AnomalyWatch> anomalies_;
  std::unique_ptr<CollateralKeeper> collateral_;
  std::unique_ptr<Keeper> keeper_;
  std::unique_ptr<Scheduler> scheduler_;
  std::shared_ptr<service::Service> service_;
  std::shared_ptr<service::ManagedKeys> managed_keys_;
  std::unique_ptr<net::HttpServer> server_;
  std::unique_ptr<Faces> faces_;
  std::unique_ptr<Federation> federation_;
  std::unique_ptr<WorkloadFace> workload_face_;
  std::shared_ptr<net::SwappableCredentials> bundle_credentials_;
  std::shared_ptr<net::Handler> bundle_handler_;
  std::unique_ptr<net::HttpServer> bundle_server_;
  std::shared_ptr<net::SwappableCredentials> kbs_credentials_;
  std::shared_ptr<net::SwappableCredentials> vault_credentials_;
  std::unique_ptr<Ticker> keeper_ticker_, scheduler_ticker_, collateral_ticker_;
  std::vector<std::uint16_t> tls_ports_, enroll_ports_;
  std::atomic<bool> draining_{false};
  mutable std::atomic<std::uint64_t> failures_seen_{0};
  mutable std::atomic<std::int64_t> failed_at_ms_{0};
};

}  // namespace cloister::daemon
