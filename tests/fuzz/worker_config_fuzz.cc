// A worker's configuration of any text: refused with a line, or whole enough to lock down by.
#include <vector>

#include "cloister-worker/config.h"
#include "tests/support/worker_config_text.h"

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const std::string& text = cloister::testing::kWorkerConfigText;
  seeds->emplace_back(text.begin(), text.end());
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  const auto config = worker::parse_worker_config(as_text(ByteView(data, size)));
  if (!config.ok()) return 0;
  CLOISTER_CHECK(config->target.role == config->role && config->manifest.is_absolute());
  const worker::LockdownRequest request = worker::lockdown_request(*config);
  CLOISTER_CHECK(request.reach.connect_ports.size() == worker::egress_of(*config).size());
  return 0;
}
