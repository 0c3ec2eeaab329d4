// A workload manifest of any text: what is read is written as a text that reads the same.
#include <vector>

#include "attest/workload_manifest.h"

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  cloister::attest::WorkloadManifest manifest;
  manifest.name = "scorer";
  manifest.role = "infer";
  for (int i = 0; i < 2; ++i) {
    const std::string text = cloister::attest::write_workload_manifest(manifest);
    seeds->emplace_back(text.begin(), text.end());
    manifest.model.emplace();
    manifest.egress = {"keys.acme.example:8443", "[::1]:9"};
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  const auto read = attest::parse_workload_manifest(as_text(ByteView(data, size)));
  if (!read.ok()) return 0;
  const auto again = attest::parse_workload_manifest(attest::write_workload_manifest(*read));
  CLOISTER_CHECK(again.ok() && *again == *read);
  return 0;
}
