#include "attest/tpm/credential.h"

namespace cloister::attest {
namespace {

constexpr std::uint16_t kAes = 0x0006;
constexpr std::uint16_t kCfb = 0x0043;

crypto::TpmNameHash name_hash(TpmHash hash) {
  return hash == TpmHash::kSha256   ? crypto::TpmNameHash::kSha256
         : hash == TpmHash::kSha384 ? crypto::TpmNameHash::kSha384
                                    : crypto::TpmNameHash::kSha512;
}

}  // namespace

Result<crypto::SealedTpmCredential> make_tpm_credential(const TpmPublic& endorsement, const TpmPublic& attestation,
                                                        const crypto::Secret& credential, crypto::Random& random) {
  if (!endorsement.endorses()) return Error(Code::kDenied, "the endorsement key may do more than decrypt in its TPM");
  if (!attestation.attests()) return Error(Code::kDenied, "the key may sign what no TPM said, or may leave its TPM");
  if (endorsement.symmetric != kAes || endorsement.symmetric_mode != kCfb) {
    return Error(Code::kUnsupported, "the endorsement key doesn't protect its children with AES in CFB mode");
  }
  return crypto::seal_tpm_credential(*endorsement.key, {name_hash(endorsement.name_hash), endorsement.symmetric_bits},
                                     attestation.name(), credential, random);
}

CollateralItem tpm_endorsement(const TpmPublic& attestation, Time now) {
  CollateralItem item;
  item.kind = CollateralKind::kTpmEndorsement;
  item.key = to_hex(crypto::sha256(attestation.key->spki()));
  item.body = attestation.sized();
  item.fetched = now;
  return item;
}

}  // namespace cloister::attest
