// T7, T10 to T14 and T17: the stores that AI workloads lean on, and the addresses by which they are reached.
#include <algorithm>
#include <optional>

#include "mesh/manifest/audit_state.h"

namespace cloister::mesh {
namespace {

struct Place {
  AuditState& state;
  std::size_t index;
  const Container& container;
  std::string image;

  const Workload& workload() const { return state.workloads[index]; }
  bool image_is(std::string_view name) const { return image == name || image.ends_with("/" + std::string(name)); }
  void add(std::string_view id, std::string what) const {
    add_unless_covered(state, id, index, container.line, std::move(what));
  }
};

bool any_setting(const AuditState& state, std::initializer_list<std::string_view> paths) {
  return std::ranges::any_of(paths, [&state](std::string_view path) { return state.setting(path).truth() == true; });
}

// Some ConfigMap of the workload's namespace has a line that begins with this, as redis.conf and its like do.
bool any_line_begins(const Place& place, std::string_view words) {
  for (const Resource& resource : place.state.manifests.resources) {
    if (!resource.is("", "ConfigMap") || place.state.namespace_of(resource) != place.workload().name_space) continue;
    for (const YamlMember& member : resource.root.at("data").members) {
      const std::string& text = member.value.text;
      if (text.starts_with(words) || text.find("\n" + std::string(words)) != std::string::npos) return true;
    }
  }
  return false;
}

void audit_milvus(const Place& place) {
  if (place.image.find("milvusdb/milvus") == std::string::npos) return;
  if (!any_setting(place.state,
                   {"common.security.internaltlsEnabled", "extraConfigFiles.common.security.internaltlsEnabled"})) {
    place.add("T7", "no configuration switches internaltlsEnabled on");
  }
}

void audit_milvus_resource(AuditState& state, const Resource& milvus) {
  const YamlValue& security = milvus.spec().under("config.common.security");
  if (security.at("internaltlsEnabled").truth() != true) {
    state.add("T7", milvus, security.line, "spec.config.common.security.internaltlsEnabled isn't true");
  }
  if (security.at("tlsMode").text != "2")
    state.add("T7", milvus, security.line, "spec.config.common.security.tlsMode isn't 2");
}

void audit_qdrant(const Place& place) {
  if (place.image.find("qdrant/qdrant") == std::string::npos) return;
  const auto on = [&place](std::string_view variable, std::initializer_list<std::string_view> paths) {
    return place.container.env(variable).truth() == true || any_setting(place.state, paths);
  };
  if (!on("QDRANT__SERVICE__ENABLE_TLS", {"service.enable_tls", "config.service.enable_tls"})) {
    place.add("T10", "service.enable_tls isn't true");
  }
  const bool clustered = on("QDRANT__CLUSTER__ENABLED", {"cluster.enabled", "config.cluster.enabled"}) ||
                         place.container.option("--uri") != nullptr || place.container.option("--bootstrap") != nullptr;
  if (clustered &&
      !on("QDRANT__CLUSTER__P2P__ENABLE_TLS", {"cluster.p2p.enable_tls", "config.cluster.p2p.enable_tls"})) {
    place.add("T10", "cluster.p2p.enable_tls isn't true");
  }
}

void audit_redis(const Place& place) {
  const bool is_redis = place.image_is("redis") || place.image_is("valkey") || place.image_is("redis-stack-server") ||
                        place.container.has_word("redis-server") || place.container.has_word("valkey-server");
  if (!is_redis) return;
  const YamlValue& of_chart = place.container.env("REDIS_TLS_ENABLED");
  const bool tls = place.container.option("--tls-port") != nullptr || of_chart.truth() == true ||
                   of_chart.text == "yes" || any_line_begins(place, "tls-port ");
  if (!tls) {
    place.add("T11", "no tls-port");
    return;
  }
  const std::string* port = place.container.option("--port");
  const bool closed = (port != nullptr && *port == "0") || of_chart.is_text() || any_line_begins(place, "port 0");
  if (!closed) place.add("T11", "its plain port stays open beside tls-port: --port 0");
}

bool has_remote_plain_url(std::string_view urls) {
  return std::ranges::any_of(list_of(urls), [](const std::string& url) {
    return url.starts_with("http://") && !url.starts_with("http://127.") && !url.starts_with("http://localhost") &&
           !url.starts_with("http://[::1]");
  });
}

std::string etcd_setting(const Container& container, const std::string& option) {
  if (const std::string* value = container.option("--" + option)) return *value;
  std::string variable = "ETCD_" + option;
  std::ranges::transform(variable, variable.begin(), [](char c) {
    return c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  return container.env(variable).text;
}

void audit_etcd(const Place& place) {
  if (!place.image_is("etcd") && !place.container.has_word("etcd")) return;
  for (const std::string side : {"client", "peer"}) {
    const std::string urls = etcd_setting(place.container, "listen-" + side + "-urls");
    if (has_remote_plain_url(urls)) {
      place.add("T12", "listen-" + side + "-urls has http://");
    } else if (urls.find("https://") != std::string::npos) {
      const std::string option = side == "client" ? "client-cert-auth" : "peer-client-cert-auth";
      const bool present = place.container.option("--" + option) != nullptr;
      const std::string value = etcd_setting(place.container, option);
      if (!(present && value.empty()) && value != "true") place.add("T12", option + " isn't on");
    }
  }
}

void audit_minio(const Place& place) {
  if (!place.image_is("minio") || !place.container.has_word("server")) return;
  bool has_certificates = place.container.option("--certs-dir") != nullptr || place.container.option("-S") != nullptr;
  for (const YamlValue& mount : place.container.value->at("volumeMounts").items) {
    has_certificates |= mount.at("mountPath").text.find("certs") != std::string::npos;
  }
  if (!has_certificates) place.add("T13", "no certificates are mounted");
}

void audit_kafka(const Place& place) {
  for (const std::string_view name :
       {"KAFKA_LISTENERS", "KAFKA_ADVERTISED_LISTENERS", "KAFKA_CFG_LISTENERS", "KAFKA_CFG_ADVERTISED_LISTENERS",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "KAFKA_CFG_LISTENER_SECURITY_PROTOCOL_MAP"}) {
    const YamlValue& value = place.container.env(name);
    if (value.text.find("PLAINTEXT") == std::string::npos) continue;
    place.add("T14", std::string(name) + " has " +
                         (value.text.find("SASL_PLAINTEXT") != std::string::npos ? "SASL_PLAINTEXT" : "PLAINTEXT"));
    return;
  }
}

void audit_kafka_resource(AuditState& state, const Resource& kafka) {
  for (const YamlValue& listener : kafka.spec().under("kafka.listeners").items) {
    if (listener.at("tls").truth() != true) {
      state.add("T14", kafka, listener.line, "listener " + shown(listener.at("name").text) + " without tls");
    }
  }
}

// The scheme of an address that means plaintext beyond this machine. Never more of the value: it may hold a password.
std::optional<std::string> plaintext_scheme(std::string_view value) {
  const std::size_t colon = value.find("://");
  if (colon == std::string_view::npos || colon == 0 || colon > 16) return std::nullopt;
  const std::string scheme(value.substr(0, colon));
  std::string_view host = value.substr(colon + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (const std::size_t at = host.rfind('@'); at != std::string_view::npos) host = host.substr(at + 1);
  if (host.starts_with("localhost") || host.starts_with("127.") || host.starts_with("[::1]") ||
      host.starts_with("169.254.")) {
    return std::nullopt;
  }
  if (scheme.starts_with("postgres")) {
    const bool plain = value.find("sslmode=disable") != std::string_view::npos ||
                       value.find("sslmode=allow") != std::string_view::npos ||
                       value.find("sslmode=prefer") != std::string_view::npos;
    return plain ? std::optional<std::string>("postgres (sslmode)") : std::nullopt;
  }
  const bool asks =
      value.find("tls=true") != std::string_view::npos || value.find("ssl=true") != std::string_view::npos;
  for (const std::string_view plain :
       {"http", "ws", "redis", "amqp", "mongodb", "mysql", "nats", "ldap", "grpc", "mqtt", "ftp", "tcp"}) {
    if (scheme == plain && !asks) return scheme;
  }
  return std::nullopt;
}

void audit_addresses(const Place& place) {
  for (const YamlValue& variable : place.container.value->at("env").items) {
    const auto scheme = plaintext_scheme(variable.at("value").text);
    if (!scheme) continue;
    add_unless_covered(place.state, "T17", place.index, variable.line,
                       "env " + shown(variable.at("name").text) + " is an address of " + *scheme);
  }
}

}  // namespace

void audit_stores(AuditState& state) {
  for (std::size_t i = 0; i < state.workloads.size(); ++i) {
    for (const Container& container : containers_of(state.workloads[i])) {
      const Place place{state, i, container, image_path(container.image)};
      for (const auto audit :
           {audit_milvus, audit_qdrant, audit_redis, audit_etcd, audit_minio, audit_kafka, audit_addresses}) {
        audit(place);
      }
    }
  }
  for (const Resource& resource : state.manifests.resources) {
    if (resource.is("milvus.io", "Milvus")) audit_milvus_resource(state, resource);
    if (resource.is("kafka.strimzi.io", "Kafka")) audit_kafka_resource(state, resource);
    if (!resource.is("minio.min.io", "Tenant")) continue;
    const YamlValue& certificates = resource.spec().at("requestAutoCert");
    if (certificates.truth() == false && resource.spec().at("externalCertSecret").items.empty()) {
      state.add("T13", resource, certificates.line, "requestAutoCert is false, and no certificate is given");
    }
  }
}

}  // namespace cloister::mesh
