// Nitro documents under a root of a test's own, every part of which can be made wrong.
#pragma once

#include <functional>

#include "attest/nitro/nitro.h"
#include "base/cbor.h"
#include "tests/support/certificates.h"

namespace cloister::testing {

struct NitroParts {
  Bytes report_data = Bytes(64, 0x5A);
  bool debug = false;
  bool indefinite = true;                 // the map, as AWS writes it
  std::string without = {};               // the member that is left out
  std::string twice = {};                 // the member that is there twice
  std::string nulled = {};                // the member that is null instead
  Time not_before = kNow + minutes(-10);  // of the document's key
  Time not_after = kNow + hours(2);
  Time authority_not_after = kNow + days(5);
  std::optional<crypto::KeyType> key_type = {};    // of the document's key: P-384 otherwise
  std::optional<crypto::PublicKey> leaf_key = {};  // certified instead of the key that signs
  Bytes trailer = {};
};

class SimulatedNitro {
 public:
  explicit SimulatedNitro(std::uint64_t seed = 90);

  attest::Evidence document(const NitroParts& parts = {});
  attest::Anchors anchors() const;

 private:
  Bytes payload(const NitroParts& parts, const Bytes& leaf);

  crypto::MemorySigner root_signer_, region_signer_;
  crypto::Certificate root_;
};

}  // namespace cloister::testing
