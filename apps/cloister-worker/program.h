// A worker from its configuration to its end: locks itself down, attests, opens the model, serves it while the lease
// holds, and wipes it.
#pragma once

#include <signal.h>

#include <atomic>
#include <thread>

#include "attest/workload_manifest.h"
#include "cloister-relay/identity_keeper.h"
#include "cloister-worker/config.h"
#include "cloister-worker/engine_process.h"
#include "worker/broker_set.h"
#include "worker/inference/inference_host.h"
#include "worker/model.h"

namespace cloister::worker {

// What the program is in the eyes of a manifest: its file, its configuration and its filter.
attest::WorkloadManifest manifest_of(const WorkerConfig& config, const crypto::Sha256Digest& image);
// The bytes, once they were found to be about this program and this configuration; kDenied, naming the entry, else.
Result<Bytes> read_manifest(const WorkerConfig& config, const crypto::Sha256Digest& image);

// What is read and made while files can still be.
struct Prepared {
  Bytes manifest;
  std::optional<File> model;
  std::optional<File> memory;  // of [engine]: where it finds the model
  std::unique_ptr<Attester> attester;
  std::vector<std::unique_ptr<Attester>> devices;
  std::unique_ptr<Engine> engine;  // of [inference]
};
Result<Prepared> prepare(const WorkerConfig& config);

inline constexpr Duration kStopPatience = seconds(30);

class Program {
 public:
  Program(const WorkerConfig& config, Prepared prepared, LockedDown locked, daemon::Log& log);
  ~Program();

  // Everything up to the first question.
  Status start();
  // Renews what has to be renewed, until a signal of `signals` asks to end (success), the engine ends, or the worker
  // may not go on (kDenied, kExpired). Key services that keep it waiting keep none of that waiting.
  Status serve(const sigset_t& signals);
  // Lets what has begun finish, within `patience` and the lease, and wipes the model. Without patience no question is
  // answered any more.
  void stop(Duration patience);

 private:
  // A key service, and what leads to it.
  struct Connection {
    std::unique_ptr<relay::IdentityKeeper> identity;
    std::unique_ptr<net::HttpClient> client;
  };
  Status connect();
  Result<Connection> connect_to(const KeyServiceSettings& service);
  void say_refusals();
  std::vector<Attester*> devices() const;
  TellOpened tell_brokers();
  Status open_engine();
  Status open_inference();
  void renew_when_due();
  Status finish_renewal();
  Status finish_lease();
  Duration until_next_look() const;
  void say_lockdown();

  const WorkerConfig& config_;
  Prepared prepared_;
  const LockedDown locked_;
  daemon::Log& log_;
  crypto::SystemRandom random_;
  Patience patience_;
  std::vector<Connection> connections_;
  std::unique_ptr<BrokerSet> keys_;
  std::optional<EngineFile> engine_file_;
  std::unique_ptr<EngineProcess> engine_;
  std::unique_ptr<InferenceHost> inference_;
  Time lease_end_, next_renewal_, next_refresh_;
  std::vector<BrokerSet::Refusal> refusals_;  // of the last renewal
  // Of the bundle, of the lease or of both: asks `keys_` and the attester while serve() watches; nobody else does until
  // it is joined.
  std::thread renewal_;
  std::atomic<bool> renewal_done_ = false;
  bool of_lease_ = false;  // not of the bundle alone
  Status refreshed_;
  bool renewed_ = false;
};

}  // namespace cloister::worker
