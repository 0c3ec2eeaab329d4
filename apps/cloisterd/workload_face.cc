#include "cloisterd/workload_face.h"

#include <algorithm>

#include "mesh/workload_api/reflection.h"
#include "mesh/workload_api/sds.h"
#include "mesh/workload_api/service_table.h"

namespace cloister::daemon {
namespace {

constexpr unsigned kWorkers = 4;
constexpr std::size_t kWaitingMax = 4096;
constexpr Duration kRetry = seconds(1);
constexpr Duration kDrain = seconds(1);
constexpr std::string_view kWorkloadApi = "SpiffeWorkloadAPI";

mesh::AttestorOptions attestor_options(const WorkloadApiFace& config, Log& log) {
  mesh::AttestorOptions options;
  options.systemd = config.systemd;
  options.slurm = config.slurm;
  options.kubernetes = config.kubernetes;
  options.docker = config.docker;
  options.pods_file = config.pods_file;
  options.containers_file = config.containers_file;
  options.on_problem = [&log](const Error& error) {
    log.warning("attestation-without-file", {{"error", error.message()}});
  };
  return options;
}

// Callers that ask too often would fill the log.
bool is_loud(net::GrpcCode code) {
  return code != net::GrpcCode::kUnavailable && code != net::GrpcCode::kResourceExhausted;
}

}  // namespace

WorkloadFace::WorkloadFace(WorkloadFaceParts parts, const WorkloadApiFace& config)
    : parts_(std::move(parts)),
      attestor_(attestor_options(config, parts_.log)),
      authority_({parts_.open_store, parts_.issuer, parts_.verifier, parts_.federated, parts_.random, parts_.metrics}),
      identities_(
          {[this](const net::UnixPeer& caller, mesh::AttestWith with) { return attestor_.attest(caller, with); },
           authority_, parts_.random, parts_.clock}) {}

// Whoever may still call something goes before it.
WorkloadFace::~WorkloadFace() {
  ticker_.reset();
  server_.reset();
  handler_.reset();
  feed_.reset();
  workers_.reset();
}

Result<std::unique_ptr<WorkloadFace>> WorkloadFace::start(WorkloadFaceParts parts, const WorkloadApiFace& config,
                                                          net::ServerOptions server) {
  std::unique_ptr<WorkloadFace> face(new WorkloadFace(std::move(parts), config));
  CLOISTER_RETURN_IF_ERROR(face->open(config, std::move(server)));
  return face;
}

Status WorkloadFace::open(const WorkloadApiFace& config, net::ServerOptions server) {
  CLOISTER_RETURN_IF_ERROR(read_entries().with_context("read the registration entries"));
  CLOISTER_TRY(workers_, mesh::Workers::start(kWorkers, kWaitingMax));
  feed_ = std::make_unique<mesh::StateFeed>(identities_, *workers_, parts_.random);
  const mesh::WorkloadApiParts api{identities_, *feed_,       *workers_,
                                   limits_,     parts_.clock, [this](const mesh::RefusedCall& call) { refused(call); }};
  auto services = std::make_shared<mesh::ServiceTable>();
  services->add(std::string(kWorkloadApi), std::make_shared<mesh::WorkloadApi>(api));
  if (config.sds) services->add(std::string(mesh::kSecretDiscovery), std::make_shared<mesh::SecretDiscovery>(api));
  std::vector<std::string> names = services->names();
  names.emplace_back(mesh::kReflectionV1);
  const auto reflection = std::make_shared<mesh::Reflection>(std::move(names), mesh::workload_api_files());
  services->add(std::string(mesh::kReflectionV1), reflection);
  services->add(std::string(mesh::kReflectionV1Alpha), reflection);
  CLOISTER_TRY(handler_, net::grpc_handler(services, net::GrpcLimits{}));
  CLOISTER_TRY(server_, net::HttpServer::create(std::move(server), handler_));
  CLOISTER_RETURN_IF_ERROR(server_->listen(net::UnixListener{
      config.socket, config.users.empty() ? net::UnixUsers::everybody() : net::UnixUsers::only(config.users), 0666}));
  CLOISTER_TRY(ticker_, Ticker::start([this] { return tick(); }, parts_.poll));
  parts_.log.info(
      "listening",
      {{"for", "the Workload API"}, {"address", config.socket}, {"entries", std::uint64_t{identities_.entries()}}});
  return {};
}

Status WorkloadFace::read_entries() {
  if (!store_) {
    CLOISTER_TRY(store_, parts_.open_store());
  }
  CLOISTER_TRY(home::StoredEntries stored, home::stored_entries(*store_));
  if (stored == stored_) return {};
  CLOISTER_TRY(auto entries, home::open_entries(stored, parts_.settings));
  stored_ = std::move(stored);
  const auto others = std::ranges::count_if(entries, [&](const mesh::RegistrationEntry& entry) {
    return entry.spiffe_id.trust_domain() != parts_.issuer.trust_domain();
  });
  parts_.log.info("entries", {{"count", std::uint64_t{entries.size()}}});
  if (others > 0) {
    parts_.log.warning("entries-of-another-trust-domain", {{"count", static_cast<std::uint64_t>(others)}});
  }
  identities_.replace_entries(std::move(entries));
  return {};
}

Duration WorkloadFace::tick() {
  const Status read = read_entries();
  if (!read.ok()) {
    store_.reset();
    // Once is enough to say it. What was registered before stays.
    if (!failing_) parts_.log.error("entries-not-read", {{"error", read.error().message()}});
  }
  failing_ = !read.ok();
  auto denied = parts_.verifier.deny_list();
  if (denied != denied_) identities_.notify();
  denied_ = std::move(denied);
  identities_.refresh();
  return read.ok() ? parts_.poll : kRetry;
}

Status WorkloadFace::reload(const net::Limits& limits) { return server_->reload(limits, handler_); }

void WorkloadFace::drain() { ignore_result(server_->drain(kDrain)); }

void WorkloadFace::refused(const mesh::RefusedCall& call) {
  parts_.metrics.workload_refused.fetch_add(1);
  const LogFields fields = {{"method", call.method},
                            {"uid", std::uint64_t{call.caller.uid}},
                            {"gid", std::uint64_t{call.caller.gid}},
                            {"pid", static_cast<std::uint64_t>(call.caller.pid)},
                            {"code", static_cast<std::uint64_t>(call.code)},
                            {"reason", call.reason}};
  if (is_loud(call.code)) {
    parts_.log.info("workload-refused", fields);
  } else {
    parts_.log.debug("workload-refused", fields);
  }
}

}  // namespace cloister::daemon
