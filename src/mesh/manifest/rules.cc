// The rules, in words.
#include <algorithm>

#include "base/result.h"
#include "mesh/manifest/finding.h"

namespace cloister::mesh {
namespace {

using enum Severity;

constexpr Rule kRules[] = {
    // Manifests as such.
    {"M1", kHigh, "a file that can't be read as a manifest", "what it configures isn't known",
     "mend the file; a chart is rendered first (helm template)"},
    {"M2", kMedium, "workloads, and no mesh among the manifests",
     "nothing here encrypts the links between these workloads",
     "put them in a mesh, or give them cloister-relay, and audit its configuration with theirs"},
    {"M3", kNote, "a probe over plain HTTP",
     "the kubelet's probe isn't encrypted; it carries no data, but it needs a port that answers in plaintext",
     "leave rewriting of probes by the mesh on, or use scheme: HTTPS or an exec probe"},
    {"M4", kMedium, "a Service that offers plaintext to the outside",
     "a NodePort or LoadBalancer leads past the mesh's gateway to a plain port",
     "make it a ClusterIP behind a gateway that terminates TLS"},
    {"M5", kHigh, "an Ingress, or a listener of a Gateway, without TLS", "requests and answers travel in plaintext",
     "add tls with a certificate, and redirect plain HTTP"},
    {"M6", kLow, "metrics scraped over plain HTTP", "a scraper outside the mesh reads them in plaintext",
     "prometheus.io/scheme: https, or let the mesh merge metrics and scrape through it"},
    {"M7", kLow, "can't be told whether a workload is in the mesh", "unknown is not a pass",
     "audit the manifest of its Namespace too, or label the pods"},
    // Istio.
    {"I1", kHigh, "no mesh-wide STRICT",
     "where the root namespace has no PeerAuthentication of mode STRICT, every workload that no other policy covers "
     "accepts plaintext",
     "PeerAuthentication \"default\" in the root namespace with spec.mtls.mode: STRICT"},
    {"I2", kHigh, "PERMISSIVE or DISABLE", "plaintext is accepted there", "mode: STRICT"},
    {"I3", kHigh, "an unset mode that comes to PERMISSIVE",
     "unset inherits, and without a policy above it is PERMISSIVE", "write mode: STRICT"},
    {"I4", kMedium, "portLevelMtls without a selector", "Istio passes over it without a word",
     "add a selector, or set the mode for the whole namespace"},
    {"I5", kHigh, "a DestinationRule that turns mutual TLS off inside the mesh",
     "its mode overrides automatic mutual TLS: DISABLE sends plaintext, SIMPLE shows no client certificate, MUTUAL "
     "shows "
     "one that the mesh didn't issue",
     "mode: ISTIO_MUTUAL, or no tls at all"},
    {"I6", kMedium, "TLS to a server that isn't verified",
     "without a CA and names, or with insecureSkipVerify, any server will do",
     "set caCertificates (or credentialName) and subjectAltNames"},
    {"I7", kHigh, "a workload outside the mesh",
     "it has no identity, and its links are plaintext unless it encrypts itself",
     "take the opt-out away; a job that can't live with a sidecar gets ambient mode or cloister-relay"},
    {"I8", kHigh, "traffic led around the proxy", "what is excluded is neither encrypted nor authenticated",
     "take the annotation away, or end TLS in the workload itself"},
    {"I9", kMedium, "plaintext, or anything, may leave the mesh",
     "hosts outside are reached without TLS, or without being declared",
     "outboundTrafficPolicy.mode: REGISTRY_ONLY, and a DestinationRule that originates TLS for each external host"},
    {"I10", kMedium, "a Gateway's server that is plain, passes through, or takes old TLS",
     "clients outside get less than TLS 1.2, or the gateway can't see what it lets through",
     "tls.mode: MUTUAL or SIMPLE with minProtocolVersion TLSV1_2 or newer; httpsRedirect for port 80"},
    {"I11", kMedium, "an AuthorizationPolicy that doesn't ask who",
     "ALLOW without principals lets anybody in; DENY by principals or namespaces doesn't catch a plaintext peer, which "
     "has none",
     "name from.source.principals in every ALLOW rule; deny by notPrincipals"},
    {"I12", kMedium, "an EnvoyFilter that touches transport sockets", "it can replace or drop mutual TLS unseen",
     "take the patch away; where it must stay, probe the port"},
    {"I13", kLow, "findings of istioctl analyze are suppressed", "what is suppressed isn't seen by the next reader",
     "take galley.istio.io/analyze-suppress away"},
    {"I14", kMedium, "a NetworkPolicy that closes port 15008",
     "the ambient mesh's tunnel can't reach these pods: traffic fails, or goes around it",
     "allow TCP 15008 beside the workload's ports"},
    {"I15", kHigh, "automatic mutual TLS is off",
     "clients send plaintext unless a DestinationRule says otherwise for each host", "meshConfig.enableAutoMtls: true"},
    {"I16", kLow, "the mesh takes less than TLS 1.3", "older versions have weaker handshakes",
     "meshConfig.meshMTLS.minProtocolVersion: TLSV1_3"},
    {"I17", kMedium, "a PeerAuthentication that may not be the one that counts",
     "of several on one level only the oldest is used, and one that selects in the root namespace never is",
     "keep one policy a level; move a selecting one to the workload's namespace"},
    {"I18", kMedium, "portLevelMtls for a port of the Service", "its keys are ports of the workload",
     "use the container's port"},
    // Linkerd.
    {"L1", kHigh, "an inbound policy that takes unauthenticated clients",
     "all-unauthenticated, which is the default, cluster-unauthenticated and audit accept plaintext",
     "proxy.defaultInboundPolicy: all-authenticated, or deny"},
    {"L2", kHigh, "a Server whose accessPolicy takes unauthenticated clients", "plaintext is accepted on its port",
     "leave accessPolicy out (deny) and authorise with an AuthorizationPolicy"},
    {"L3", kHigh, "an authorisation that needs no mutual TLS",
     "an address is no identity: who is in the network is let in, in plaintext",
     "require a MeshTLSAuthentication; keep networks for the kubelet's probes on their own route"},
    {"L4", kHigh, "traffic led around the proxy", "skipped ports and subnets are plaintext",
     "take the annotation away; opaque-ports keeps mutual TLS"},
    {"L5", kHigh, "a workload outside the mesh",
     "it has no identity, and its links are plaintext unless it encrypts itself",
     "linkerd.io/inject: enabled on the namespace or the pod"},
    {"L6", kNote, "opaque ports", "still mutual TLS between meshed pods, but the list replaces the default one",
     "name the default ports too where they are used"},
    {"L7", kHigh, "a trust anchor or issuer that has expired, or soon will",
     "with it every proxy's certificate stops being renewed", "rotate it now; cert-manager can do so by itself"},
    {"L8", kLow, "linked clusters, and no shared trust anchor to be seen",
     "gateways of clusters without a common anchor can't authenticate each other",
     "audit the trust roots of both clusters together"},
    {"L9", kMedium, "traffic may leave the mesh undeclared", "what leaves isn't encrypted by the mesh",
     "EgressNetwork with trafficPolicy: Deny; leave external profiles off"},
    // AWS App Mesh.
    {"A1", kHigh, "what is left of AWS App Mesh",
     "the service ended on 2026-09-30: its control plane doesn't answer, certificates aren't renewed, and new proxies "
     "don't start",
     "move to ECS Service Connect or VPC Lattice: `cloister mesh migrate`"},
    {"A2", kHigh, "a listener whose TLS mode isn't STRICT", "plaintext is accepted", "mode: STRICT until it is moved"},
    {"A3", kMedium, "TLS without validation of the peer", "any certificate will do: encrypted, to whom nobody knows",
     "validation.trust with subjectAlternativeNames on both sides"},
    {"A4", kHigh, "a client policy that doesn't enforce TLS",
     "requests are sent in plaintext where the backend offers no TLS", "clientPolicy.tls.enforce: true"},
    {"A5", kMedium, "a client policy for some ports only", "the others are plaintext", "leave ports out"},
    // Consul.
    {"C1", kHigh, "permissive mutual TLS", "plaintext is accepted", "mutualTLSMode: strict"},
    {"C2", kMedium, "permissive mutual TLS may be switched on", "any service's defaults can then take plaintext",
     "allowEnablingPermissiveMutualTLS: false"},
    {"C3", kLow, "the mesh takes less than TLS 1.3", "older versions have weaker handshakes",
     "spec.tls.incoming and outgoing with tlsMinVersion: TLSv1_3"},
    {"C4", kMedium, "proxies pass traffic to unknown destinations", "it leaves the mesh in plaintext",
     "spec.transparentProxy.meshDestinationsOnly: true"},
    {"C5", kHigh, "traffic led around the proxy, or a workload outside the mesh", "it is plaintext",
     "take the annotation away"},
    {"C6", kMedium, "an intention that allows everybody", "mutual TLS without a decision about who",
     "name the sources, and deny * by default"},
    {"C7", kHigh, "Consul's own agents without TLS", "certificates and intentions travel in plaintext",
     "global.tls.enabled: true"},
    // Cilium.
    {"N1", kHigh, "no transparent encryption", "pods' traffic crosses the network in plaintext",
     "encryption.enabled: true with type wireguard or ipsec"},
    {"N2", kLow, "nodes' own traffic isn't encrypted", "pods of the host network and the kubelet stay in plaintext",
     "encryption.nodeEncryption: true"},
    {"N3", kMedium, "encryption without strict mode",
     "until an address is known to be a node's, its traffic leaves in plaintext",
     "encryption.strictMode.enabled: true"},
    {"N4", kNote, "encryption between nodes only",
     "WireGuard and IPsec authenticate nodes, not workloads, and not pods on one node",
     "add mutual TLS where the two workloads must know each other"},
    // Kuma.
    {"K1", kHigh, "a Mesh without mutual TLS", "its links are plaintext", "mtls.enabledBackend"},
    {"K2", kHigh, "permissive mutual TLS", "plaintext is accepted", "mode: STRICT"},
    {"K3", kMedium, "a MeshTLS with from",
     "Kuma 3.0 drops from without a word, and the listener goes back to what the Mesh says", "use rules"},
    {"K4", kHigh, "traffic led around the proxy, or a workload outside the mesh", "it is plaintext",
     "take the annotation away"},
    // Envoy by itself.
    {"E1", kHigh, "a listener without TLS", "it takes plaintext from beyond this machine",
     "transport_socket with a DownstreamTlsContext, or listen on loopback"},
    {"E2", kHigh, "a cluster without TLS", "requests are sent in plaintext beyond this machine",
     "transport_socket with an UpstreamTlsContext"},
    {"E3", kMedium, "TLS that asks for no client certificate", "anybody may call", "require_client_certificate: true"},
    {"E4", kMedium, "a peer's certificate that isn't held against a CA and names",
     "without both, the wrong peer will do; names in a secret that SDS sends can't be seen here",
     "validation_context with trusted_ca (or SPIFFE's validator) and match_typed_subject_alt_names"},
    {"E5", kLow, "no hybrid post-quantum group", "what is recorded today can be read by a later quantum computer",
     "tls_params.ecdh_curves: [X25519MLKEM768, X25519]"},
    {"E6", kLow, "less than TLS 1.3 is taken", "older versions have weaker handshakes",
     "tls_params.tls_minimum_protocol_version: TLSv1_3"},
    {"E7", kHigh, "verification that is switched off, or renegotiation", "what isn't trusted is accepted",
     "take the setting away"},
    {"E8", kMedium, "the admin interface beyond this machine", "it shows secrets' names and can stop the proxy",
     "admin.address on 127.0.0.1 or a Unix socket"},
    // HAProxy, nginx and stunnel.
    {"H1", kHigh, "a bind without ssl", "it takes plaintext from beyond this machine",
     "bind … ssl crt …, or bind to loopback"},
    {"H2", kHigh, "a server without ssl", "requests are sent in plaintext beyond this machine",
     "server … ssl verify required ca-file … crt …"},
    {"H3", kMedium, "a bind that asks for no client certificate", "anybody may call", "verify required ca-file …"},
    {"H4", kMedium, "a server that isn't verified, or not by name", "the wrong server will do",
     "verify required ca-file … verifyhost …"},
    {"H5", kLow, "less than TLS 1.3 is taken", "older versions have weaker handshakes", "ssl-min-ver TLSv1.3"},
    {"G1", kHigh, "a listen without ssl", "it takes plaintext from beyond this machine",
     "listen … ssl, or listen on loopback"},
    {"G2", kHigh, "an upstream without TLS", "requests are sent in plaintext beyond this machine",
     "https:// or grpcs://; in a stream proxy_ssl on"},
    {"G3", kMedium, "a server that asks for no client certificate", "anybody may call",
     "ssl_verify_client on with ssl_client_certificate"},
    {"G4", kMedium, "an upstream that isn't verified, or isn't shown a certificate",
     "verification is off by default: any server will do",
     "proxy_ssl_verify on with proxy_ssl_trusted_certificate, "
     "proxy_ssl_name, proxy_ssl_certificate and its key"},
    {"G5", kLow, "less than TLS 1.3 is taken", "older versions have weaker handshakes", "ssl_protocols TLSv1.3"},
    {"S1", kHigh, "a service that verifies nobody", "any peer will do", "verifyChain = yes with CAfile and checkHost"},
    {"S2", kMedium, "a service that asks for no name", "any name that the CA signed will do", "checkHost"},
    {"S3", kLow, "less than TLS 1.3 is taken", "older versions have weaker handshakes", "sslVersionMin = TLSv1.3"},
    // What AI frameworks speak among themselves, and with their stores.
    {"T1", kHigh, "an inference server without TLS", "prompts and answers travel in plaintext",
     "give it certificates, or keep it behind a mesh that refuses plaintext"},
    {"T2", kHigh, "vLLM over several nodes",
     "all its links between nodes (data, pipeline and tensor parallel, KV transfer) are plaintext without "
     "authentication, and know no TLS",
     "put them in a mesh, in cloister-relay, or on a network that is encrypted below (WireGuard, IPsec, PSP)"},
    {"T3", kHigh, "SGLang over several nodes", "its ZeroMQ sockets are plaintext TCP without authentication",
     "put them in a mesh, in cloister-relay, or on a network that is encrypted below"},
    {"T4", kHigh, "Ray without TLS", "tasks, objects and pickled code travel in plaintext",
     "RAY_USE_TLS=1 with RAY_TLS_SERVER_CERT, RAY_TLS_SERVER_KEY and RAY_TLS_CA_CERT on every node; the dashboard "
     "(8265) behind a proxy"},
    {"T5", kMedium, "NCCL, RDMA or EFA",
     "collectives have no cryptography, and RDMA goes around every proxy: at best the provider encrypts the fabric",
     "an encrypted fabric, or NCCL over sockets through an encrypted network; record the provider's statement"},
    {"T6", kHigh, "a rendezvous of torch without TLS",
     "torchrun's store (29500) and the ranks' sockets are plaintext without authentication",
     "put the ranks in a mesh, in cloister-relay, or on a network that is encrypted below"},
    {"T7", kHigh, "Milvus without internal TLS", "its components' gRPC is plaintext",
     "common.security.internaltlsEnabled: true and tlsMode: 2"},
    {"T8", kHigh, "Triton without TLS", "gRPC (8001), HTTP (8000) and metrics (8002) are plaintext",
     "--grpc-use-ssl-mutual, --allow-http=false, and metrics through the mesh"},
    {"T9", kMedium, "KServe or Knative without internal TLS", "requests travel in plaintext from the gateway on",
     "system-internal-tls: Enabled in config-network; urlScheme: https"},
    {"T10", kHigh, "Qdrant without TLS", "vectors and payloads travel in plaintext",
     "cluster.p2p.enable_tls and service.enable_tls: true"},
    {"T11", kHigh, "Redis or Valkey without TLS", "cached prompts and features travel in plaintext",
     "--tls-port with --port 0, --tls-auth-clients yes, --tls-replication yes, --tls-cluster yes"},
    {"T12", kHigh, "etcd without mutual TLS", "state and secrets travel in plaintext, or to anybody who asks",
     "https:// URLs for clients and peers, --client-cert-auth and --peer-client-cert-auth"},
    {"T13", kHigh, "MinIO without TLS", "objects travel in plaintext",
     "certificates in its certs folder (--certs-dir)"},
    {"T14", kHigh, "Kafka with a plaintext listener", "records travel in plaintext",
     "tls: true, protocol SSL or SASL_SSL"},
    {"T15", kHigh, "MPI ranks", "MPI's own transports have no encryption",
     "put the ranks in a mesh, in cloister-relay, or on a network that is encrypted below"},
    {"T16", kMedium, "a KV cache handed from server to server (NIXL, UCX, Mooncake, LMCache)",
     "the cache is the prompt, and its transport isn't encrypted", "an encrypted fabric, or a tunnel between the two"},
    {"T17", kMedium, "an address that means plaintext", "this client opens the link without TLS",
     "the scheme with TLS (https, rediss, amqps, …), or a mesh between the two"},
};

}  // namespace

std::string_view name_of(Severity severity) {
  switch (severity) {
    case kLow: return "low";
    case kMedium: return "medium";
    case kHigh: return "high";
    case kNote: break;
  }
  return "note";
}

std::span<const Rule> rules() { return kRules; }

const Rule& rule(std::string_view id) {
  const Rule* found = std::ranges::find(kRules, id, &Rule::id);
  CLOISTER_CHECK(found != std::end(kRules));
  return *found;
}

}  // namespace cloister::mesh
