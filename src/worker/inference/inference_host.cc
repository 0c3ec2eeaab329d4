#include "worker/inference/inference_host.h"

#include "worker/inference/http_engine.h"
#include "worker/inference/onnx_engine.h"

namespace cloister::worker {
namespace {

constexpr Duration kEnginePatience = seconds(55);  // less than whoever asks is kept waiting

}  // namespace

Result<std::unique_ptr<Engine>> prepare_engine(const InferenceConfig& config) {
  if (config.engine_socket) {
    const SocketEngineConfig& engine = *config.engine_socket;
    CLOISTER_TRY(auto made, HttpEngine::create({engine.socket, engine.user}, engine.path, kEnginePatience));
    return std::unique_ptr<Engine>(std::move(made));
  }
  CLOISTER_CHECK(config.onnx.has_value());
  CLOISTER_TRY(auto runtime, OnnxRuntime::open(config.onnx->library, config.onnx->threads));
  return std::unique_ptr<Engine>(std::make_unique<OnnxEngine>(std::move(runtime), config.model));
}

Result<std::unique_ptr<InferenceHost>> InferenceHost::start(const InferenceConfig& config,
                                                            std::unique_ptr<Engine> engine, InferenceIdentity identity,
                                                            CollectEvidence collect, Clock clock,
                                                            crypto::Random& random) {
  InferenceOptions options;
  options.model_name = config.model;
  options.manifest = std::move(identity.manifest);
  options.model = identity.model;
  options.policy = std::move(identity.policy);
  options.tenants = config.tokens;
  options.threads = config.threads;
  options.waiting_max = config.waiting;
  CLOISTER_TRY(auto service,
               InferenceService::create(std::move(options), std::move(engine), std::move(collect), clock, random));

  net::ServerOptions server_options;
  server_options.clock = std::move(clock);
  CLOISTER_TRY(auto server, net::HttpServer::create(std::move(server_options), service));
  const auto users = config.clients ? net::UnixUsers::only(*config.clients) : net::UnixUsers::everybody();
  // Who may connect is asked of the kernel; the file's mode only has to let them come so far.
  CLOISTER_RETURN_IF_ERROR(server->listen(net::UnixListener{config.listen, users, 0666}));
  return std::unique_ptr<InferenceHost>(new InferenceHost(std::move(service), std::move(server)));
}

}  // namespace cloister::worker
