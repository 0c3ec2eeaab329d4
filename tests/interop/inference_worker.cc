// An inference worker for tests with other people's clients: an ONNX model behind a Unix socket, with evidence that is
// insecure_software.
//   inference_worker FOLDER LIBRARY MODEL NAME TOKEN
// writes FOLDER/{key,manifest} (the attester's fingerprint, the manifest's digest: what a policy names) and listens on
// FOLDER/worker.sock. With TOKEN "plain" it answers unsealed questions on the same path: what sealing costs is measured
// against that.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <thread>

#include "attest/software/statement.h"
#include "attest/workload_manifest.h"
#include "crypto/library.h"
#include "net/http_server.h"
#include "worker/inference/inference_service.h"
#include "worker/inference/onnx_engine.h"

using namespace cloister;

namespace {

volatile std::sig_atomic_t ended = 0;

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "inference_worker: %s\n", result.error().message().c_str());
    std::exit(1);
  }
  return std::move(result).value();
}

void must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "inference_worker: %s\n", status.error().message().c_str());
  std::exit(1);
}

Bytes manifest_of(ByteView model) {
  attest::WorkloadManifest manifest;
  manifest.name = "inference-worker";
  manifest.role = "infer";
  manifest.model = crypto::sha256(model);
  return to_bytes(as_bytes(attest::write_workload_manifest(manifest)));
}

worker::CollectEvidence attester(const crypto::SigningKey& key) {
  return [&key](const attest::Binding& binding) -> Result<attest::EvidenceSet> {
    attest::SoftwareStatement statement;
    statement.manifest = binding.manifest;
    const Bytes report = attest::report_data(binding);
    std::copy(report.begin(), report.end(), statement.report_data.begin());
    statement.time = system_time();
    attest::EvidenceSet set;
    set.primary = {attest::Kind::kInsecureSoftware, {{"statement", attest::sign_statement(statement, key)}}};
    return set;
  };
}

// The same engine without anything around it.
class PlainService final : public net::Handler {
 public:
  explicit PlainService(std::unique_ptr<worker::Engine> engine) : engine_(std::move(engine)) {}
  std::optional<net::Response> handle(net::Request& request, net::Deferral& later) override {
    auto answer = std::make_shared<net::Answer>(later.take());
    auto body = std::make_shared<net::Buffer>(std::move(request.body));
    queue_.submit([this, answer, body] {
      auto got = engine_->infer({"application/json", *body});
      if (!got.ok()) return answer->send(net::problem(400));
      answer->send({200, {{"content-type", "application/json"}}, std::move(got->content), {}});
    });
    return std::nullopt;
  }

 private:
  std::unique_ptr<worker::Engine> engine_;
  worker::WorkQueue queue_{1, 64};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const Path folder = argv[1];
  const std::string token = argv[5];
  must(crypto::start_process());
  crypto::SystemRandom random;
  const Bytes model = must(read_file(argv[3], 1 << 28));
  auto engine = std::make_unique<worker::OnnxEngine>(must(worker::OnnxRuntime::open(argv[2], 1)), argv[4]);
  must(engine->load(model));

  const auto key = crypto::SigningKey::generate(random);
  std::shared_ptr<worker::InferenceService> service;
  std::shared_ptr<net::Handler> handler;
  if (token == "plain") {
    handler = std::make_shared<PlainService>(std::move(engine));
  } else {
    worker::InferenceOptions options;
    options.model_name = argv[4];
    options.manifest = manifest_of(model);
    options.model = crypto::sha256(model);
    options.tenants = {{"acme", crypto::sha256(as_bytes(token))}};
    const std::string fingerprint = to_hex(attest::software_key_fingerprint(key.public_key()));
    const std::string manifest = to_hex(crypto::sha256(options.manifest));
    must(write_file(folder / "key", as_bytes(fingerprint), Overwrite::kReplace));
    must(write_file(folder / "manifest", as_bytes(manifest), Overwrite::kReplace));
    service = must(
        worker::InferenceService::create(std::move(options), std::move(engine), attester(key), system_time, random));
    handler = service;
  }
  const auto server = must(net::HttpServer::create(
      net::ServerOptions{.limits = {}, .threads = 1, .clock = system_time, .on_refusal = {}}, handler));
  must(server->listen(net::UnixListener{folder / "worker.sock", net::UnixUsers::only({::geteuid()})}));
  std::signal(SIGTERM, [](int) { ended = 1; });
  while (ended == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (service != nullptr) must(service->refresh());
  }
  ignore_result(server->drain(seconds(1)));
  return 0;
}
