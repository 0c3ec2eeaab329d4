// A signed note and a verifier key of any bytes: parsed or refused, and what was parsed is written back as it was. No
// note but the one that was signed here is signed.
#include <vector>

#include "tests/unit/audit/log_fixture.h"

namespace {

using namespace cloister;
using namespace cloister::audit;

struct Made {
  LogKeys keys;
  std::vector<VerifierKey> trusted{keys.log.verifier(), keys.witness.verifier(), keys.other_witness.verifier()};
  std::string note = note_of(frontier_of(example_records()), keys);
  std::string text = value_of(parse_note(note)).text;
};

Made& made() {
  static Made made;
  return made;
}

void push(std::vector<std::vector<std::uint8_t>>* seeds, std::string_view text) {
  seeds->emplace_back(text.begin(), text.end());
}

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  push(seeds, made().note);
  for (const VerifierKey& key : made().trusted) push(seeds, key.text());
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = as_text({data, size});
  if (const auto key = VerifierKey::parse(input); key.ok()) CLOISTER_CHECK(key->text() == input);
  const auto note = parse_note(input);
  if (!note.ok()) return 0;
  const auto written = write_note(*note);
  CLOISTER_CHECK(written.ok() && *written == input);
  const auto verified = verify_note(*note, made().trusted);
  CLOISTER_CHECK(!verified.ok() || note->text == made().text);
  return 0;
}
