// Manifests of any bytes: refused with a line, or audited, and what the report says is one printable line that JSON and
// SARIF can carry.
#include <algorithm>
#include <string_view>
#include <vector>

#include "mesh/manifest/report.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto resources = mesh::read_manifest("fuzz.yaml", as_text({data, size}));
  if (!resources.ok()) {
    CLOISTER_CHECK(!resources.error().message().empty());
    return 0;
  }
  mesh::Manifests manifests;
  manifests.resources = std::move(resources).value();
  const mesh::AuditReport report = mesh::audit_manifests(manifests, {Time{1'795'000'000'000}, "default", ""});
  for (const mesh::Finding& finding : report.findings) {
    CLOISTER_CHECK(finding.line != 0 && !finding.what.empty());
    CLOISTER_CHECK(finding.subject.find_first_of("\n\x1b") == std::string::npos);
    CLOISTER_CHECK(finding.what.find_first_of("\n\x1b") == std::string::npos);
  }
  JsonLimits limits;
  limits.size = std::size_t{64} << 20;
  limits.values = 10'000'000;
  CLOISTER_CHECK(parse_json(mesh::to_json(report, Time{0}).serialize(), limits).ok());
  CLOISTER_CHECK(parse_json(mesh::to_sarif(report, "1").serialize(), limits).ok());
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const std::string_view text : {
           "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a, namespace: b}\nspec:\n"
           "  selector: {matchLabels: {app: x}}\n  mtls: {mode: DISABLE}\n  portLevelMtls: {80: {mode: UNSET}}\n",
           "apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {linkerd.io/inject: enabled}}\nspec:\n"
           "  containers:\n  - {image: vllm/vllm-openai, args: [\"--nnodes=2\"], env: [{name: A, value: "
           "\"http://x\"}]}\n",
           "a: &a [1, *b]\nb: &b {<<: {c: 1}}\n---\nc: *b\n",
           "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: linkerd-config}\ndata:\n  values: |\n    proxy: {x: 1}\n",
           "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nspec:\n  host: a\n  trafficPolicy:\n    tls: "
           "{mode: SIMPLE}\n",
           "{\"Resources\": {\"N\": {\"Type\": \"AWS::AppMesh::VirtualNode\", \"Properties\": {\"Spec\": "
           "{\"Listeners\": [{}]}}}}}",
           "encryption: {enabled: false, type: wireguard}\n",
       }) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}
