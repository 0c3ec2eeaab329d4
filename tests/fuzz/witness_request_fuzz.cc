// What a log asks a witness, of any bytes: parsed or refused, and what was parsed is written back as it was.
#include <vector>

#include "audit/witness_request.h"

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  using namespace cloister::audit;
  for (std::size_t count : {0u, 2u, 63u}) {
    const std::string text = write_witness_request({count, std::vector<Hash>(count), "note\n"});
    seeds->emplace_back(text.begin(), text.end());
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  const std::string_view input = as_text({data, size});
  const auto request = audit::parse_witness_request(input);
  if (request.ok()) CLOISTER_CHECK(audit::write_witness_request(*request) == input);
  return 0;
}
