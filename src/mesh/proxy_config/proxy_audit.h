// The audit of proxies' own configuration that isn't YAML: HAProxy, nginx and stunnel.
#pragma once

#include "mesh/manifest/audit.h"

namespace cloister::mesh {

enum class ProxyKind : std::uint8_t { kHaproxy, kNginx, kStunnel };

// One file. kInvalid, with the line, where it isn't a configuration of that proxy. Files that it includes aren't read.
Result<std::vector<Finding>> audit_proxy(ProxyKind kind, const std::string& file, std::string_view text);

}  // namespace cloister::mesh
