// A list of certificate logs of any bytes: parsed or refused; every log's id is its key's hash.
#include <vector>

#include "crypto/hash.h"
#include "probe/certificate/log_list.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto list = probe::LogList::parse(as_text({data, size}));
  if (!list.ok()) return 0;
  for (const auto& log : list->logs()) CLOISTER_CHECK(log.id == crypto::sha256(log.key.spki()));
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  static constexpr std::string_view kList = R"({"log_list_timestamp":"2026-01-01T00:00:00Z","operators":[{"name":"a",
    "logs":[{"description":"b","log_id":"aPaY+B9kgr46jO65KB1M/HFRXWeT1ETRCmesu09P+8Q=",
    "key":"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1/TMabLkDpCjiupacAlP7xNi0I1JYP8bQFAHDG1xhtolSY1l4QgNRzRrvSe8liE+NPWHdjGxfx3JhTsN9x8/6Q==",
    "state":{"readonly":{"timestamp":"2016-11-30T13:24:18.33Z"}}}],"tiled_logs":[]}]})";
  seeds->push_back(to_bytes(as_bytes(kList)));
}
