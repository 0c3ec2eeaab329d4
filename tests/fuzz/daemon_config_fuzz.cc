// A daemon's configuration of any bytes: read or refused with a line, and what was read can be described.
#include "cloisterd/config.h"

#include <string>
#include <vector>

using namespace cloister;

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const std::string small =
      "home = \"/h\"\ntrust_domain = \"a.example\"\n[policy]\nfile = \"/p\"\n[listen]\nunix = \"/s\"\n"
      "tls = [\"0.0.0.0:1\", \"[::]:2\"]\n";
  for (const char* more :
       {"", "[identity]\nsvid_lifetime_seconds = 600\nname_constraints = false\n[limits]\nworkers = 2\n",
        "[[unix_user]]\nuid = 1\nid = \"spiffe://a.example/b\"\n[[unix_workload]]\nuid = 2\ngid = 3\nid = "
        "\"spiffe://a.example/c\"\n",
        "[anomalies]\nwebhook_socket = \"/w\"\nwebhook_user = 4\nwebhook_path = \"/x\"\n[log]\nlevel = \"debug\"\n"}) {
    seeds->push_back(to_bytes(as_bytes(small + more)));
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config = daemon::parse_config(as_text({data, size}));
  if (!config.ok()) {
    CLOISTER_CHECK(config.error().code() == Code::kInvalid);
    return 0;
  }
  CLOISTER_CHECK(!config->policy_file.empty() && config->own_id.trust_domain() == config->trust_domain);
  CLOISTER_CHECK(!daemon::describe(*config).empty());
  return 0;
}
