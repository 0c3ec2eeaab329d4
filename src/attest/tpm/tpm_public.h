// The public area of a key in a TPM 2.0, TPM2B_PUBLIC: the key, and what the TPM lets be done with it. TCG TPM 2.0
// Library, part 2: 12.2.
#pragma once

#include "attest/tpm/tpm_quote.h"

namespace cloister::attest {

struct TpmPublic {
  TpmHash name_hash = TpmHash::kSha256;
  std::uint32_t attributes = 0;
  std::uint16_t symmetric = 0;  // TPM_ALG_ID of what protects children; 0x0010: none
  std::uint16_t symmetric_bits = 0;
  std::uint16_t symmetric_mode = 0;
  std::optional<crypto::PublicKey> key;  // always there after parsing
  Bytes area;                            // TPMT_PUBLIC, as it stands

  // What the TPM knows it by: the hash's number and the digest of its public area.
  Bytes name() const;
  // TPM2B_PUBLIC: what parse_tpm_public() reads.
  Bytes sized() const;
  // It never left its TPM, was made there, and signs nothing but what the TPM says of itself.
  bool attests() const;
  // The storage key that credentials are sealed to: as attests(), but it decrypts.
  bool endorses() const;
};

// kInvalid for anything but one whole TPM2B_PUBLIC; kUnsupported for keys that are neither RSA nor on P-256, P-384,
// P-521.
Result<TpmPublic> parse_tpm_public(ByteView bytes);

struct AttestationKey {
  std::optional<TpmPublic> area;  // not there for a bare key
  crypto::PublicKey key;
};
// A TPM2B_PUBLIC, or a bare SubjectPublicKeyInfo.
Result<AttestationKey> parse_attestation_key(ByteView bytes);

}  // namespace cloister::attest
