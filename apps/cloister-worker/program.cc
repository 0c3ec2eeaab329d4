#include "cloister-worker/program.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <ctime>

#include "base/parallel.h"
#include "cloister-worker/engine_reach.h"
#include "net/spiffe_credentials.h"
#include "net/spiffe_verifier.h"
#include "worker/attester/configfs_tsm.h"
#include "worker/attester/nvidia.h"
#include "worker/attester/sgx.h"
#include "worker/attester/software.h"
#include "worker/attester/tpm.h"

namespace cloister::worker {
namespace {

constexpr Duration kPatience = seconds(30);  // with each step of a key service
constexpr Duration kRetry = seconds(5);
constexpr Duration kLook = seconds(1);
constexpr Duration kLookOften = Duration{50};
constexpr Duration kRefresh = minutes(1);
constexpr std::size_t kKeyFileSizeMax = 4096;

Result<crypto::SigningKey> read_attester_key(const Path& path) {
  CLOISTER_TRY(const File file, File::open(path));
  CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kSecret));
  CLOISTER_TRY(const std::uint64_t size, file.size());
  if (size == 0 || size > kKeyFileSizeMax) return Error(Code::kInvalid, "read " + path.string() + ": it isn't a key");
  crypto::Secret text(size);
  CLOISTER_RETURN_IF_ERROR(file.read_at(0, text.expose_mutable()));
  const auto key = crypto::PrivateKey::from_pkcs8_pem(text);
  if (!key.ok()) return key.error().with_context("read " + path.string());
  if (key->type() != crypto::KeyType::kEd25519) {
    return Error(Code::kInvalid, "read " + path.string() + ": it isn't an Ed25519 key");
  }
  CLOISTER_TRY(crypto::KeyMaterial seed,
               crypto::KeyMaterial::from_secret(crypto::Secret::copy_of(key->scalar().expose())));
  return crypto::SigningKey::from_seed(std::move(seed));
}

Result<std::unique_ptr<Attester>> make_attester(const WorkerConfig& config, const crypto::Sha256Digest& image,
                                                ByteView manifest) {
  if (config.attester == attest::Kind::kSgx) return std::unique_ptr<Attester>(std::make_unique<SgxAttester>());
  if (config.attester == attest::Kind::kTpm) {
    CLOISTER_TRY(auto device, TpmDevice::open(config.tpm));
    return std::unique_ptr<Attester>(std::make_unique<TpmAttester>(std::move(device)));
  }
  if (config.attester != attest::Kind::kInsecureSoftware) {
    return std::unique_ptr<Attester>(
        std::make_unique<ConfigfsTsmAttester>(config.attester, [] { return open_tsm_report(); }));
  }
  CLOISTER_TRY(crypto::SigningKey key, read_attester_key(config.attester_key));
  return std::unique_ptr<Attester>(
      std::make_unique<SoftwareAttester>(std::move(key), image, crypto::sha256(manifest), system_time));
}

std::string service_name(const BrokerSet::Refusal& refusal) {
  return refusal.broker.empty() ? "the key service" : refusal.broker;
}

// Refused, or only not reached until the lease was over.
Error may_not_go_on(const std::vector<BrokerSet::Refusal>& refusals, bool over) {
  std::string why;
  Code code = over ? Code::kExpired : Code::kDenied;
  for (const BrokerSet::Refusal& refusal : refusals) {
    why += (why.empty() ? "" : "; ") + refusal.error.message();
    const Code said = refusal.error.code();
    if (!over && said != Code::kUnavailable && said != Code::kInternal) code = said;
  }
  if (why.empty()) why = "its renewal wasn't done in time";
  return Error(code, (over ? "the lease is over: " : "renew the lease: ") + why);
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return "by signal " + std::to_string(WTERMSIG(status));
  return "with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

attest::WorkloadManifest manifest_of(const WorkerConfig& config, const crypto::Sha256Digest& image) {
  attest::WorkloadManifest manifest;
  manifest.name = config.name;
  manifest.role = config.role;
  manifest.image = image;
  manifest.configuration = config.digest;
  manifest.model = config.model_digest;
  manifest.egress = egress_of(config);
  manifest.seccomp = seccomp_digest(seccomp_profile(lockdown_request(config)));
  return manifest;
}

Result<Bytes> read_manifest(const WorkerConfig& config, const crypto::Sha256Digest& image) {
  CLOISTER_TRY(Bytes text, read_file(config.manifest, attest::kWorkloadManifestSizeMax));
  CLOISTER_TRY(const attest::WorkloadManifest said, attest::parse_workload_manifest(as_text(text)));
  const attest::WorkloadManifest is = manifest_of(config, image);
  const auto differs = [&config](std::string_view entry) {
    return Error(Code::kDenied, "the manifest " + config.manifest.string() + " is about another worker: its " +
                                    std::string(entry) + " differs");
  };
  if (said.name != is.name) return differs("name");
  if (said.role != is.role) return differs("role");
  if (said.image != is.image) return differs("image");
  if (said.configuration != is.configuration) return differs("configuration");
  if (said.model != is.model) return differs("model");
  if (said.egress != is.egress) return differs("egress");
  if (said.seccomp != is.seccomp) return differs("seccomp");
  return text;
}

Result<Prepared> prepare(const WorkerConfig& config) {
  CLOISTER_TRY(const crypto::Sha256Digest image, measure_program("/proc/self/exe"));
  Prepared prepared;
  CLOISTER_TRY(prepared.manifest, read_manifest(config, image));
  CLOISTER_TRY(prepared.model, File::open(config.model));
  if (!config.engine.command.empty()) {
    CLOISTER_TRY(prepared.memory, make_memory_file("model"));
  }
  CLOISTER_TRY(prepared.attester, make_attester(config, image, prepared.manifest));
  if (config.gpus) {
    CLOISTER_TRY(prepared.devices, nvidia_gpu_attesters());
  }
  if (config.inference) {
    CLOISTER_TRY(prepared.engine, prepare_engine(*config.inference));
  }
  return prepared;
}

Program::Program(const WorkerConfig& config, Prepared prepared, LockedDown locked, daemon::Log& log)
    : config_(config),
      prepared_(std::move(prepared)),
      locked_(std::move(locked)),
      log_(log),
      patience_(kPatience, system_time) {}

Program::~Program() { stop(Duration{}); }

void Program::say_lockdown() {
  for (const attest::LockdownMeasure& measure : locked_.measures()) {
    if (measure.achieved == attest::Achieved::kYes) continue;
    log_.warning("lockdown", {{"measure", measure.name},
                              {"achieved", std::string(attest::achieved_name(measure.achieved))},
                              {"detail", measure.detail}});
  }
}

Result<Program::Connection> Program::connect_to(const KeyServiceSettings& service) {
  Connection connection;
  net::HttpClient::Target target = net::UnixTarget{service.socket, service.user};
  if (service.address) {
    CLOISTER_TRY(connection.identity, relay::IdentityKeeper::start(service.identity, log_, system_time));
    const auto source = connection.identity->source();
    CLOISTER_TRY(auto credentials, net::SpiffeCredentials::follow(source));
    auto verifier = std::make_shared<net::SpiffeVerifier>(source, service.identity.conformance, identity::DenyList());
    CLOISTER_TRY(auto tls, net::MutualTls::create(std::move(credentials), std::move(verifier), system_time));
    target = net::TlsTarget{*service.address, service.id, std::move(tls)};
  }
  CLOISTER_TRY(connection.client, net::HttpClient::create(std::move(target), {}));
  return connection;
}

// One of several that the worker has no identity for is left out; it is asked for no share.
Status Program::connect() {
  std::vector<BrokerSet::Broker> brokers;
  for (const KeyServiceSettings& service : config_.services) {
    auto connection = connect_to(service);
    if (!connection.ok() && config_.services.size() == 1) return connection.error();
    if (!connection.ok()) {
      log_.warning("key-service-passed-over", {{"service", service.name}, {"error", connection.error().message()}});
      continue;
    }
    connections_.push_back(std::move(connection).value());
    brokers.push_back(
        {service.name, service.keyring,
         std::make_unique<AttestedKeys>(
             locked_,
             AttestedKeysParts{config_.target, release_channels(*connections_.back().client, patience_),
                               prepared_.attester.get(), devices(), prepared_.manifest, &random_, system_time})});
  }
  if (brokers.empty()) return Error(Code::kUnavailable, "there is an identity for none of the key services");
  keys_ = std::make_unique<BrokerSet>(std::move(brokers), patience_);
  return {};
}

void Program::say_refusals() {
  if (config_.services.size() == 1) return;  // its refusal is the end, or is said as that
  for (const BrokerSet::Refusal& refusal : keys_->take_refusals()) {
    log_.warning("key-service-passed-over", {{"service", service_name(refusal)}, {"error", refusal.error.message()}});
  }
}

std::vector<Attester*> Program::devices() const {
  std::vector<Attester*> all;
  for (const auto& device : prepared_.devices) all.push_back(device.get());
  return all;
}

TellOpened Program::tell_brokers() {
  return [this](const seal::Preamble& preamble, const seal::SlotTable& slots) { keys_->opened(preamble, slots); };
}

Status Program::open_engine() {
  const auto wrappers = keys_->wrappers();
  CLOISTER_TRY(EngineFile file, open_model_file(std::move(*prepared_.model), std::move(*prepared_.memory), wrappers,
                                                config_.model_digest, tell_brokers()));
  engine_file_.emplace(std::move(file));
  CLOISTER_TRY(engine_, EngineProcess::start(config_.engine.command, engine_file_->file(), engine_reach(config_)));
  return {};
}

Status Program::open_inference() {
  if (config_.inference->onnx) {
    const auto wrappers = keys_->wrappers();
    CLOISTER_TRY(const SecretMemory model,
                 open_model(std::move(*prepared_.model), wrappers, config_.model_digest, tell_brokers()));
    CLOISTER_RETURN_IF_ERROR(prepared_.engine->load(model.expose()));
  }
  const auto collect = [this](const attest::Binding& binding) {
    return collect_evidence(locked_, *prepared_.attester, devices(), binding);
  };
  CLOISTER_TRY(inference_, InferenceHost::start(*config_.inference, std::move(prepared_.engine),
                                                {prepared_.manifest, config_.model_digest, keys_->policies()}, collect,
                                                system_time, random_));
  return {};
}

Status Program::start() {
  say_lockdown();
  CLOISTER_RETURN_IF_ERROR(connect());
  if (!config_.engine.command.empty()) CLOISTER_RETURN_IF_ERROR(open_engine());
  if (config_.inference) CLOISTER_RETURN_IF_ERROR(open_inference());
  say_refusals();
  const Time now = system_time();
  const auto end = keys_->lease_end();
  CLOISTER_CHECK(end);
  lease_end_ = *end;
  next_renewal_ = now + Duration{(*end - now).ms / 2};
  next_refresh_ = now + kRefresh;
  if (inference_) inference_->answer_until(*end);
  log_.info("serving", {{"name", config_.name}, {"lease", to_rfc3339(*end)}, {"debug", locked_.debug()}});
  return {};
}

void Program::renew_when_due() {
  if (renewal_.joinable()) return;  // it has the attester
  const Time now = system_time();
  std::function<Status()> refresh;
  if (inference_ && now >= next_refresh_) {
    next_refresh_ = now + kRefresh;
    refresh = inference_->refresher();  // stop() waits for the attester when the model is gone
  }
  of_lease_ = now >= next_renewal_;
  if (!refresh && !of_lease_) return;
  auto started = start_thread([this, refresh] {
    refreshed_ = refresh ? refresh() : ok_status();
    if (of_lease_) renewed_ = keys_->renew();
    renewal_done_ = true;
  });
  if (started.ok()) {
    renewal_ = std::move(started).value();
    return;
  }
  log_.warning(of_lease_ ? "lease-not-renewed" : "bundle-not-renewed", {{"error", started.error().message()}});
  if (of_lease_) next_renewal_ = now + kRetry;
}

Status Program::finish_renewal() {
  renewal_.join();
  renewal_done_ = false;
  if (!refreshed_.ok()) log_.warning("bundle-not-renewed", {{"error", refreshed_.error().message()}});
  return of_lease_ ? finish_lease() : ok_status();
}

Status Program::finish_lease() {
  const Time now = system_time();
  const auto end = keys_->lease_end();
  refusals_ = keys_->take_refusals();
  for (const BrokerSet::Refusal& refusal : refusals_) {
    log_.warning("lease-not-renewed", {{"service", service_name(refusal)}, {"error", refusal.error.message()}});
  }
  if (!end || now >= *end) return may_not_go_on(refusals_, end.has_value());
  lease_end_ = *end;
  if (inference_) {
    inference_->released_under(keys_->policies());
    inference_->answer_until(*end);
  }
  next_renewal_ = now + (renewed_ ? Duration{(*end - now).ms / 2} : kRetry);
  if (renewed_) log_.info("lease-renewed", {{"lease", to_rfc3339(*end)}});
  return {};
}

Duration Program::until_next_look() const {
  const bool renewing = renewal_.joinable();
  const Duration due = (renewing ? lease_end_ : std::min(lease_end_, next_renewal_)) - system_time();
  return std::clamp(due, Duration{1}, renewing ? kLookOften : kLook);
}

Status Program::serve(const sigset_t& signals) {
  for (;;) {
    const Duration wait = until_next_look();
    const timespec step{wait.ms / 1000, wait.ms % 1000 * 1'000'000};
    const int signal = ::sigtimedwait(&signals, nullptr, &step);
    if (signal == SIGTERM || signal == SIGINT) return {};
    if (engine_) {
      if (const auto status = engine_->ended()) {
        return Error(Code::kInternal, "the engine ended " + how_it_ended(*status));
      }
    }
    if (renewal_done_) CLOISTER_RETURN_IF_ERROR(finish_renewal());
    if (system_time() >= lease_end_) return may_not_go_on(refusals_, true);
    renew_when_due();
  }
}

void Program::stop(Duration patience) {
  patience_.give_up();
  const Time until = std::min(lease_end_, system_time() + patience);
  const auto left = [until] { return std::max(Duration{}, until - system_time()); };
  const bool drained = !inference_ || inference_->stop(left()).ok();
  // Before what waits for its answers.
  if (engine_ && (!drained || left() == Duration{})) engine_->stop(Duration{});
  inference_.reset();
  if (engine_) engine_->stop(left());
  engine_.reset();
  engine_file_.reset();
  if (renewal_.joinable()) renewal_.join();  // only now: a service that keeps it waiting keeps no model
  keys_.reset();
}

}  // namespace cloister::worker
