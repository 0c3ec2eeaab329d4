// A TPM 2.0 that is asked what it measured: its endorsement key, a key that attests, quotes by that key, and
// credentials opened beside it. Through tpm2-tss.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "crypto/secret.h"
#include "crypto/tpm_credential.h"

namespace cloister::worker {

// Of the SHA-256 bank, ascending: what firmware, boot loader and system measure, without those that anybody may reset.
inline const std::vector<std::uint8_t> kMachineRegisters{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14};

struct QuotedRegisters {
  Bytes quote;      // TPMS_ATTEST
  Bytes signature;  // TPMT_SIGNATURE
  Bytes values;     // of the registers, one behind the other
};

// Both keys are primary keys of the endorsement hierarchy: the same TPM makes the same ones again from its seed, so
// nothing is kept, on disk or in the TPM. One thread at a time.
class TpmDevice {
 public:
  // `transport` as tpm2-tss has it: "device:/dev/tpmrm0", "swtpm:host=127.0.0.1,port=2321"; empty: what it finds
  // itself. Call it before the process is locked down: libraries are loaded and the device opened here, nothing later.
  // kUnsupported: tpm2-tss isn't there. kUnavailable: the TPM isn't.
  static Result<std::unique_ptr<TpmDevice>> open(const std::string& transport);
  ~TpmDevice();

  // TPM2B_PUBLIC each: RSA 2048 as the TCG's profile for endorsement keys has it (L-1), and ECDSA on P-256, restricted.
  const Bytes& endorsement_key() const;
  const Bytes& attestation_key() const;
  // DER, as its manufacturer left it in the TPM (NV index 0x01C00002); empty where there is none.
  Result<Bytes> endorsement_certificate();
  // The longest answer a quote carries: 32, 48 or 64 bytes.
  std::size_t extra_size_max() const;

  // Of the SHA-256 bank. kInvalid for more `extra` than fits or a register above 23; kUnavailable when registers change
  // faster than they can be read, or the TPM asks to be left alone.
  Result<QuotedRegisters> quote(ByteView extra, const std::vector<std::uint8_t>& registers);
  // kDenied when it was sealed to another TPM or beside another key.
  Result<crypto::Secret> activate(const crypto::SealedTpmCredential& sealed);

 private:
  struct State;
  explicit TpmDevice(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cloister::worker
