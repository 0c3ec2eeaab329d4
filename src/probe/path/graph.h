// The declared data path: components, and which of them may talk to which, over what. docs/formats/data-path.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/toml.h"
#include "identity/spiffe_id.h"
#include "probe/path/network.h"

namespace cloister::probe::path {

inline constexpr std::size_t kComponentsMax = 512;
inline constexpr std::size_t kEdgesMax = 4096;
inline constexpr std::size_t kGraphSizeMax = std::size_t{1} << 20;

// Where a cloud runs it; empty: not said.
struct Place {
  std::string cloud;  // "aws", "azure", "google"
  std::string region;
  std::string zone;
};

struct Component {
  std::string name;
  std::vector<identity::SpiffeId> spiffe_ids;
  std::vector<Network> addresses;
  std::vector<std::string> executables;     // absolute paths
  std::vector<std::string> workloads;       // "namespace/name" in Kubernetes
  std::vector<std::uint16_t> inside_ports;  // reached by the component itself alone: what its sidecar hands on to
  Place place;
};

enum class Transport { kTcp, kUdp, kRdma };
std::string_view name_of(Transport transport);

// How much an edge asks for, or a piece of evidence shows: each is more than the one before.
enum class Protection {
  kEncrypted,  // by anything: WireGuard, IPsec, CurveZMQ, SSH
  kTls,        // TLS: the server proves who it is
  kMutualTls,  // both ends do
};
std::string_view name_of(Protection protection);  // "encrypted", "tls", "mutual-tls"
Result<Protection> parse_protection(std::string_view text);

// Who lives with an edge that isn't proven, why, and until when.
struct Exception {
  std::string reason;
  std::string owner;
  Time until;
};

struct Edge {
  std::size_t from = 0, to = 0;  // positions in Graph::components
  std::uint16_t port = 0;        // of `to`, the first; 0 for RDMA, which has none
  std::uint16_t port_last = 0;   // the same as `port` where it is only one
  Transport transport = Transport::kTcp;
  std::string protocol;  // a word for people: "grpc", "nccl"
  Protection requires_at_least = Protection::kMutualTls;
  std::uint16_t tls_min = 0x0304;  // as on the wire
  std::string via;                 // "", or "load-balancer" or "transit": what the provider puts in between
  std::optional<Exception> exception;
};

struct Graph {
  std::string id;
  Duration evidence_age_max;
  std::vector<Component> components;  // names are unique
  std::vector<Edge> edges;            // no two of the same from, to and transport share a port

  const Component* find(std::string_view name) const;
};

// kInvalid, "line 12: …", for what isn't a graph; kUnsupported for a version newer than this program's.
Result<Graph> parse_graph(std::string_view text);
// The same of a document that is read already, as a larger one has it in itself.
Result<Graph> parse_graph(const TomlDocument& document);

// "1.3" for 0x0304; "?" for what is no version of TLS.
std::string tls_version_text(std::uint16_t version);

}  // namespace cloister::probe::path
