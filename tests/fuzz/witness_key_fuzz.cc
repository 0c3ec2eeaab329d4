// The text of a witness's private key, of any bytes: parsed or refused, and what was parsed is written back as the same
// key.
#include <vector>

#include "tests/support/deterministic_random.h"
#include "witness_key.h"

using namespace cloister;

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  testing::DeterministicRandom random{1};
  const auto key = crypto::SigningKey::generate(random);
  seeds->push_back(to_bytes(cli::witness_key_text("witness.example.org/w1", key).expose()));
  seeds->push_back(to_bytes(as_bytes("# a comment\nPRIVATE+KEY+w+00000000+AAAA\n")));
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto key = cli::parse_witness_key({data, size});
  if (!key.ok()) return 0;
  const auto again = cli::parse_witness_key(cli::witness_key_text(key->name, key->key).expose());
  CLOISTER_CHECK(again.ok() && again->name == key->name && again->key.public_key() == key->key.public_key());
  return 0;
}
