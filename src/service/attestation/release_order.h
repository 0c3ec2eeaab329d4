// The body of a request for attested release: read within bounds, unknown and repeated names refused.
// docs/formats/release.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attest/evidence.h"
#include "crypto/hpke.h"
#include "service/attestation/challenges.h"

namespace cloister::service {

struct WantedKey {
  Bytes object;
  std::array<std::uint8_t, 32> commitment{};
  std::uint32_t version = 0;
  Bytes wrapped;
};

// New evidence.
struct AttestationOrder {
  Challenge challenge{};
  std::string role;
  crypto::HpkePublicKey recipient;
  Bytes manifest;
  attest::EvidenceSet evidence;
};

struct ReleaseOrder {
  std::vector<WantedKey> keys;
  // One of them.
  std::optional<AttestationOrder> attestation;
  std::optional<std::string> lease;
  bool ear = false;  // whether the verdict is wanted as a signed attestation result too: with new evidence only
};

// kInvalid, naming the field.
Result<ReleaseOrder> parse_release_order(std::string_view body);

// 1 to 63 of a-z 0-9 . _ -, as a policy names roles.
bool is_role(std::string_view text);

}  // namespace cloister::service
