// A signed note and a verifier key of any bytes: parsed or refused, and what was parsed is written back as it was. No
// note but the one that was signed here is signed.
#include <vector>

#include "tests/unit/audit/log_fixture.h"

namespace {

using namespace cloister;
using namespace cloister::audit;

// Keys that sign nothing but this one note.
struct Made {
  crypto::SigningKey log_key = signing_key(31);
  crypto::SigningKey witness_key = signing_key(32);
  NoteSigner log = value_of(NoteSigner::make(kOrigin, NoteKeyType::kEd25519, log_key));
  NoteSigner witness = value_of(NoteSigner::make(kWitness, NoteKeyType::kCosignatureV1, witness_key));
  std::vector<VerifierKey> trusted{log.verifier(), witness.verifier()};
  std::string text = value_of(checkpoint_text(checkpoint_of(frontier_of(example_records()))));
  std::string note = value_of(write_note({text, {log.sign(text, kNow), witness.sign(text, kNow)}}));
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
