// What a worker says it is, before it is given anything: a small TOML text whose SHA-256 its evidence carries.
// docs/formats/workload-manifest.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/hash.h"

namespace cloister::attest {

inline constexpr std::size_t kWorkloadManifestSizeMax = 65536;

struct WorkloadManifest {
  std::string name;
  std::string role;                             // "infer", "train", "aggregate", "kms"
  crypto::Sha256Digest image{};                 // of the worker's program, or of the image it came in
  crypto::Sha256Digest configuration{};         // of the bytes of its configuration file
  std::optional<crypto::Sha256Digest> model;    // of the model's plaintext; unset: it has none
  std::vector<std::string> egress;              // "keys.acme.example:8443": whom it may connect to
  std::optional<crypto::Sha256Digest> seccomp;  // of the filter it runs under; unset: under none
  friend bool operator==(const WorkloadManifest&, const WorkloadManifest&) = default;
};

// kInvalid for a text that isn't one, lacks an entry, has another one, or promises less than is known here: prompts are
// neither logged nor cached ("none"). What a worker doesn't have is written as "none".
Result<WorkloadManifest> parse_workload_manifest(std::string_view text);
// A text that reads as this manifest. Evidence binds bytes: write it once and keep what was written.
std::string write_workload_manifest(const WorkloadManifest& manifest);

// "sha256:" and 64 lower-case hexadecimal digits.
std::string digest_text(const crypto::Sha256Digest& digest);
Result<crypto::Sha256Digest> parse_digest_text(std::string_view text);

}  // namespace cloister::attest
