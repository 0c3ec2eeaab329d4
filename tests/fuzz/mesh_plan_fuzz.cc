// A plan of any bytes: refused, or one whose configuration is YAML in which the audit finds nothing.
#include <string_view>
#include <vector>

#include "mesh/manifest/audit.h"
#include "mesh/manifest/mesh_writer.h"

using namespace cloister;

namespace {

void expect_clean(const std::string& text) {
  auto resources = mesh::read_manifest("fuzz.yaml", text);
  CLOISTER_CHECK(resources.ok());
  mesh::Manifests manifests;
  manifests.resources = std::move(resources).value();
  CLOISTER_CHECK(mesh::audit_manifests(manifests, {Time{1'795'000'000'000}, "default", ""}).findings.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto plan = mesh::parse_mesh_plan(as_text({data, size}));
  // The audit takes istio-system, or what --root-namespace says, for the root.
  if (!plan.ok() || plan.value().root_namespace != "istio-system") return 0;
  expect_clean(mesh::write_istio(*plan, mesh::IstioKind::kSidecar));
  expect_clean(mesh::write_istio(*plan, mesh::IstioKind::kAmbient));
  expect_clean(mesh::write_istio_values(*plan));
  expect_clean(mesh::write_linkerd(*plan));
  expect_clean(mesh::write_linkerd_values(*plan));
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const std::string_view text : {
           "trust_domain = 'prod.example'\n[[service]]\nname = 'vllm'\nnamespace = 'inference'\nports = [8000]\n"
           "callers = ['edge/gateway', 'spiffe://other.example/x']\nlabels = ['app=vllm', 'tier=gpu']\n",
           "[[service]]\nname='a'\nnamespace='b'\nports=[1,2]\n[[external]]\nhost='h.example'\nport=8443\n",
       }) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}
