// The declared inventory: every location, workload, edge and key of the platform, with owner and label. One file, TOML
// or YAML: docs/formats/estate.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "posture/subject.h"
#include "probe/path/graph.h"

namespace cloister::posture {

enum class DataKind : std::uint8_t {
  kTrainingData,
  kFeatures,  // feature stores and vector indexes
  kModel,     // weights, adapters, checkpoints, tokenizers
  kInferenceLog,
  kSecrets,
  kBackup,   // and snapshots
  kScratch,  // caches, spill, temporary files
  kOther,
};
std::string_view name_of(DataKind kind);  // "training-data", "features", "model", "inference-log", …

// Most sensitive first.
enum class Sensitivity : std::uint8_t { kRegulated, kThirdPartyIp, kSensitiveBusiness, kInternal, kPublic };
std::string_view name_of(Sensitivity sensitivity);  // "regulated-personal-data", "third-party-ip", …

// Who answers for an entry, and how much it matters. Empty or none: not said, which is a finding.
struct Label {
  std::string owner;
  std::string environment;  // "production", "staging", …
  std::string tenant;       // or several, by commas
  std::optional<Sensitivity> sensitivity;
};

struct Location {
  std::string name;
  std::string address;  // "file:/srv/x", "s3://bucket/prefix", "azure-blob://account/container", "gs://bucket",
                        // "ebs:vol-1", "rds:name", "postgresql://host/db", "k8s-secrets:cluster", …
  DataKind kind = DataKind::kOther;
  Label label;
  // Plaintext is allowed here, with the reason: public data, a zone that is emptied. Empty: it isn't.
  std::string plaintext_allowed;
  std::uint32_t line = 0;
};

enum class WorkloadUse : std::uint8_t { kTraining, kInference, kFederation, kPipeline, kKeyService, kOther };
std::string_view name_of(WorkloadUse use);  // "training", "inference", …

struct Workload {
  std::string name;  // a component of the graph has the same name
  WorkloadUse use = WorkloadUse::kOther;
  Label label;
  std::vector<std::string> reads;  // names of locations
  // What the assessment of confidential computing asks besides sensitivity: does the operator of the machines belong to
  // the data's owner (not, unless the estate says so), do parties share it, does it use an accelerator.
  bool host_trusted = false;
  bool several_parties = false;
  bool accelerator = false;
  std::uint32_t line = 0;
};

struct Endpoint {
  std::string name;
  std::string address;  // "host:443"
  Label label;
  std::uint32_t line = 0;
};

struct DeclaredKey {
  std::string name;       // as its provider names it, or "cloister:" and a KEK's id
  std::string account;    // the operator's account or project at the provider: everything else is foreign
  std::string key_class;  // "root", "kek", "dataset", "tls", "signing"
  std::optional<Duration> cryptoperiod;
  Label label;
  std::uint32_t line = 0;
};

struct Estate {
  std::string id;
  std::vector<Location> locations;
  std::vector<Workload> workloads;
  std::vector<Endpoint> endpoints;
  std::vector<DeclaredKey> keys;
  // Accounts, subscriptions and projects that are the operator's own.
  std::vector<std::string> own_accounts;
  // Who answers for the keys of the Cloister home that is audited, which keeps the register of them itself.
  std::string home_owner;
  // Components and edges, as the path audit takes them; empty where none are declared.
  probe::path::Graph graph;
  std::string digest;  // SHA-256 of the file, in hexadecimal
};

// By what it starts with: YAML or TOML as `name` ends. kInvalid "line 12: …" for everything that isn't an estate.
Result<Estate> parse_estate(std::string_view text, std::string_view name);

}  // namespace cloister::posture
