// The text of a checkpoint, of any bytes: parsed or refused, and what was parsed is written back as it was.
#include <vector>

#include "tests/unit/audit/log_fixture.h"

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  using namespace cloister::audit;
  Checkpoint checkpoint = checkpoint_of(frontier_of(example_records()));
  for (int i = 0; i < 3; ++i) {
    const std::string text = value_of(checkpoint_text(checkpoint));
    seeds->emplace_back(text.begin(), text.end());
    checkpoint.extensions.emplace_back("an extension line");
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  const std::string_view input = as_text({data, size});
  const auto checkpoint = audit::parse_checkpoint(input);
  if (!checkpoint.ok()) return 0;
  const auto written = audit::checkpoint_text(*checkpoint);
  CLOISTER_CHECK(written.ok() && *written == input);
  return 0;
}
