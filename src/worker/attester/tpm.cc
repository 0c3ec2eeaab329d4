#include "worker/attester/tpm.h"

#include "crypto/hash.h"

namespace cloister::worker {
namespace {

constexpr std::size_t kReportDataMax = 64;

}  // namespace

TpmAttester::TpmAttester(std::unique_ptr<TpmDevice> device, std::vector<std::uint8_t> registers)
    : device_(std::move(device)), registers_(std::move(registers)) {}

Result<attest::Evidence> TpmAttester::collect(const LockedDown&, ByteView report_data) {
  if (report_data.size() > kReportDataMax) return Error(Code::kInvalid, "a TPM's quote carries 64 bytes at most");
  Bytes extra = to_bytes(report_data);
  if (extra.size() > device_->extra_size_max()) extra = to_bytes(crypto::sha256(report_data));
  CLOISTER_TRY(QuotedRegisters quoted, device_->quote(extra, registers_));
  return attest::Evidence{attest::Kind::kTpm,
                          {{"quote", std::move(quoted.quote)},
                           {"signature", std::move(quoted.signature)},
                           {"pcrs", std::move(quoted.values)},
                           {"ak", device_->attestation_key()}}};
}

}  // namespace cloister::worker
