// The relay's configuration: one TOML file, every key of it in docs/relay.md.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "identity/conformance.h"
#include "identity/spiffe_id.h"
#include "mesh/relay/allow_list.h"
#include "net/address.h"
#include "net/tls.h"

namespace cloister::mesh {

// "127.0.0.1:8000", "workload.acme.example:8000", "unix:/run/workload.sock".
struct RelayAddress {
  net::TcpAddress tcp;
  Path path;  // of a Unix socket; empty: tcp

  bool is_unix() const { return !path.empty(); }
  std::string to_string() const;
};
Result<RelayAddress> parse_relay_address(std::string_view text);

// A trust domain whose workloads are believed, by a file of PEM certificates.
struct BundleFile {
  identity::TrustDomain trust_domain;
  Path file;
};

// Who the relay is: PEM files that are read again when they change, or a Workload API.
struct IdentitySettings {
  Path certificate, key, bundle;
  std::vector<BundleFile> federated;
  std::string workload_api;  // SPIFFE_ENDPOINT_SOCKET's form; empty: the files
  uid_t workload_api_user = 0;
  identity::Conformance conformance = identity::Conformance::kStrict;  // of peers' certificates
};

// How a transparent listener learns where its client meant to go.
enum class Interception {
  kNone,
  kRedirect,  // iptables REDIRECT: SO_ORIGINAL_DST
  kTproxy,    // iptables TPROXY: the socket's own address
};

// One place that the relay listens at.
struct ListenerSettings {
  enum class Direction { kInbound, kOutbound };

  std::string name;
  Direction direction = Direction::kInbound;
  RelayAddress listen;
  std::optional<uid_t> user;  // who may use an outbound Unix socket, besides root and this process's own
  // Where to go: the workload, or the peers, tried in turn. Of a transparent listener: where its clients may mean to
  // go.
  std::vector<RelayAddress> targets;
  AllowList peers;  // whom it serves, or whom it expects
  std::vector<std::string> protocols;
  std::string server_name;  // SNI of an outbound one; empty: none
  Interception interception = Interception::kNone;
  net::StreamOptions::KeyExchange key_exchange = net::StreamOptions::KeyExchange::kHybridFirst;
  bool proxy_header = false;
  bool end_with_proof = false;
};

struct RelayLimits {
  std::uint32_t connections = 10'000;
  std::uint32_t connections_per_address = 1'000;  // Unix: per user
  std::uint32_t connections_per_peer = 1'000;     // counted once it has proven its identity
  std::uint32_t handshakes = 1'000;               // at once
  Duration handshake_time{10'000};
  Duration connect_time{5'000};
  Duration idle_time{3'600'000};
  Duration half_open_time{60'000};  // without a byte, when one direction has ended
  Duration connection_time{24 * 3'600'000};
};

enum class RelayLogLevel { kDebug, kInfo, kWarning, kError };

struct RelayConfig {
  IdentitySettings identity;
  std::vector<ListenerSettings> listeners;
  RelayLimits limits;
  unsigned threads = 0;    // 0: one for each processor
  std::uint32_t mark = 0;  // SO_MARK of connections it makes; 0: none
  Duration drain = seconds(30);
  std::optional<RelayAddress> metrics;
  Path receipts;  // a folder; empty: none are written
  RelayLogLevel log_level = RelayLogLevel::kInfo;
  bool log_text = false;
};

inline constexpr std::size_t kRelayConfigSizeMax = std::size_t{1} << 20;
inline constexpr std::size_t kRelayListenersMax = 256;

// kInvalid, "line 12: …", for what isn't a configuration: a key that isn't there, with the nearest that is; a value out
// of bounds; a listener twice or none at all; plaintext that would leave the machine; a listener that names no peer.
Result<RelayConfig> parse_relay_config(std::string_view text);
// kDenied when somebody else could have written it: it says who may talk to whom.
Result<RelayConfig> read_relay_config(const Path& path);

// What a relay with this configuration would do, for people: whole lines.
std::string describe(const RelayConfig& config);

}  // namespace cloister::mesh
