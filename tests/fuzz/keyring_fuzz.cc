// A keyring of any bytes: parsed or refused, and what was parsed is written back as it was. None unlocks unless it is
// the one that was made here.
#include <vector>

#include "seal/keyring.h"
#include "seal/keyring_format.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/local_key.h"

namespace {

using namespace cloister;

const seal::KeyringOwner kOwner{"acme", "production", "mnist"};

struct Made {
  testing::DeterministicRandom random{1};
  testing::LocalKey kek{9, random};
  Bytes bytes;

  Made() {
    auto keyring = seal::Keyring::create(kOwner, Time{1'700'000'000'000}, random);
    CLOISTER_CHECK(keyring.ok() && keyring->rotate(Time{1'700'000'000'001}).ok());
    CLOISTER_CHECK(keyring->set_state(1, seal::DatasetKeyState::kDestroyed).ok());
    CLOISTER_CHECK(keyring->add_recipient(crypto::HpkeKem::kX25519).ok());
    auto stored = keyring->serialize(kek, "ring");
    CLOISTER_CHECK(stored.ok());
    bytes = std::move(stored).value();
  }
};

Made& made() {
  static Made made;
  return made;
}

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) { seeds->push_back(made().bytes); }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const auto parts = seal::parse_keyring_parts(input);
  if (!parts.ok()) return 0;
  Bytes again = seal::serialize_keyring_parts(*parts);
  CLOISTER_CHECK(again.size() == parts->mac_offset);
  again.insert(again.end(), parts->mac.begin(), parts->mac.end());
  CLOISTER_CHECK(equal(again, input));
  const bool unlocked = seal::Keyring::unlock(input, kOwner, made().kek, "ring", made().random).ok();
  CLOISTER_CHECK(unlocked == equal(input, made().bytes));
  return 0;
}
