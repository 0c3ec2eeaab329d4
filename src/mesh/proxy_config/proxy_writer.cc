#include "mesh/proxy_config/proxy_writer.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace cloister::mesh {
namespace {

using Json = nlohmann::ordered_json;
using Direction = ListenerSettings::Direction;

constexpr const char* kTypes = "type.googleapis.com/envoy.extensions.";
constexpr const char* kHead = "# Written by `cloister mesh write`: mutual TLS 1.3, and nothing in clear.\n";

Error unsupported(const ListenerSettings& listener, const std::string& why) {
  return Error(Code::kInvalid, "listener " + listener.name + ": " + why);
}

// --- Envoy

Json envoy_address(const RelayAddress& address) {
  if (address.is_unix()) return {{"pipe", {{"path", address.path.string()}}}};
  return {{"socket_address", {{"address", address.tcp.host}, {"port_value", address.tcp.port}}}};
}

Json sds_secret(const std::string& name) {
  const Json source{{"api_config_source",
                     {{"api_type", "GRPC"},
                      {"transport_api_version", "V3"},
                      {"grpc_services", Json::array({Json{{"envoy_grpc", {{"cluster_name", "cloister_sds"}}}}})}}},
                    {"resource_api_version", "V3"}};
  return {{"name", name}, {"sds_config", source}};
}

Json matchers(const AllowList& peers) {
  Json all = Json::array();
  for (const std::string& pattern : peers.patterns()) {
    const char* how = pattern.ends_with('/') ? "prefix" : "exact";
    all.push_back({{"san_type", "URI"}, {"matcher", {{how, pattern}}}});
  }
  return all;
}

Json envoy_tls(const ListenerSettings& listener, const IdentitySettings& identity) {
  const bool inbound = listener.direction == Direction::kInbound;
  Json common{{"tls_params",
               {{"tls_minimum_protocol_version", "TLSv1_3"},
                {"tls_maximum_protocol_version", "TLSv1_3"},
                {"ecdh_curves", {"X25519MLKEM768", "X25519"}}}}};
  if (!listener.protocols.empty()) common["alpn_protocols"] = listener.protocols;
  const Json names{{"match_typed_subject_alt_names", matchers(listener.peers)}};
  if (identity.workload_api.empty()) {
    common["tls_certificates"] = Json::array({Json{{"certificate_chain", {{"filename", identity.certificate.string()}}},
                                                   {"private_key", {{"filename", identity.key.string()}}}}});
    common["validation_context"] = names;
    common["validation_context"]["trusted_ca"] = {{"filename", identity.bundle.string()}};
  } else {
    common["tls_certificate_sds_secret_configs"] = Json::array({sds_secret("default")});
    common["combined_validation_context"] = {{"default_validation_context", names},
                                             {"validation_context_sds_secret_config", sds_secret("ALL")}};
  }
  Json config{{"@type", std::string(kTypes) + "transport_sockets.tls.v3." + (inbound ? "Downstream" : "Upstream") +
                            "TlsContext"},
              {"common_tls_context", common}};
  if (inbound) config["require_client_certificate"] = true;
  if (!listener.server_name.empty()) config["sni"] = listener.server_name;
  return {{"name", "envoy.transport_sockets.tls"}, {"typed_config", config}};
}

Json envoy_cluster(const ListenerSettings& listener, const IdentitySettings& identity) {
  Json endpoints = Json::array();
  for (const RelayAddress& target : listener.targets) {
    endpoints.push_back({{"endpoint", {{"address", envoy_address(target)}}}});
  }
  const bool named = std::ranges::any_of(listener.targets, [](const RelayAddress& target) {
    return !target.is_unix() && !net::numeric_address(target.tcp).ok();
  });
  Json cluster{{"name", listener.name},
               {"type", named ? "STRICT_DNS" : "STATIC"},
               {"connect_timeout", "5s"},
               {"load_assignment",
                {{"cluster_name", listener.name}, {"endpoints", Json::array({Json{{"lb_endpoints", endpoints}}})}}}};
  if (listener.direction == Direction::kOutbound) cluster["transport_socket"] = envoy_tls(listener, identity);
  return cluster;
}

Json envoy_listener(const ListenerSettings& listener, const IdentitySettings& identity) {
  const Json proxy{{"name", "envoy.filters.network.tcp_proxy"},
                   {"typed_config",
                    {{"@type", std::string(kTypes) + "filters.network.tcp_proxy.v3.TcpProxy"},
                     {"stat_prefix", listener.name},
                     {"cluster", listener.name}}}};
  Json chain{{"filters", Json::array({proxy})}};
  if (listener.direction == Direction::kInbound) chain["transport_socket"] = envoy_tls(listener, identity);
  return {
      {"name", listener.name}, {"address", envoy_address(listener.listen)}, {"filter_chains", Json::array({chain})}};
}

Result<std::string> write_envoy(const RelayConfig& config) {
  const IdentitySettings& identity = config.identity;
  Json listeners = Json::array(), clusters = Json::array();
  for (const ListenerSettings& listener : config.listeners) {
    listeners.push_back(envoy_listener(listener, identity));
    clusters.push_back(envoy_cluster(listener, identity));
  }
  if (!identity.workload_api.empty()) {
    if (!identity.workload_api.starts_with("unix://")) {
      return Error(Code::kInvalid, "Envoy is written for a Workload API on a Unix socket");
    }
    CLOISTER_TRY(const RelayAddress socket, parse_relay_address("unix:" + identity.workload_api.substr(7)));
    const Json http2{{"@type", std::string(kTypes) + "upstreams.http.v3.HttpProtocolOptions"},
                     {"explicit_http_config", {{"http2_protocol_options", Json::object()}}}};
    const Json endpoint{{"endpoint", {{"address", envoy_address(socket)}}}};
    clusters.push_back(
        {{"name", "cloister_sds"},
         {"type", "STATIC"},
         {"connect_timeout", "5s"},
         {"typed_extension_protocol_options", {{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions", http2}}},
         {"load_assignment",
          {{"cluster_name", "cloister_sds"},
           {"endpoints", Json::array({Json{{"lb_endpoints", Json::array({endpoint})}}})}}}});
  }
  const Json bootstrap{{"node", {{"id", "cloister"}, {"cluster", "cloister"}}},
                       {"static_resources", {{"listeners", listeners}, {"clusters", clusters}}}};
  return bootstrap.dump(2) + "\n";
}

// --- ghostunnel

std::string shell_word(std::string_view text) {
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::string ghostunnel_address(const RelayAddress& address) {
  return shell_word(address.is_unix() ? "unix:" + address.path.string() : address.tcp.to_string());
}

Result<std::string> write_ghostunnel(const RelayConfig& config) {
  std::string out(kHead);
  for (const ListenerSettings& listener : config.listeners) {
    if (listener.targets.size() != 1) return unsupported(listener, "ghostunnel has one target for a listener");
    const bool inbound = listener.direction == Direction::kInbound;
    out += std::string("ghostunnel ") + (inbound ? "server" : "client") + " --listen " +
           ghostunnel_address(listener.listen) + " --target " + ghostunnel_address(listener.targets[0]);
    for (const std::string& pattern : listener.peers.patterns()) {
      const std::string uri = pattern.ends_with('/') ? pattern + "**" : pattern;
      out += (inbound ? " --allow-uri " : " --verify-uri ") + shell_word(uri);
    }
    const IdentitySettings& identity = config.identity;
    out += identity.workload_api.empty()
               ? " --cert " + shell_word(identity.certificate.string()) + " --key " +
                     shell_word(identity.key.string()) + " --cacert " + shell_word(identity.bundle.string())
               : " --use-workload-api-addr " + shell_word(identity.workload_api);
    out += " &\n";
  }
  return out + "wait\n";
}

// --- HAProxy, nginx, stunnel: those that know authorities and no SPIFFE IDs

// "spiffe://acme.example/" and nothing besides.
bool is_whole_domain(const AllowList& peers) {
  return peers.patterns().size() == 1 && std::ranges::count(peers.patterns().front(), '/') == 3 &&
         peers.patterns().front().ends_with('/');
}

bool is_plain_word(std::string_view text) {
  return !text.empty() && text.find_first_of(" \t\r\n\"'\\#;{}$") == std::string_view::npos;
}

Status check_blind(const ListenerSettings& listener, const IdentitySettings& identity, std::string_view proxy) {
  const std::string name(proxy);
  if (!identity.workload_api.empty())
    return unsupported(listener, name + " needs certificate, key and bundle in files");
  if (listener.direction == Direction::kOutbound) {
    return unsupported(
        listener,
        name + " can't verify a peer by its SPIFFE ID: write it for Envoy or ghostunnel, or leave it to the relay");
  }
  if (!is_whole_domain(listener.peers)) {
    return unsupported(listener, name +
                                     " can't tell one SPIFFE ID of a trust domain from another: allow the whole of it "
                                     "(spiffe://TRUST-DOMAIN/*), or take Envoy, ghostunnel or the relay");
  }
  for (const Path* path : {&identity.certificate, &identity.key, &identity.bundle}) {
    if (!is_plain_word(path->string()))
      return unsupported(listener, "its files have names that " + name + " may read otherwise");
  }
  return {};
}

std::string haproxy_address(const RelayAddress& address) {
  return address.is_unix() ? "unix@" + address.path.string() : address.tcp.to_string();
}

std::string haproxy_listener(const ListenerSettings& listener, const IdentitySettings& identity) {
  std::string out = "\nlisten " + listener.name + "\n  mode tcp\n  bind " + haproxy_address(listener.listen) +
                    " ssl crt " + identity.certificate.string() + " ca-file " + identity.bundle.string() +
                    " verify required ssl-min-ver TLSv1.3 no-tls-tickets\n";
  for (std::size_t i = 0; i < listener.targets.size(); ++i) {
    out += "  server " + listener.name + std::to_string(i + 1) + " " + haproxy_address(listener.targets[i]) +
           (listener.proxy_header ? " send-proxy-v2" : "") + "\n";
  }
  return out;
}

std::string nginx_address(const RelayAddress& address) {
  return address.is_unix() ? "unix:" + address.path.string() : address.tcp.to_string();
}

std::string nginx_listener(const ListenerSettings& listener, const IdentitySettings& identity) {
  return "  server {\n    listen " + nginx_address(listener.listen) +
         " ssl;\n    ssl_protocols TLSv1.3;\n    ssl_certificate " + identity.certificate.string() +
         ";\n    ssl_certificate_key " + identity.key.string() + ";\n    ssl_client_certificate " +
         identity.bundle.string() +
         ";\n    ssl_verify_client on;\n    ssl_verify_depth 4;\n    ssl_session_tickets off;\n    proxy_pass " +
         nginx_address(listener.targets.front()) + ";\n  }\n";
}

std::string stunnel_address(const RelayAddress& address) {
  return address.is_unix() ? address.path.string() : address.tcp.to_string();
}

std::string stunnel_listener(const ListenerSettings& listener, const IdentitySettings& identity) {
  std::string out = "\n[" + listener.name + "]\naccept = " + stunnel_address(listener.listen) + "\n";
  for (const RelayAddress& target : listener.targets) out += "connect = " + stunnel_address(target) + "\n";
  return out + "cert = " + identity.certificate.string() + "\nkey = " + identity.key.string() +
         "\nCAfile = " + identity.bundle.string() + "\nrequireCert = yes\nverifyChain = yes\nsslVersionMin = TLSv1.3\n";
}

Result<std::string> write_blind(ProxyTarget target, const RelayConfig& config) {
  std::string listeners;
  for (const ListenerSettings& listener : config.listeners) {
    const std::string_view proxy = target == ProxyTarget::kHaproxy ? "HAProxy"
                                   : target == ProxyTarget::kNginx ? "nginx"
                                                                   : "stunnel";
    CLOISTER_RETURN_IF_ERROR(check_blind(listener, config.identity, proxy));
    if (target == ProxyTarget::kNginx && listener.targets.size() != 1) {
      return unsupported(listener, "nginx is written for one workload");
    }
    listeners += target == ProxyTarget::kHaproxy ? haproxy_listener(listener, config.identity)
                 : target == ProxyTarget::kNginx ? nginx_listener(listener, config.identity)
                                                 : stunnel_listener(listener, config.identity);
  }
  const std::string head(kHead);
  if (target == ProxyTarget::kNginx) return head + "events {}\nstream {\n" + listeners + "}\n";
  if (target == ProxyTarget::kStunnel) return head + "foreground = yes\n" + listeners;
  // HAProxy looks for the key in CERTIFICATE.key where the certificate's file has none.
  return head + "# The key is looked for in " + config.identity.certificate.string() +
         ".key, or in the certificate's file.\ndefaults\n  timeout connect 5s\n  timeout client 1h\n  timeout server "
         "1h\n" +
         listeners;
}

}  // namespace

Result<std::string> write_proxy(ProxyTarget target, const RelayConfig& config) {
  for (const ListenerSettings& listener : config.listeners) {
    if (listener.interception != Interception::kNone) {
      return unsupported(listener, "a transparent listener is the relay's alone");
    }
    if (!is_plain_word(listener.name)) return unsupported(listener, "its name isn't one word");
  }
  switch (target) {
    case ProxyTarget::kEnvoy: return write_envoy(config);
    case ProxyTarget::kGhostunnel: return write_ghostunnel(config);
    default: return write_blind(target, config);
  }
}

}  // namespace cloister::mesh
