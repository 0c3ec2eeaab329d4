// A worker's configuration of any text: refused with a line, or whole enough to lock down by.
#include <vector>

#include "cloister-worker/config.h"
#include "tests/support/worker_config_text.h"

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const std::string& text = cloister::testing::kWorkerConfigText;
  seeds->emplace_back(text.begin(), text.end());
  const std::string_view one = "[service]\nsocket = \"/run/cloister/keys.sock\"\nuser = 990\n";
  const std::string_view two =
      "[[service]]\nname = \"a\"\nkeyring = \"11111111111111111111111111111111\"\nsocket = \"/run/a.sock\"\nuser = 1\n"
      "[[service]]\nname = \"b\"\nkeyring = \"22222222222222222222222222222222\"\naddress = \"10.0.0.9:8443\"\n"
      "id = \"spiffe://b.example/k\"\ncertificate = \"/b/c\"\nkey = \"/b/k\"\nbundle = \"/b/b\"\n";
  std::string shared = text;
  shared.replace(shared.find(one), one.size(), two);
  seeds->emplace_back(shared.begin(), shared.end());
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
