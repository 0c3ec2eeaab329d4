// The daemon's configuration: one TOML file, every key of it in docs/cloisterd.md.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "cloisterd/log_words.h"
#include "home/collateral_request.h"
#include "identity/authority_rules.h"
#include "identity/spiffe_id.h"
#include "keys/hierarchy.h"
#include "net/address.h"
#include "net/http_limits.h"
#include "policy/words.h"
#include "service/unix_workload.h"

namespace cloister::daemon {

using service::UnixWorkload;

// Where findings are sent besides the log: a socket of this machine, or a peer with an identity.
struct Webhook {
  std::string target;  // a request's path: "/hooks/anomaly"
  Path socket;         // empty: `address` and `server_id`
  uid_t server_user = 0;
  net::TcpAddress address;
  std::string server_id;
};

// Kubernetes' KMS v2 on a socket of its own, for the API server of one cluster.
struct KubernetesFace {
  std::string socket;
  keys::DatasetName dataset;  // what it seals under
  policy::Purpose purpose = policy::Purpose::kOperate;
};

// The API of AWS KMS, for clients that bring access keys; the certificate is one that they trust.
struct AwsFace {
  std::vector<net::TcpAddress> listen;
  std::string region;
  std::string certificate, key;  // PEM files
};

// Vault's API. Its clients know servers by DNS names, so it shows a certificate from outside.
struct VaultFace {
  std::vector<net::TcpAddress> tls, mutual_tls;  // without a client's certificate, and with one
  std::string certificate, key;                  // PEM files
  Duration token_lifetime = hours(1);
};

// The key broker protocol of the Confidential Containers, for guests that prove themselves by evidence alone.
struct KbsFace {
  std::vector<net::TcpAddress> listen;
  std::string certificate, key;  // PEM files
  std::string resources;         // a folder of sealed objects: <tenant[.environment]>/<dataset>/<name>
  policy::Purpose purpose = policy::Purpose::kInfer;
  Duration session_lifetime = minutes(5);
  std::uint32_t fetches_per_minute = 0;  // FetchBudget
};

// The SPIFFE Workload API and Envoy's SDS on a socket of this machine. Who calls is attested.
struct WorkloadApiFace {
  std::string socket;
  std::vector<uid_t> users;  // who may connect; empty: everybody
  bool sds = true;
  bool systemd = false, slurm = false, kubernetes = false, docker = false;  // attested beside users and executables
  std::string pods_file, containers_file;
};

// How a trust domain's bundle is told to those who federate with it. SPIFFE Federation, section 5.2.
enum class BundleProfile { kWeb, kSpiffe };

struct BundleEndpoint {
  std::vector<net::TcpAddress> listen;
  std::string path = "/";
  BundleProfile profile = BundleProfile::kSpiffe;
  std::string certificate, key;  // PEM files, with kWeb
};

// A trust domain whose bundle is fetched.
struct Federated {
  identity::TrustDomain trust_domain;
  net::TcpAddress address;
  std::string target;  // a request's path
  BundleProfile profile = BundleProfile::kSpiffe;
  std::string endpoint_id;  // with kSpiffe: whom the server must prove to be
  std::string bundle_file;  // with kSpiffe: what its server is believed by the first time
  std::string authorities;  // with kWeb: a PEM file; empty: those of the system
};

// Where what verifiers need beside evidence is fetched from.
struct CollateralFetching {
  home::VendorAddresses addresses;
  std::string authorities;  // a PEM file; empty: those of the system
};

struct Config {
  Config(identity::TrustDomain domain, identity::SpiffeId own)
      : trust_domain(std::move(domain)), own_id(std::move(own)) {}

  std::string home;
  identity::TrustDomain trust_domain;
  std::string server_id;  // in logs; the host's name where it isn't written

  std::vector<net::TcpAddress> tls, enroll;
  std::string unix_socket;  // empty: none
  bool unix_everybody = false;

  std::string policy_file;

  identity::SpiffeId own_id;
  identity::AuthorityRules rules;
  Duration poll = seconds(5);  // how often the store is asked for authorities and denied identities

  Duration lease = minutes(5);

  net::Limits limits;
  unsigned io_threads = 0;  // 0: one for each processor
  unsigned workers = 4;
  std::uint32_t queue = 1024;
  std::uint32_t cached_keyrings = 1024;
  Duration drain = seconds(30);

  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kJson;

  bool rotate = true;
  Duration rotation_check = minutes(1);
  Duration rotation_jitter = seconds(30);

  bool anomalies = true;
  std::optional<Webhook> webhook;

  std::optional<CollateralFetching> collateral;  // none: what is imported is used

  std::optional<KubernetesFace> kubernetes;
  std::optional<AwsFace> aws;
  std::optional<VaultFace> vault;
  std::optional<KbsFace> kbs;

  std::optional<WorkloadApiFace> workload_api;
  std::optional<BundleEndpoint> bundle_endpoint;
  std::vector<Federated> federated;

  std::map<uid_t, std::string> unix_callers;  // SPIFFE IDs
  std::vector<UnixWorkload> unix_workloads;

  // Who may connect to the Unix socket: everybody, or whom the tables name, root and the daemon's own user.
  std::vector<uid_t> unix_users() const;
};

inline constexpr std::size_t kConfigSizeMax = std::size_t{1} << 20;

// kInvalid, "line 12: …", for what isn't a configuration: a key that isn't there, with the nearest that is, a value out
// of bounds, a listener twice, no listener at all, an identity of another trust domain.
Result<Config> parse_config(std::string_view text);
// kDenied when somebody else could have written it: it says who speaks for whom.
Result<Config> read_config(const Path& path);

// What a daemon with this configuration would do, for people: whole lines.
std::string describe(const Config& config);

}  // namespace cloister::daemon
