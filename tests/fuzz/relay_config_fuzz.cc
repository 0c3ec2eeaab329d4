// A relay's configuration and a request for its metrics, of any bytes. What is taken keeps its promises: no listener
// without somebody it is for, and no plaintext that leaves the machine.
#include <vector>

#include "mesh/relay/config.h"
#include "mesh/relay/metrics_server.h"

namespace {

using namespace cloister;

bool stays_here(const mesh::RelayAddress& address) {
  return address.is_unix() || address.tcp.host == "::1" || address.tcp.host.starts_with("127.");
}

void look_at_config(std::string_view text) {
  const auto config = mesh::parse_relay_config(text);
  if (!config.ok()) return;
  CLOISTER_CHECK(!config->listeners.empty() && !mesh::describe(*config).empty());
  CLOISTER_CHECK(!config->metrics || stays_here(*config->metrics));
  for (const mesh::ListenerSettings& listener : config->listeners) {
    CLOISTER_CHECK(!listener.peers.patterns().empty() && !listener.targets.empty());
    const bool inbound = listener.direction == mesh::ListenerSettings::Direction::kInbound;
    for (const mesh::RelayAddress& target : listener.targets) CLOISTER_CHECK(!inbound || stays_here(target));
    CLOISTER_CHECK(inbound || stays_here(listener.listen));
    for (const std::string& pattern : listener.peers.patterns()) {
      CLOISTER_CHECK(listener.peers.allows(pattern.ends_with('/') ? pattern + "x" : pattern));
      CLOISTER_CHECK(!listener.peers.allows(pattern.substr(0, pattern.find('/', 9))));  // the trust domain itself
    }
  }
}

void look_at_request(std::string_view head) {
  bool asked = false;
  const std::string answer = mesh::metrics_answer(head, [&asked] {
    asked = true;
    return std::string("text");
  });
  CLOISTER_CHECK(answer.starts_with("HTTP/1.1 ") && answer.find("\r\n\r\n") != std::string::npos);
  CLOISTER_CHECK(asked == answer.starts_with("HTTP/1.1 200"));
}

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const std::string_view text :
       {"", "\"spiffe://acme.example/*\"\n[limits]\nconnections = 3\n", "[metrics]\nlisten = \"127.0.0.1:1\"\n",
        "[\"spiffe://acme.example/a\", \"spiffe://b.example/b/*\"]\nkey_exchange = \"classical\"\n", "/metrics",
        "[[inbound]]\nname = \"b\"\nlisten = \"unix:/s\"\nworkload = \"unix:/w\"\nallow = \"spiffe://a.b/c\"\n"}) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  look_at_config(text);
  // Most bytes are no configuration: the same as the value of one key, and as tables behind one that is whole.
  static const std::string kWhole =
      "[identity]\ncertificate = \"/c\"\nkey = \"/k\"\nbundle = \"/b\"\n[[inbound]]\nname = \"in\"\nlisten = "
      "\"0.0.0.0:8443\"\nworkload = \"127.0.0.1:80\"\nallow = \"spiffe://acme.example/a\"\n";
  look_at_config(kWhole + std::string(text));
  look_at_config(kWhole + "[[outbound]]\nname = \"out\"\nlisten = \"127.0.0.1:1\"\ntarget = \"a:1\"\nexpect = " +
                 std::string(text));
  look_at_request(text);
  look_at_request("GET " + std::string(text) + " HTTP/1.1\r\n\r\n");
  return 0;
}
