// A line of a scan's journal, of any bytes: refused, or written again as the same line.
#include <vector>

#include "posture/collect/content/scan_journal.h"

using namespace cloister;
using namespace cloister::posture::content;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto line = parse_journal_line(as_text({data, size}));
  if (!line.ok()) return 0;
  const std::string again = tally_json(line->batch, line->tally);
  const auto second = parse_journal_line(again);
  CLOISTER_CHECK(second.ok() && tally_json(second->batch, second->tally) == again);
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  LocationTally tally;
  tally.verdicts[2] = 3;
  tally.objects.push_back({"a", Verdict::kPlaintext, "csv", "why", 12, "ab"});
  tally.raw_key_places = {"a: jwk at 0"};
  tally.seal.tenants = {"acme"};
  tally.seal.wraps = {{"00", "11"}};
  const std::string line = tally_json("name", tally);
  const ByteView bytes = as_bytes(line);
  seeds->emplace_back(bytes.begin(), bytes.end());
}
