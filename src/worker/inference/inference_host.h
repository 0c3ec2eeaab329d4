// An inference worker put together from its configuration: the engine before the process gives up the right to open
// files, the service and its socket after the model's key was released.
#pragma once

#include <memory>

#include "net/http_server.h"
#include "worker/inference/inference_config.h"
#include "worker/inference/inference_service.h"

namespace cloister::worker {

// Opens the library, or nothing for an engine behind a socket. The model isn't loaded yet. kNotFound, kUnsupported.
Result<std::unique_ptr<Engine>> prepare_engine(const InferenceConfig& config);

// What the service says of itself beside its configuration.
struct InferenceIdentity {
  Bytes manifest;                             // the workload manifest's bytes
  std::optional<crypto::Sha256Digest> model;  // of the model's plaintext
  std::string policy;                         // id of that under which its key was released; may be empty
};

// Listens from start() to stop() or destruction.
class InferenceHost {
 public:
  // `engine` has its model. Collects evidence once. `random` outlives it. Errors as InferenceService::create and
  // HttpServer::listen.
  static Result<std::unique_ptr<InferenceHost>> start(const InferenceConfig& config, std::unique_ptr<Engine> engine,
                                                      InferenceIdentity identity, CollectEvidence collect, Clock clock,
                                                      crypto::Random& random);

  // To be called every minute or so, by one thread; a failure is worth a line in the log, no more: keys that are there
  // go on until their end.
  Status refresh() { return service_->refresh(); }
  // InferenceService::refresher().
  std::function<Status()> refresher() const { return service_->refresher(); }
  InferenceCounts counts() const { return service_->counts(); }
  // InferenceService::answer_until().
  void answer_until(Time end) { service_->answer_until(end); }
  // InferenceService::released_under().
  void released_under(std::string policy) { service_->released_under(std::move(policy)); }
  // Lets what has begun finish, within `patience`.
  Status stop(Duration patience) { return server_->drain(patience); }

 private:
  InferenceHost(std::shared_ptr<InferenceService> service, std::unique_ptr<net::HttpServer> server)
      : service_(std::move(service)), server_(std::move(server)) {}

  std::shared_ptr<InferenceService> service_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace cloister::worker
