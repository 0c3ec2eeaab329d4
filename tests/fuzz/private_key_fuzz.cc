// A private key file of any bytes: parsed or refused, and what was parsed is the same key when it is written again.
#include <vector>

#include "crypto/asymmetric_key.h"
#include "tests/support/certificates.h"
#include "tests/support/value_of.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const crypto::Secret input = crypto::Secret::copy_of({data, size});
  ignore_result(crypto::PrivateKey::from_pkcs8_pem(input));
  const auto key = crypto::PrivateKey::from_pkcs8(input);
  if (!key.ok()) return 0;
  const auto again = crypto::PrivateKey::from_pkcs8(key->to_pkcs8());
  CLOISTER_CHECK(again.ok() && again->public_key() == key->public_key());
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  using enum crypto::KeyType;
  for (const auto type : {kEcP256, kEcP384, kEd25519}) {
    const crypto::PrivateKey key = testing::key_of_seed(1, type);
    seeds->push_back(to_bytes(key.to_pkcs8().expose()));
    seeds->push_back(to_bytes(key.to_pkcs8_pem().expose()));
  }
}
