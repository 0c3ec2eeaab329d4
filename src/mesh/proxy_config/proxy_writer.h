// A relay's configuration written for other people's proxies: the same listeners, the same peers, nothing in clear.
#pragma once

#include "mesh/relay/config.h"

namespace cloister::mesh {

enum class ProxyTarget : std::uint8_t { kEnvoy, kGhostunnel, kHaproxy, kNginx, kStunnel };

// Envoy: a bootstrap in JSON, secrets over SDS where the identity is a Workload API's. Ghostunnel: a command a
// listener. kInvalid where the proxy couldn't do what the relay does: HAProxy, nginx and stunnel can't tell one
// SPIFFE ID from another, so they take inbound listeners alone, whose list is a whole trust domain
// ("spiffe://acme.example/*"), and an identity in files; none of the five intercepts connections.
Result<std::string> write_proxy(ProxyTarget target, const RelayConfig& config);

}  // namespace cloister::mesh
