#include "cloisterd/daemon.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/toml.h"
#include "cloisterd/bundle_endpoint.h"
#include "cloisterd/config_collateral.h"
#include "crypto/hash.h"
#include "service/denied_ids.h"

namespace cloister::daemon {
namespace {

constexpr Duration kLogFailureShown = seconds(15);

// Settings that a running daemon can't change.
std::string fixed_part(const Config& config) {
  std::string text = config.home + "\n" + config.trust_domain.name() + "\n" + config.own_id.uri() + "\n" +
                     config.unix_socket + "\n" + (config.unix_everybody ? "everybody" : "users") + "\n";
  for (const net::TcpAddress& address : config.tls) text += "tls " + address.to_string() + "\n";
  for (const net::TcpAddress& address : config.enroll) text += "enroll " + address.to_string() + "\n";
  for (const uid_t user : config.unix_users()) text += std::to_string(user) + "\n";
  for (const Duration duration : {config.rules.x509_svid_lifetime, config.rules.jwt_svid_lifetime,
                                  config.rules.authority_lifetime, config.rules.refresh_hint, config.rules.propagation,
                                  config.poll, config.rotation_check, config.rotation_jitter}) {
    text += std::to_string(duration.ms) + "\n";
  }
  for (const std::uint32_t number : {config.io_threads, config.workers, config.queue, config.cached_keyrings}) {
    text += std::to_string(number) + "\n";
  }
  if (config.webhook) {
    const Webhook& webhook = *config.webhook;
    text += webhook.target + "\n" + webhook.socket.string() + "\n" + std::to_string(webhook.server_user) + "\n" +
            webhook.address.to_string() + "\n" + webhook.server_id + "\n";
  }
  if (config.aws) {
    text += config.aws->region + "\n";
    for (const net::TcpAddress& address : config.aws->listen) text += "aws " + address.to_string() + "\n";
  }
  if (config.kbs) {
    const KbsFace& face = *config.kbs;
    for (const net::TcpAddress& address : face.listen) text += "kbs " + address.to_string() + "\n";
    text += face.resources + "\n" + std::string(policy::purpose_name(face.purpose)) + "\n" +
            std::to_string(face.session_lifetime.ms) + " " + std::to_string(face.fetches_per_minute) + "\n";
  }
  if (config.kubernetes) {
    const KubernetesFace& face = *config.kubernetes;
    text += face.socket + "\n" + face.dataset.text() + "\n" + std::string(policy::purpose_name(face.purpose)) + "\n";
  }
  if (config.vault) {
    for (const net::TcpAddress& address : config.vault->tls) text += "vault " + address.to_string() + "\n";
    for (const net::TcpAddress& address : config.vault->mutual_tls)
      text += "vault mutual " + address.to_string() + "\n";
    text += std::to_string(config.vault->token_lifetime.ms) + "\n";
  }
  if (config.bundle_endpoint) {
    const BundleEndpoint& endpoint = *config.bundle_endpoint;
    for (const net::TcpAddress& address : endpoint.listen) text += "bundle " + address.to_string() + "\n";
    text += endpoint.path + (endpoint.profile == BundleProfile::kWeb ? " web\n" : " spiffe\n");
  }
  for (const Federated& one : config.federated) {
    text += one.trust_domain.name() + " " + one.address.to_string() + one.target + " " + one.endpoint_id + " " +
            one.bundle_file + " " + one.authorities + "\n";
  }
  if (config.workload_api) {
    const WorkloadApiFace& face = *config.workload_api;
    text += face.socket + "\n" + face.pods_file + "\n" + face.containers_file + "\n";
    for (const bool part : {face.sds, face.systemd, face.slurm, face.kubernetes, face.docker}) text += part ? "1" : "0";
    for (const uid_t user : face.users) text += " " + std::to_string(user);
  }
  return text + fixed_collateral(config) + (config.rotate ? "rotates\n" : "") + (config.anomalies ? "watches" : "");
}

}  // namespace

Result<std::shared_ptr<const service::Snapshot>> load_snapshot(const Config& config) {
  CLOISTER_TRY(const File file, File::open(config.policy_file));
  CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kUnwritten).with_context("read the policy"));
  CLOISTER_TRY(const Bytes bytes, read_rest(file, kTomlSizeMax));
  auto snapshot = std::make_shared<service::Snapshot>();
  CLOISTER_TRY(snapshot->policy, policy::load_policy(as_text(bytes)).with_context(config.policy_file));
  snapshot->policy_digest = crypto::sha256(bytes);
  snapshot->unix_callers = config.unix_callers;
  snapshot->lease = config.lease;
  return std::shared_ptr<const service::Snapshot>(std::move(snapshot));
}

Result<std::unique_ptr<Daemon>> Daemon::start(Config config, Log& log, crypto::Random& random, net::Clock clock) {
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(config), log, random, std::move(clock)));
  CLOISTER_RETURN_IF_ERROR(daemon->open_home());
  CLOISTER_RETURN_IF_ERROR(daemon->open_identity());
  CLOISTER_RETURN_IF_ERROR(daemon->open_anomalies());
  CLOISTER_RETURN_IF_ERROR(daemon->open_collateral());
  CLOISTER_RETURN_IF_ERROR(daemon->open_service());
  CLOISTER_RETURN_IF_ERROR(daemon->start_tickers());
  CLOISTER_RETURN_IF_ERROR(daemon->open_listeners());
  CLOISTER_RETURN_IF_ERROR(daemon->open_faces());
  CLOISTER_RETURN_IF_ERROR(daemon->open_bundle_endpoint());
  CLOISTER_RETURN_IF_ERROR(daemon->open_workload_api());
  return daemon;
}

// Whoever may still wake a ticker goes before it.
Daemon::~Daemon() {
  workload_face_.reset();
  federation_.reset();
  bundle_server_.reset();
  faces_.reset();
  server_.reset();
  service_.reset();
  keeper_ticker_.reset();
  scheduler_ticker_.reset();
  if (collateral_) collateral_->stop();
  collateral_ticker_.reset();
}

Status Daemon::open_home() {
  CLOISTER_TRY(home_, home::read_home(config_.home));
  const auto secret = [](const std::string&, const home::RootConfig& root) { return home::stored_root_secret(root); };
  roots_ = home::roots_of(config_.home, *home_, secret, random_);
  home_root_ = std::make_unique<keys::HomeRoot>(roots_, [this]() -> Result<std::string> {
    CLOISTER_TRY(keys::Store store, open_store());
    return store.setting("root_id");
  });
  return {};
}

Result<keys::Store> Daemon::open_store() { return home::open_store(config_.home, *home_, random_); }

Result<keys::Hierarchy> Daemon::open_hierarchy() {
  CLOISTER_TRY(keys::Store store, open_store());
  return keys::Hierarchy::open(std::move(store), roots_, random_);
}

Status Daemon::open_identity() {
  // The hierarchy's opening says whether the home's root is the one it was.
  CLOISTER_TRY(keys::Hierarchy hierarchy, open_hierarchy());
  keys::Store& store = hierarchy.store();
  CLOISTER_TRY(settings_, service::AuthenticSettings::open(store, *home_root_, random_, caller()));
  CLOISTER_TRY(issuer_,
               service::Issuer::open(store, *home_root_, random_, {config_.trust_domain, config_.rules}, caller()));
  CLOISTER_TRY(own_, service::OwnIdentity::create(*issuer_, config_.own_id, store, random_, caller()));
  CLOISTER_TRY(identity::DenyList denied, service::read_deny_list(store, *settings_));
  verifier_ = std::make_shared<net::SpiffeVerifier>(own_->source(), identity::Conformance::kStrict, std::move(denied));
  CLOISTER_TRY(const auto credentials, net::SpiffeCredentials::follow(own_->source()));
  CLOISTER_TRY(mutual_tls_, net::MutualTls::create(credentials, verifier_, clock_));
  CLOISTER_TRY(server_tls_, net::ServerOnlyTls::create(credentials));
  return {};
}

Status Daemon::open_anomalies() {
  if (!config_.anomalies) return {};
  AnomalyWatchParts parts{[this] { return open_store(); },
                          nullptr,
                          {},
                          Path(config_.home) / "anomalies.state",
                          log_,
                          metrics_,
                          clock_,
                          random_,
                          actor_};
  if (config_.webhook) {
    const Webhook& webhook = *config_.webhook;
    parts.webhook_target = webhook.target;
    net::HttpClient::Target target = net::TlsTarget{webhook.address, webhook.server_id, mutual_tls_};
    if (!webhook.socket.empty()) target = net::UnixTarget{webhook.socket, webhook.server_user};
    CLOISTER_TRY(parts.webhook, net::HttpClient::create(std::move(target), {}));
  }
  CLOISTER_TRY(anomalies_, AnomalyWatch::start(std::move(parts)));
  return {};
}

Status Daemon::open_collateral() {
  CollateralKeeperParts parts{
      [this] { return open_hierarchy(); }, config_.home, nullptr, log_, metrics_, clock_, actor_};
  if (config_.kbs) parts.guests_per_minute = config_.kbs->fetches_per_minute;
  if (config_.collateral) {
    kms::Waiting waiting = kms::real_waiting();
    waiting.now = clock_;
    CLOISTER_TRY(parts.fetcher, home::CollateralFetcher::create(config_.collateral->addresses,
                                                                home::web_transports(config_.collateral->authorities),
                                                                std::move(waiting), home::Attempts::kOnce));
  }
  collateral_ = std::make_unique<CollateralKeeper>(std::move(parts));
  collateral_->load();
  CLOISTER_TRY(collateral_ticker_, Ticker::start([this] { return collateral_->tick(); }, {}));
  return {};
}

Status Daemon::open_service() {
  CLOISTER_TRY(auto snapshot, load_snapshot(config_));
  enrolment_ = std::make_unique<service::Enrolment>(
      *issuer_, *settings_, random_,
      service::EnrolmentOptions{config_.own_id, config_.unix_workloads, [this] { return verifier_->deny_list(); },
                                [this] { keeper_ticker_->wake(); }});
  access_keys_ = std::make_unique<service::AccessKeys>(*settings_, random_);
  CLOISTER_TRY(keys::Store store, open_store());
  CLOISTER_RETURN_IF_ERROR(access_keys_->refresh(store));
  service::AttestedReleaseParts release{*settings_, Path(config_.home) / "attestation",
                                        [this] { return collateral_->current(); }, &random_};
  release.wanted = [this](const attest::EvidenceSet& evidence, const std::string& caller) {
    collateral_->want(home::wanted_by(evidence), caller);
  };
  CLOISTER_TRY(releases_, service::AttestedRelease::open(std::move(release), store, caller()));
  std::vector<service::Route> routes = enrolment_->routes();
  std::ranges::move(access_keys_->routes(), std::back_inserter(routes));
  std::ranges::move(releases_->routes(), std::back_inserter(routes));
  for (service::Route& route :
       service::operator_routes({[this] { return readiness(); }, [this] { return metrics_text(); }})) {
    routes.push_back(std::move(route));
  }
  service::ServiceOptions options;
  options.clock = clock_;
  options.random = &random_;
  options.on_decision = [this](const service::DecisionEvent& event) { decided(event); };
  options.check_caller = [this](std::string_view caller, Time now) { return check_caller(caller, now); };
  options.guard = std::bind_front(&service::AttestedRelease::guard, releases_.get());
  options.workers = config_.workers;
  options.queue = config_.queue;
  options.cached_keyrings = config_.cached_keyrings;
  service::Backend backend{[this] { return open_hierarchy(); }, [this] { return open_store(); }};
  CLOISTER_TRY(service_, service::Service::create(std::move(options), std::move(backend), std::move(snapshot),
                                                  std::move(routes)));
  managed_keys_ = std::make_shared<service::ManagedKeys>(*settings_, service_->keyrings());
  return {};
}

Status Daemon::start_tickers() {
  keeper_ = std::make_unique<Keeper>(KeeperParts{[this] { return open_store(); }, *issuer_, *own_, *verifier_,
                                                 *settings_, log_, metrics_, clock_, actor_, config_.poll,
                                                 access_keys_.get(), releases_.get()});
  keeper_->tick();
  CLOISTER_TRY(keeper_ticker_, Ticker::start([this] { return keeper_->tick(); }, config_.poll));
  if (!config_.rotate) return {};
  scheduler_ = std::make_unique<Scheduler>(SchedulerParts{[this] { return open_hierarchy(); }, log_, metrics_, clock_,
                                                          random_, actor_, config_.rotation_check,
                                                          config_.rotation_jitter, managed_keys_});
  CLOISTER_TRY(scheduler_ticker_, Ticker::start([this] { return scheduler_->tick(); }, scheduler_->rest()));
  return {};
}

net::ServerOptions Daemon::server_options() {
  net::ServerOptions options;
  options.limits = config_.limits;
  options.threads = config_.io_threads;
  options.clock = clock_;
  options.on_refusal = [this](const net::RefusalEvent& event) { refused(event); };
  return options;
}

Status Daemon::open_listeners() {
  CLOISTER_TRY(server_, net::HttpServer::create(server_options(), service_));
  for (const net::TcpAddress& address : config_.tls) {
    CLOISTER_TRY(const std::uint16_t port, server_->listen(address, mutual_tls_));
    tls_ports_.push_back(port);
    log_.info("listening", {{"for", "mutual TLS"}, {"address", net::TcpAddress{address.host, port}.to_string()}});
  }
  for (const net::TcpAddress& address : config_.enroll) {
    CLOISTER_TRY(const std::uint16_t port, server_->listen(address, server_tls_));
    enroll_ports_.push_back(port);
    log_.info("listening", {{"for", "enrolment"}, {"address", net::TcpAddress{address.host, port}.to_string()}});
  }
  if (config_.unix_socket.empty()) return {};
  const std::vector<uid_t> users = config_.unix_users();
  const bool others =
      config_.unix_everybody || std::ranges::any_of(users, [](uid_t user) { return user != 0 && user != ::geteuid(); });
  // The kernel's word for who calls decides, not the file's mode.
  CLOISTER_RETURN_IF_ERROR(server_->listen(net::UnixListener{
      config_.unix_socket, config_.unix_everybody ? net::UnixUsers::everybody() : net::UnixUsers::only(users),
      static_cast<mode_t>(others ? 0666 : 0600)}));
  log_.info("listening", {{"for", "this machine"}, {"address", config_.unix_socket}});
  return {};
}

Status Daemon::open_bundle_endpoint() {
  if (!config_.bundle_endpoint) return {};
  const BundleEndpoint& endpoint = *config_.bundle_endpoint;
  auto tls = server_tls_;
  if (endpoint.profile == BundleProfile::kWeb) {
    CLOISTER_TRY(auto credentials, read_credentials(endpoint.certificate, endpoint.key));
    bundle_credentials_ = std::make_shared<net::SwappableCredentials>(std::move(credentials));
    CLOISTER_TRY(tls, net::ServerOnlyTls::create(bundle_credentials_));
  }
  bundle_handler_ = std::make_shared<BundleHandler>(*issuer_, endpoint.path);
  CLOISTER_TRY(bundle_server_, net::HttpServer::create(server_options(), bundle_handler_));
  for (const net::TcpAddress& address : endpoint.listen) {
    CLOISTER_TRY(const std::uint16_t port, bundle_server_->listen(address, tls));
    log_.info("listening", {{"for", "the bundle"}, {"address", net::TcpAddress{address.host, port}.to_string()}});
  }
  return {};
}

Status Daemon::open_workload_api() {
  if (!config_.workload_api) return {};
  FederatedBundles federated;
  if (!config_.federated.empty()) {
    CLOISTER_TRY(federation_, Federation::start({[this] { return open_store(); }, *settings_, *issuer_, clock_, log_,
                                                 metrics_, actor_},
                                                config_.federated));
    federated = [this] { return federation_->bundles(); };
  }
  CLOISTER_TRY(workload_face_,
               WorkloadFace::start({[this] { return open_store(); }, *settings_, *issuer_, *verifier_, config_.own_id,
                                    std::move(federated), random_, clock_, log_, metrics_, config_.poll},
                                   *config_.workload_api, server_options()));
  return {};
}

Status Daemon::reload(Config next) {
  CLOISTER_TRY(auto snapshot, load_snapshot(next));
  std::shared_ptr<const net::Credentials> for_aws, for_kbs, for_vault, for_bundle;
  if (next.aws && aws_credentials_) {
    CLOISTER_TRY(for_aws, read_credentials(next.aws->certificate, next.aws->key));
  }
  if (next.kbs && kbs_credentials_) {
    CLOISTER_TRY(for_kbs, read_credentials(next.kbs->certificate, next.kbs->key));
  }
  if (next.vault && vault_credentials_) {
    CLOISTER_TRY(for_vault, read_credentials(next.vault->certificate, next.vault->key));
  }
  if (next.bundle_endpoint && next.bundle_endpoint->profile == BundleProfile::kWeb && bundle_credentials_) {
    CLOISTER_TRY(for_bundle, read_credentials(next.bundle_endpoint->certificate, next.bundle_endpoint->key));
  }
  CLOISTER_RETURN_IF_ERROR(server_->reload(next.limits, service_));
  CLOISTER_RETURN_IF_ERROR(faces_->reload(next.limits));
  if (workload_face_) CLOISTER_RETURN_IF_ERROR(workload_face_->reload(next.limits));
  if (bundle_server_) CLOISTER_RETURN_IF_ERROR(bundle_server_->reload(next.limits, bundle_handler_));
  if (fixed_part(next) != fixed_part(config_)) log_.warning("restart-needed", {{"for", "part of the configuration"}});
  service_->reload(snapshot);
  if (for_aws) aws_credentials_->replace(std::move(for_aws));
  if (for_kbs) kbs_credentials_->replace(std::move(for_kbs));
  if (for_vault) vault_credentials_->replace(std::move(for_vault));
  if (for_bundle) bundle_credentials_->replace(std::move(for_bundle));
  enrolment_->replace_workloads(next.unix_workloads);
  log_.configure(next.log_level, next.log_format, next.server_id);
  metrics_.reloads.fetch_add(1);
  log_.info("reloaded", {{"policy", snapshot->policy.id()}, {"policy_sha256", to_hex(snapshot->policy_digest)}});
  config_.limits = next.limits;
  config_.policy_file = next.policy_file;
  return {};
}

Status Daemon::drain() {
  draining_ = true;
  Status faces;
  std::thread beside([this, &faces] {
    if (workload_face_) workload_face_->drain();
    if (bundle_server_) ignore_result(bundle_server_->drain(config_.drain));
    faces = faces_->drain(config_.drain);
  });
  const Status own = server_->drain(config_.drain);
  beside.join();
  return own.ok() ? faces : own;
}

// For connections that stood before an entry was made: handshakes are the verifier's to refuse.
Status Daemon::check_caller(std::string_view caller, Time now) const {
  const auto list = verifier_->deny_list();
  if (list->ids().empty()) return {};
  CLOISTER_TRY(const identity::SpiffeId id, identity::SpiffeId::parse(caller));
  return list->check(id, now);
}

void Daemon::decided(const service::DecisionEvent& event) {
  metrics_.decided(event);
  if (anomalies_) anomalies_->observe(event);
  const bool failed = event.outcome == audit::Outcome::kFailed;
  const LogLevel level = failed ? LogLevel::kError : event.problem.empty() ? LogLevel::kDebug : LogLevel::kInfo;
  if (!log_.wants(level)) return;
  const LogFields fields = {{"request_id", std::string(event.request_id)},
                            {"caller", std::string(event.caller)},
                            {"operation", std::string(event.operation)},
                            {"tenant", std::string(event.tenant)},
                            {"dataset", std::string(event.dataset)},
                            {"purpose", std::string(event.purpose)},
                            {"keys", std::uint64_t{event.keys}},
                            {"remote", std::string(event.remote)},
                            {"problem", std::string(event.problem)},
                            {"status", std::uint64_t{event.status}},
                            {"seconds", event.seconds}};
  if (failed) {
    log_.error("request", fields);
  } else if (event.problem.empty()) {
    log_.debug("request", fields);
  } else {
    log_.info("request", fields);
  }
}

void Daemon::refused(const net::RefusalEvent& event) {
  log_.info("connection-refused", {{"reason", std::string(net::refusal_name(event.why))},
                                   {"remote", event.remote},
                                   {"peer", event.peer_id},
                                   {"detail", event.detail}});
}

service::Readiness Daemon::readiness() const {
  service::Readiness readiness;
  const Time now = clock_();
  readiness.store = keeper_->store_answers();
  const auto snapshot = service_->snapshot();
  readiness.policy = !snapshot->policy.id().empty() && snapshot->policy.validity().covers(now);
  readiness.authority = issuer_->current()->authority() != nullptr && now < own_->source()->current()->not_after();
  // For a while only: nobody finds out that it works again unless somebody asks for something.
  const std::uint64_t failures = service_->counters().record_failures;
  if (failures_seen_.exchange(failures) != failures) failed_at_ms_ = now.unix_ms;
  readiness.log = now - Time{failed_at_ms_} >= kLogFailureShown;
  readiness.draining = draining_;
  return readiness;
}

std::string Daemon::metrics_text() const {
  Metrics::Now now;
  now.net = server_->counters();
  now.service = service_->counters();
  now.ready = readiness().ready();
  now.bundle_sequence = issuer_->current()->sequence();
  now.svid_not_after = own_->source()->current()->not_after().unix_ms / 1000;
  now.denied_ids = verifier_->deny_list()->ids().size();
  if (workload_face_) now.entries = workload_face_->entries();
  if (federation_) now.federated_bundles = federation_->bundles()->all().size();
  return metrics_.text(now);
}

}  // namespace cloister::daemon
