// A worker's configuration: a TOML file, described in docs/worker.md. The workload manifest names its SHA-256.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attest/kind.h"
#include "crypto/hash.h"
#include "mesh/relay/config.h"
#include "net/address.h"
#include "worker/attested_keys.h"
#include "worker/inference/inference_config.h"
#include "worker/lockdown.h"

namespace cloister::worker {

inline constexpr std::size_t kWorkerConfigSizeMax = std::size_t{1} << 20;

// Where keys come from: over mutual TLS, or from a daemon on this machine.
struct KeyServiceSettings {
  std::string name;     // where there are several
  std::string keyring;  // of its dataset, in hexadecimal; where there are several
  std::optional<net::TcpAddress> address;
  std::string id;                   // whom its certificate must name
  Path socket;                      // where there is no address
  uid_t user = 0;                   // whose process listens there
  mesh::IdentitySettings identity;  // this worker's own, to that service; with an address
};
inline constexpr std::size_t kKeyServicesMax = 16;

// A program that is given the model as an open file.
struct EngineSettings {
  std::vector<std::string> command;  // empty: none. "{model}" stands for the file's path
};

struct WorkerConfig {
  std::string name, role;
  Path manifest;
  std::vector<KeyServiceSettings> services;  // one, or those that each hold a share of the model's key
  ReleaseTarget target;
  Path model;
  crypto::Sha256Digest model_digest{};
  attest::Kind attester = attest::Kind::kInsecureSoftware;
  Path attester_key;  // of insecure_software
  std::string tpm;    // of a TPM: how tpm2-tss reaches it
  bool gpus = false;  // NVIDIA's: their evidence goes with the machine's own
  EngineSettings engine;
  std::optional<InferenceConfig> inference;  // questions over the confidential path: docs/inference.md
  std::vector<std::string> egress;           // "host:port", besides the key services
  std::vector<Path> readable, executable, writable;
  bool executable_memory = false;
  bool debug = false;
  crypto::Sha256Digest digest{};  // of the text
};

// kInvalid, "line 12: …".
Result<WorkerConfig> parse_worker_config(std::string_view text);
// kDenied when somebody else could have written it.
Result<WorkerConfig> read_worker_config(const Path& path);

// Whom the worker connects to, as its manifest says it.
std::vector<std::string> egress_of(const WorkerConfig& config);
// What lock_down() is asked for.
LockdownRequest lockdown_request(const WorkerConfig& config);

}  // namespace cloister::worker
