// E1 to E8: what Envoy's own configuration lets through, in a bootstrap or in files that it reads its resources from.
#include <algorithm>

#include "mesh/manifest/audit_state.h"

namespace cloister::mesh {
namespace {

constexpr std::string_view kHybridGroup = "X25519MLKEM768";

// Envoy takes both spellings of a field: validation_context and validationContext.
const YamlValue& field(const YamlValue& value, std::string_view snake) {
  const YamlValue& as_is = value.at(snake);
  if (!as_is.is_null()) return as_is;
  std::string camel;
  for (std::size_t i = 0; i < snake.size(); ++i) {
    if (snake[i] == '_' && i + 1 < snake.size()) {
      camel.push_back(static_cast<char>(snake[++i] - 32));
    } else {
      camel.push_back(snake[i]);
    }
  }
  return value.at(camel);
}

bool is_local_address(const YamlValue& address) {
  if (address.at("pipe").is_map()) return true;
  const std::string& host = field(address, "socket_address").at("address").text;
  return host.starts_with("127.") || host == "::1" || host == "localhost";
}

bool is_tls(const YamlValue& socket) {
  return socket.is_map() && socket.at("name").text.find("raw_buffer") == std::string::npos &&
         field(socket, "typed_config").at("@type").text.find("RawBuffer") == std::string::npos;
}

struct Place {
  AuditState& state;
  const Resource& resource;
  std::string what;  // "cluster models"

  void add(std::string_view id, const YamlValue& at, std::uint32_t otherwise, const std::string& words) const {
    state.add(id, resource, at.line == 0 ? otherwise : at.line, what + ": " + words);
  }
};

void audit_validation(const Place& place, const YamlValue& common) {
  const YamlValue& combined = field(common, "combined_validation_context");
  const YamlValue& context =
      combined.is_map() ? field(combined, "default_validation_context") : field(common, "validation_context");
  const bool by_secret = field(common, "validation_context_sds_secret_config").is_map();
  if (!context.is_map() && !combined.is_map() && !by_secret) {
    place.add("E4", common, common.line, "no validation context: any certificate will do");
    return;
  }
  const bool by_spiffe =
      field(field(context, "custom_validator_config"), "name").text == "envoy.tls.cert_validator.spiffe";
  const bool by_names = !field(context, "match_typed_subject_alt_names").items.empty() ||
                        !field(context, "match_subject_alt_names").items.empty();
  if (!by_names) {
    place.add("E4", context, common.line,
              by_spiffe ? "any SPIFFE ID of its trust domains will do" : "any name that the CA signed will do");
  }
  if (field(context, "trust_chain_verification").text == "ACCEPT_UNTRUSTED") {
    place.add("E7", field(context, "trust_chain_verification"), common.line,
              "trust_chain_verification is ACCEPT_UNTRUSTED");
  }
  if (field(context, "allow_expired_certificate").truth() == true) {
    place.add("E7", field(context, "allow_expired_certificate"), common.line, "allow_expired_certificate is true");
  }
}

void audit_parameters(const Place& place, const YamlValue& common) {
  const YamlValue& parameters = field(common, "tls_params");
  const YamlValue& lowest = field(parameters, "tls_minimum_protocol_version");
  if (lowest.text != "TLSv1_3") {
    place.add("E6", lowest, common.line,
              lowest.is_text() ? "the lowest version is " + shown(lowest.text) : "the lowest version is left to Envoy");
  }
  const auto& curves = field(parameters, "ecdh_curves").items;
  const bool is_hybrid = std::ranges::any_of(curves, [](const YamlValue& curve) { return curve.text == kHybridGroup; });
  if (!is_hybrid) place.add("E5", field(parameters, "ecdh_curves"), common.line, "ecdh_curves lacks X25519MLKEM768");
}

void audit_tls(const Place& place, const YamlValue& socket) {
  const YamlValue& config = field(socket, "typed_config");
  const YamlValue& common = field(config, "common_tls_context");
  audit_validation(place, common.is_map() ? common : config);
  audit_parameters(place, common.is_map() ? common : config);
  if (field(config, "allow_renegotiation").truth() == true) {
    place.add("E7", field(config, "allow_renegotiation"), config.line, "allow_renegotiation is true");
  }
}

void audit_listener(AuditState& state, const Resource& resource, const YamlValue& listener) {
  const Place place{state, resource, "listener " + shown(listener.at("name").text)};
  const bool local = is_local_address(listener.at("address"));
  for (const YamlValue& chain : field(listener, "filter_chains").items) {
    const YamlValue& socket = field(chain, "transport_socket");
    if (!is_tls(socket)) {
      if (!local) place.add("E1", socket, chain.line, "a filter chain without TLS");
      continue;
    }
    audit_tls(place, socket);
    const YamlValue& required = field(field(socket, "typed_config"), "require_client_certificate");
    const YamlValue& value = required.is_map() ? required.at("value") : required;
    if (value.truth() != true) place.add("E3", value, socket.line, "require_client_certificate isn't true");
  }
}

bool is_local_cluster(const YamlValue& cluster) {
  bool any = false, all = true;
  for (const YamlValue& group : field(cluster, "load_assignment").at("endpoints").items) {
    for (const YamlValue& endpoint : field(group, "lb_endpoints").items) {
      any = true;
      all = all && is_local_address(endpoint.under("endpoint.address"));
    }
  }
  return any && all;
}

void audit_cluster(AuditState& state, const Resource& resource, const YamlValue& cluster) {
  const Place place{state, resource, "cluster " + shown(cluster.at("name").text)};
  const YamlValue& socket = field(cluster, "transport_socket");
  if (is_tls(socket)) {
    audit_tls(place, socket);
  } else if (!is_local_cluster(cluster) && field(cluster, "transport_socket_matches").items.empty()) {
    place.add("E2", socket, cluster.line, "it is reached without TLS");
  }
}

void audit_admin(AuditState& state, const Resource& resource) {
  const YamlValue& address = resource.root.at("admin").at("address");
  if (address.is_map() && !is_local_address(address)) {
    state.add("E8", resource, address.line, "admin listens beyond this machine");
  }
}

void audit_document(AuditState& state, const Resource& resource) {
  const YamlValue& fixed = field(resource.root, "static_resources");
  if (fixed.is_map()) {
    for (const YamlValue& listener : fixed.at("listeners").items) audit_listener(state, resource, listener);
    for (const YamlValue& cluster : fixed.at("clusters").items) audit_cluster(state, resource, cluster);
    audit_admin(state, resource);
  }
  for (const YamlValue& one : resource.root.at("resources").items) {
    const std::string& type = one.at("@type").text;
    if (type.ends_with("listener.v3.Listener")) audit_listener(state, resource, one);
    if (type.ends_with("cluster.v3.Cluster")) audit_cluster(state, resource, one);
  }
}

}  // namespace

void audit_envoy(AuditState& state) {
  for (const Resource& document : state.settings) audit_document(state, document);
}

}  // namespace cloister::mesh
