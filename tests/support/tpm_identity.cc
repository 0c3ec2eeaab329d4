#include "tests/support/tpm_identity.h"

#include "attest/tpm/tpm_bytes.h"
#include "tests/support/value_of.h"

namespace cloister::testing {
namespace {

// fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy, restricted, decrypt.
constexpr std::uint32_t kEndorsementKey = 0x000300B2;

// As the key of a quote of RSA, but for what it may do and how it protects its children: AES-128 in CFB mode.
Bytes endorsement_area() {
  const auto key = value_of(attest::parse_tpm_public(SimulatedTpm({.key = TpmParts::Key::kRsa}).public_area()));
  attest::TpmWriter area;
  area.u16(0x0001).u16(0x000B).u32(kEndorsementKey).sized({});
  area.u16(0x0006).u16(128).u16(0x0043).u16(0x0010).u16(2048).u32(0);
  return attest::TpmWriter().sized(area.sized(ByteView(key.area).last(256)).take()).take();
}

}  // namespace

attest::TpmIdentity simulated_identity(const TpmParts& parts) {
  return {value_of(attest::parse_tpm_public(endorsement_area())),
          value_of(attest::parse_tpm_public(SimulatedTpm(parts).public_area())),
          {}};
}

}  // namespace cloister::testing
