// Recipient and identity texts of any bytes: parsed or refused, and what was parsed is written back as the same key.
#include <algorithm>
#include <string>
#include <vector>

#include "crypto/hpke.h"
#include "identity_text.h"
#include "tests/support/deterministic_random.h"

using namespace cloister;

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  testing::DeterministicRandom random{1};
  for (const crypto::HpkeKem kem : {crypto::HpkeKem::kX25519, crypto::HpkeKem::kXWing}) {
    const auto key = crypto::HpkePrivateKey::generate(kem, random);
    seeds->push_back(to_bytes(as_bytes(key.public_key().text())));
    seeds->push_back(to_bytes(cli::identity_text(key).expose()));
  }
  seeds->push_back(to_bytes(as_bytes("# a comment\n\ncloister-identity-x25519:00\n")));
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const auto recipient = crypto::HpkePublicKey::parse_text(cli::only_line(as_text(input)));
  if (recipient.ok()) {
    const auto again = crypto::HpkePublicKey::parse_text(recipient->text());
    CLOISTER_CHECK(again.ok() && equal(again->bytes(), recipient->bytes()) && again->kem() == recipient->kem());
  }
  const auto identity = cli::parse_identity(input);
  if (identity.ok()) {
    const auto again = cli::parse_identity(cli::identity_text(*identity).expose());
    CLOISTER_CHECK(again.ok() && again->public_key().text() == identity->public_key().text());
  }
  return 0;
}
