// Evidence of a machine with a TPM 2.0: a quote over what its firmware and system measured.
#pragma once

#include "worker/attester/attester.h"
#include "worker/attester/tpm_device.h"

namespace cloister::worker {

class TpmAttester final : public Attester {
 public:
  // `device` was opened before the process was locked down. `registers`: of the SHA-256 bank, ascending.
  explicit TpmAttester(std::unique_ptr<TpmDevice> device, std::vector<std::uint8_t> registers = kMachineRegisters);

  attest::Kind kind() const override { return attest::Kind::kTpm; }
  // Parts: quote, signature, pcrs, ak. A TPM that takes no 64 bytes is given the SHA-256 of `report_data`, which its
  // verifier knows.
  Result<attest::Evidence> collect(const LockedDown& locked, ByteView report_data) override;

 private:
  const std::unique_ptr<TpmDevice> device_;
  const std::vector<std::uint8_t> registers_;
};

}  // namespace cloister::worker
