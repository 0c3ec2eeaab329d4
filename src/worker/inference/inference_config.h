// The table [inference] of a worker's configuration. docs/inference.md.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/toml.h"
#include "worker/inference/tenant_tokens.h"

namespace cloister::worker {

struct OnnxEngineConfig {
  Path library;
  std::uint32_t threads = 1;  // for one question
};

struct SocketEngineConfig {
  Path socket;
  uid_t user = 0;  // whose process must be listening
  std::string path;
};

struct InferenceConfig {
  Path listen;
  std::optional<std::vector<uid_t>> clients;  // users of this machine that may connect; unset: any
  std::string model;                          // its name
  std::optional<OnnxEngineConfig> onnx;       // one of the two
  std::optional<SocketEngineConfig> engine_socket;
  std::vector<TenantToken> tokens;
  std::uint32_t threads = 1;
  std::uint32_t waiting = 256;
};

// kInvalid, with the line, for a table with an entry missing, too much or of the wrong kind.
Result<InferenceConfig> parse_inference_config(const TomlTable& table);

}  // namespace cloister::worker
