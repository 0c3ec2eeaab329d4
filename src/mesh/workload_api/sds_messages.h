// The messages of Envoy's secret discovery (SDS): envoy/service/discovery/v3 and
// envoy/extensions/transport_sockets/tls/v3, as much of them as secrets need.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mesh/workload_identities.h"
#include "net/buffer.h"

namespace cloister::mesh {

inline constexpr std::size_t kSecretNamesMax = 128;
inline constexpr std::string_view kSecretType = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";

// How an Envoy is told whom to trust.
enum class Validation {
  kPlain,   // as certificates alone: a trust domain's authorities could vouch for another's workloads
  kSpiffe,  // for its SPIFFE validator, which holds each id against its own trust domain's authorities
};

// DiscoveryRequest.
struct SecretRequest {
  std::string version;  // what the client has: that of the last answer it took
  std::vector<std::string> names;
  std::string type;
  std::string nonce;                    // of the answer it speaks of
  std::optional<std::string> rejected;  // why it doesn't take that answer
  // Of the node, which only the first request of a stream must have. kSpiffe from Envoy 1.18 on, unless the node's
  // metadata say disable_spiffe_cert_validation.
  std::optional<Validation> validation;
};

// Fields of other numbers are passed over. kInvalid for what isn't protobuf, a known field of another kind, more than
// kSecretNamesMax names, text that isn't plain or too long.
Result<SecretRequest> parse_secret_request(ByteView message);

// The secrets of those names, as the `resources` of an answer; all there are when no name is given. The names are
// SPIRE's: an SVID's id or "default"; a trust domain's id, "ROOTCA" for the own one, "ALL" for all of them. kNotFound
// says which the caller may not have; kInvalid: "ALL" without a SPIFFE validator.
Result<net::Buffer> write_secrets(const WorkloadState& state, const std::vector<std::string>& names,
                                  Validation validation);
// DiscoveryResponse.
net::Buffer write_secret_answer(std::string_view version, ByteView secrets, std::string_view nonce);

}  // namespace cloister::mesh
