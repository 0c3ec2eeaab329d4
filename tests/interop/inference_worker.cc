// An inference worker for tests with other people's clients: an ONNX model behind a Unix socket, in a process that
// locked itself down, with evidence that is insecure_software.
//   inference_worker FOLDER LIBRARY MODEL NAME TOKEN       or unix:SOCKET, of an engine, in place of the library
// writes FOLDER/{key,manifest,measurement} (what a policy names: the attester's fingerprint, and the digests of the
// manifest and of this program) and listens on FOLDER/worker.sock.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <thread>

#include "attest/workload_manifest.h"
#include "crypto/library.h"
#include "worker/attester/software.h"
#include "worker/inference/inference_host.h"
#include "worker/lockdown.h"

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

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const Path folder = argv[1];
  must(crypto::start_process());
  crypto::SystemRandom random;
  worker::InferenceConfig config;
  config.listen = folder / "worker.sock";
  config.clients = std::vector<uid_t>{::geteuid()};
  config.model = argv[4];
  constexpr std::string_view kSocket = "unix:";
  const std::string_view engine_place = argv[2];
  if (engine_place.starts_with(kSocket)) {
    const Path socket = engine_place.substr(kSocket.size());
    config.engine_socket = worker::SocketEngineConfig{socket, ::geteuid(), "/v1/chat/completions"};
    config.threads = 4;
  } else {
    config.onnx = worker::OnnxEngineConfig{argv[2], 1};
  }
  config.tokens = {{"acme", crypto::sha256(as_bytes(argv[5]))}};

  const Bytes model = must(read_file(argv[3], 1 << 28));
  const Bytes manifest = manifest_of(model);
  const auto key = crypto::SigningKey::generate(random);
  const auto measurement = must(worker::measure_program("/proc/self/exe"));
  const auto tell = [&folder](const char* name, ByteView digest) {
    must(write_file(folder / name, as_bytes(to_hex(digest)), Overwrite::kReplace));
  };
  tell("key", attest::software_key_fingerprint(key.public_key()));
  tell("manifest", crypto::sha256(manifest));
  tell("measurement", measurement);

  auto engine = must(worker::prepare_engine(config));
  worker::LockdownRequest request;
  request.reach.writable = {folder};
  if (config.engine_socket) request.reach.writable.push_back(config.engine_socket->socket.parent_path());
  const worker::LockedDown locked = must(worker::lock_down(request));
  must(engine->load(model));
  worker::SoftwareAttester attester(crypto::SigningKey::from_seed(key.seed().duplicate()), measurement,
                                    crypto::sha256(manifest), system_time);
  const auto collect = [&](const attest::Binding& binding) {
    return worker::collect_evidence(locked, attester, {}, binding);
  };
  const auto host = must(worker::InferenceHost::start(config, std::move(engine), {manifest, crypto::sha256(model), ""},
                                                      collect, system_time, random));
  std::signal(SIGTERM, [](int) { ended = 1; });
  while (ended == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    must(host->refresh());
  }
  ignore_result(host->stop(seconds(1)));
  return 0;
}
