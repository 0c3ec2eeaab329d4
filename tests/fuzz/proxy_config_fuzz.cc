// Configuration of proxies, of any bytes: refused, or audited with findings that each have a line.
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "mesh/proxy_config/proxy_audit.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using enum mesh::ProxyKind;
  for (const mesh::ProxyKind kind : {kHaproxy, kNginx, kStunnel}) {
    const auto findings = mesh::audit_proxy(kind, "fuzz", as_text({data, size}));
    if (!findings.ok()) continue;
    for (const mesh::Finding& finding : findings.value()) {
      CLOISTER_CHECK(finding.line != 0 && !finding.what.empty());
      CLOISTER_CHECK(finding.what.find_first_of("\n\x1b") == std::string::npos);
      CLOISTER_CHECK(finding.subject.find_first_of("\n\x1b") == std::string::npos);
    }
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const std::string_view text : {
           "global\n ssl-default-bind-options ssl-min-ver TLSv1.3\nlisten a\n bind :1 ssl verify required\n server b "
           "c:1 ssl 'x y'\n",
           "http { server { listen 443 ssl; location / { proxy_pass https://a; } } }\nstream { server { listen 1; "
           "proxy_pass b:1; } }",
           "verifyChain = yes\n[a]\naccept = 1\n; x\nsslVersionMin = TLSv1.3\n",
       }) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}
