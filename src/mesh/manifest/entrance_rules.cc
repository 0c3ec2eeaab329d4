// M3 to M6: plaintext at the edge, whichever mesh is behind it.
#include "mesh/manifest/audit_state.h"

namespace cloister::mesh {
namespace {

void audit_probes(AuditState& state, const Workload& workload) {
  for (const Container& container : containers_of(workload)) {
    for (const std::string_view name : {"livenessProbe", "readinessProbe", "startupProbe"}) {
      const YamlValue& http = container.value->at(name).at("httpGet");
      if (http.is_map() && http.at("scheme").text != "HTTPS") {
        state.add("M3", workload, http.line,
                  std::string(name) + " of container " + shown(container.value->at("name").text));
      }
    }
  }
}

void audit_rewriting(AuditState& state, const Workload& workload) {
  const YamlValue& rewriting = workload.annotation("sidecar.istio.io/rewriteAppHTTPProbers");
  if (rewriting.truth() == false) {
    state.add_as(Severity::kMedium, "M3", workload, rewriting.line,
                 "rewriteAppHTTPProbers is \"false\": probes fail under STRICT, or keep a port open for plaintext");
  }
}

void audit_scraping(AuditState& state, const Resource& resource, const YamlValue& annotations) {
  const YamlValue& scrape = annotations.at("prometheus.io/scrape");
  if (scrape.truth() != true || annotations.at("prometheus.io/scheme").text == "https") return;
  state.add("M6", resource, scrape.line, "prometheus.io/scrape without prometheus.io/scheme: https");
}

bool is_plain_port(const YamlValue& port) {
  const YamlValue& number = port.at("port");
  const std::string& name = port.at("name").text;
  const std::string& protocol = port.at("appProtocol").text;
  if (number.text == "80" || number.text == "8000" || number.text == "8080" || number.text == "8265") return true;
  return name == "http" || name.starts_with("http-") || name == "grpc" || name.starts_with("grpc-") ||
         protocol == "http" || protocol == "kubernetes.io/h2c";
}

void audit_service(AuditState& state, const Resource& service) {
  const YamlValue& type = service.spec().at("type");
  if (type.text != "NodePort" && type.text != "LoadBalancer") return;
  for (const YamlValue& port : service.spec().at("ports").items) {
    if (is_plain_port(port))
      state.add("M4", service, port.line, type.text + " with port " + shown(port.at("port").text));
  }
}

void audit_ingress(AuditState& state, const Resource& ingress) {
  if (ingress.spec().at("tls").items.empty()) state.add("M5", ingress, ingress.spec().line, "an Ingress without tls");
}

bool redirects(const YamlValue& rule) {
  for (const YamlValue& filter : rule.at("filters").items) {
    if (filter.under("requestRedirect.scheme").text == "https") return true;
  }
  return false;
}

// Whether some route of this Gateway does more over plain HTTP than to send its clients to HTTPS.
bool serves_plain(const AuditState& state, const Resource& gateway, const YamlValue& listener) {
  bool routed = false;
  for (const Resource& route : state.manifests.resources) {
    if (!route.is("gateway.networking.k8s.io", "HTTPRoute")) continue;
    for (const YamlValue& parent : route.spec().at("parentRefs").items) {
      const YamlValue& section = parent.at("sectionName");
      if (parent.at("name").text != gateway.name || (section.is_text() && section.text != listener.at("name").text))
        continue;
      routed = true;
      for (const YamlValue& rule : route.spec().at("rules").items) {
        if (!redirects(rule)) return true;
      }
    }
  }
  return !routed;
}

void audit_gateway(AuditState& state, const Resource& gateway) {
  // A waypoint's listener is inside the mesh.
  if (gateway.spec().at("gatewayClassName").text == "istio-waypoint") return;
  for (const YamlValue& listener : gateway.spec().at("listeners").items) {
    const YamlValue& protocol = listener.at("protocol");
    if (protocol.text != "HTTP" && protocol.text != "TCP") continue;
    if (serves_plain(state, gateway, listener)) {
      state.add("M5", gateway, protocol.line,
                "listener " + shown(listener.at("name").text) + " is plain " + protocol.text);
    }
  }
}

}  // namespace

void audit_plain_entrances(AuditState& state) {
  for (const Workload& workload : state.workloads) {
    audit_probes(state, workload);
    audit_rewriting(state, workload);
    audit_scraping(state, *workload.resource, workload.metadata->at("annotations"));
  }
  for (const Resource& resource : state.manifests.resources) {
    if (resource.is("", "Service")) {
      audit_service(state, resource);
      audit_scraping(state, resource, resource.root.under("metadata.annotations"));
    }
    if (resource.kind == "Ingress" && resource.group != "") audit_ingress(state, resource);
    if (resource.is("gateway.networking.k8s.io", "Gateway")) audit_gateway(state, resource);
  }
}

}  // namespace cloister::mesh
